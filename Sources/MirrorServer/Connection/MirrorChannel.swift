import Hummingbird
import HummingbirdCore
import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOSSL

/// An HTTP/1.1 connection, perhaps behind TLS: the fast path first, then the handlers of Hummingbird's own channel.
struct MirrorChannel: HTTPChannelHandler {
    /// Thrown for a connection that the client may not make.
    struct Refused: Error {}

    /// Bytes that are read at a time. Each connection keeps a buffer of this size for the next read.
    private static let readLength = 4_096
    /// Bytes that the kernel is told to buffer while nothing is read; it buffers about twice as many. When the client ends its side, NIO reads all.
    private static let receiveBuffer = 32_768
    /// Bytes that are buffered here when the kernel accepts no more; above the high mark no further request is answered.
    private static let sendBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 8_192, high: 16_384)
    /// Unsent bytes that the kernel accepts. Without this limit it would accept megabytes that a client may never read.
    private static let unsent = 262_144

    let responder: HTTPChannelHandler.Responder
    /// `nil` leaves out the fast path, and so do `coalescing` and `lookups`: the differential tests compare with and without it.
    let table: FastPathTable?
    let coalescing: CoalescingTable?
    var lookups: StateLookups?
    let pools: PoolTable
    let selector: Reloadable<PoolSelector>
    let shares: AddressShares
    let tasks: ConnectionTasks
    let metrics: ConnectionMetrics
    /// Whether connections begin with a PROXY protocol header, and are accepted only from trusted proxies.
    var expectsProxyHeader = false
    /// For each new connection, the current context. `nil` for HTTP without TLS.
    let tls: Reloadable<NIOSSLContext>?
    let uses: TargetUses
    let clock: any WallClock
    let idleTimeout: TimeAmount
    let bodyTimeout: TimeAmount
    /// Whether requests that want to be traced are left to the slow path.
    var readsTraces = false
    /// Bytes of one request's head.
    let maxHeaderBytes: Int

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedConnection> {
        channel.eventLoop.makeCompletedFuture {
            do {
                guard isExpected(channel) else { throw Refused() }
                return try fill(channel, logger)
            } catch {
                // NIO does not close it.
                channel.close(promise: nil)
                throw error
            }
        }
    }

    /// With the PROXY protocol, connections are counted not for the proxy but for its client, once that is named.
    private func isExpected(_ channel: any Channel) -> Bool {
        guard expectsProxyHeader else { return shares.admit(channel) }
        if let peer = channel.remoteIPAddress, selector.value.isTrusted(peer) { return true }
        metrics.countProxyHeader(.untrusted)
        return false
    }

    private func fill(_ channel: any Channel, _ logger: Logger) throws -> AcceptedConnection {
        try limit(channel)
        let peer = channel.remoteIPAddress
        let (client, progress) = (ClientPresence(address: peer), ConnectionProgress())
        let pipeline = channel.pipeline.syncOperations
        let handler = connectionHandler(PoolChooser(peer: peer, pools: pools, selector: selector), client, progress, on: channel.eventLoop)
        if expectsProxyHeader { try pipeline.addHandler(proxyHandler(handler, peer)) }
        if let tls { try pipeline.addHandlers([NIOSSLServerHandler(context: tls.value), HandshakeAcknowledger()]) }
        try pipeline.addHandlers([
            handler,
            HTTPResponseEncoder(),
            ExchangeHandler(progress) { handler.join($0) },
            BodyLimitHandler(progress, timeout: bodyTimeout, clock: clock),
            HTTP1ToHTTPServerCodec(secure: false),
            HTTPConnectionStateHandler(logger: logger),
        ])
        return AcceptedConnection(
            try NIOAsyncChannel(wrappingChannelSynchronously: channel, configuration: .init(isOutboundHalfClosureEnabled: true)),
            of: client)
    }

    private func proxyHandler(_ handler: ConnectionHandler, _ peer: IPAddress?) -> ProxyProtocolHandler {
        let shares = shares
        return ProxyProtocolHandler(metrics: metrics) { header, channel in
            let client = header.client ?? peer
            guard shares.admit(channel, from: client) else { return false }
            handler.begin(from: client)
            return true
        }
    }

    private func connectionHandler(
        _ chooser: PoolChooser, _ client: ClientPresence, _ progress: ConnectionProgress, on loop: any EventLoop
    ) -> ConnectionHandler {
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = maxHeaderBytes
        limits.maxHeaderListSize = maxHeaderBytes
        limits.maxHeaderFieldCount = 100
        return ConnectionHandler(
            fastPath: FastPath(
                table: table, chooser: chooser, uses: uses, clock: clock, maxHeadLength: maxHeaderBytes, readsTraces: readsTraces, on: loop),
            coalescing: coalescing, lookups: lookups, client: client, connection: progress, reader: RequestReader(progress, limits: limits),
            silence: SilenceCheck(progress, limit: idleTimeout))
    }

    /// Limits what the kernel and NIO buffer for one connection.
    private func limit(_ channel: any Channel) throws {
        let options = channel.syncOptions
        try options?.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 256, initial: 2_048, maximum: Self.readLength))
        // So that a head arrives in one go, and not in parts when ten thousand arrive at once.
        try options?.setOption(.maxMessagesPerRead, value: UInt(maxHeaderBytes / Self.readLength + 1))
        try options?.setOption(.writeBufferWaterMark, value: Self.sendBuffer)
        try options?.setOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(Self.receiveBuffer))
        #if os(Linux)
            // TCP_NOTSENT_LOWAT of linux/tcp.h
            try options?.setOption(.tcpOption(.init(rawValue: 25)), value: SocketOptionValue(Self.unsent))
        #endif
    }

    /// Only starts serving the connection, so that the next one can be accepted.
    func handle(value: AcceptedConnection, logger: Logger) async {
        let (connection, client) = (value.take(), value.client)
        tasks.start { await serve(connection, of: client, logger) }
    }

    /// Cancelled when the time for a graceful shutdown has passed: then the connection is closed, even if the client has not read everything.
    private func serve(_ connection: HTTP1Channel.Value, of client: ClientPresence, _ logger: Logger) async {
        await withTaskCancellationHandler {
            await ClientPresence.$current.withValue(client) {
                await handleHTTP(asyncChannel: connection, logger: logger)
            }
        } onCancel: {
            let channel = connection.channel
            channel.eventLoop.execute {
                (try? channel.pipeline.syncOperations.handler(type: ConnectionHandler.self))?.hangUp()
            }
        }
    }
}
