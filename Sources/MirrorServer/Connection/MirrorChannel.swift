import Hummingbird
import HummingbirdCore
import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import NIOHTTPTypesHTTP1
import NIOSSL

/// A connection of HTTP/1.1, perhaps behind TLS, with the fast path in front, and behind it what Hummingbird's own channel has.
struct MirrorChannel: HTTPChannelHandler {
    /// A connection whose client has as many as it may have.
    struct Refused: Error {}

    /// Bytes that are read at a time, and kept by each connection for the next read.
    private static let readLength = 4_096
    /// Bytes that the kernel takes in while nobody reads; it takes about twice as many. NIO reads all of it when the client ends its side.
    private static let receiveBuffer = 32_768
    /// Bytes that are kept here when the kernel takes no more; above it nothing more is answered.
    private static let sendBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 8_192, high: 16_384)
    /// Bytes that the kernel takes beyond what is on its way to the client. It would take megabytes that a client may never read.
    private static let unsent = 262_144

    let responder: HTTPChannelHandler.Responder
    /// `nil` leaves the fast path out, and `coalescing` and `lookups` too: the differential tests compare with and without it.
    let table: FastPathTable?
    let coalescing: CoalescingTable?
    var lookups: StateLookups?
    let pools: PoolTable
    let selector: Reloadable<PoolSelector>
    let shares: AddressShares
    let tasks: ConnectionTasks
    let metrics: ConnectionMetrics
    /// Whether connections begin with a header of the PROXY protocol, and come from trusted proxies alone.
    var expectsProxyHeader = false
    /// Each connection is greeted with what is in force when it comes. `nil` for HTTP without TLS.
    let tls: Reloadable<NIOSSLContext>?
    let uses: TargetUses
    let clock: any WallClock
    let idleTimeout: TimeAmount
    let bodyTimeout: TimeAmount
    /// Bytes of one request's head.
    let maxHeaderBytes: Int

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedConnection> {
        channel.eventLoop.makeCompletedFuture {
            do {
                guard isExpected(channel) else { throw Refused() }
                return try fill(channel, logger)
            } catch {
                // Nobody else would.
                channel.close(promise: nil)
                throw error
            }
        }
    }

    /// With the PROXY protocol the proxy's connections are not counted, but its clients', once it has named them.
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
        if let tls { try pipeline.addHandler(NIOSSLServerHandler(context: tls.value)) }
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
                table: table, chooser: chooser, uses: uses, clock: clock, maxHeadLength: maxHeaderBytes, on: loop),
            coalescing: coalescing, lookups: lookups, client: client, connection: progress, reader: RequestReader(progress, limits: limits),
            silence: SilenceCheck(progress, limit: idleTimeout))
    }

    /// Sets what the kernel and NIO keep for one connection.
    private func limit(_ channel: any Channel) throws {
        let options = channel.syncOptions
        try options?.setOption(
            .recvAllocator, value: AdaptiveRecvByteBufferAllocator(minimum: 256, initial: 2_048, maximum: Self.readLength))
        // So that a head comes in one go, and ten thousand that come at once are not all here in part.
        try options?.setOption(.maxMessagesPerRead, value: UInt(maxHeaderBytes / Self.readLength + 1))
        try options?.setOption(.writeBufferWaterMark, value: Self.sendBuffer)
        try options?.setOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(Self.receiveBuffer))
        #if os(Linux)
            // TCP_NOTSENT_LOWAT of linux/tcp.h
            try options?.setOption(.tcpOption(.init(rawValue: 25)), value: SocketOptionValue(Self.unsent))
        #endif
    }

    /// Only begins to serve it, so that the next connection can be accepted.
    func handle(value: AcceptedConnection, logger: Logger) async {
        let (connection, client) = (value.take(), value.client)
        tasks.start { await serve(connection, of: client, logger) }
    }

    /// Cancelled when the time for a graceful shutdown is over: then the connection is closed, whatever the client has not taken yet.
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
