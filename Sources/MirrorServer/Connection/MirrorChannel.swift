import HummingbirdCore
import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import NIOSSL

/// An HTTP/1.1 connection, perhaps behind TLS: the fast path, and the slow path once it is needed.
struct MirrorChannel: ServerChildChannel {
    /// Thrown for a connection that the client may not make.
    struct Refused: Error {}

    /// Bytes that are read at a time, at most and at first. Each connection keeps a buffer of this size for the next read. Nearly all heads fit into
    /// the first one.
    private static let readLength = (most: 4_096, first: 1_024)
    /// Bytes that the kernel is told to buffer while nothing is read; it buffers about twice as many. When the client ends its side, NIO reads all.
    private static let receiveBuffer = 32_768
    /// Bytes that are buffered here when the kernel accepts no more; above the high mark no further request is answered.
    private static let sendBuffer = ChannelOptions.Types.WriteBufferWaterMark(low: 8_192, high: 16_384)
    /// Unsent bytes that the kernel accepts. Without this limit it would accept megabytes that a client may never read.
    private static let unsent = 262_144

    let slowPath: SlowPath
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
    /// Whether requests that want to be traced are left to the slow path.
    var readsTraces = false
    /// Bytes of one request's head.
    let maxHeaderBytes: Int

    func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<AcceptedConnection> {
        channel.eventLoop.makeCompletedFuture {
            do {
                guard isExpected(channel) else { throw Refused() }
                try fill(channel)
                return AcceptedConnection(channel)
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

    private func fill(_ channel: any Channel) throws {
        try limit(channel)
        let peer = channel.remoteIPAddress
        let pipeline = channel.pipeline.syncOperations
        let handler = connectionHandler(for: peer, on: channel.eventLoop)
        if expectsProxyHeader { try pipeline.addHandler(proxyHandler(handler, peer)) }
        if let tls { try pipeline.addHandlers([NIOSSLServerHandler(context: tls.value), HandshakeAcknowledger()]) }
        try pipeline.addHandler(handler)
        // Called when the time for a graceful shutdown has passed, even if the client has not read everything.
        tasks.add(channel) {
            channel.eventLoop.execute {
                (try? channel.pipeline.syncOperations.handler(type: ConnectionHandler.self))?.hangUp()
            }
        }
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

    private func connectionHandler(for peer: IPAddress?, on loop: any EventLoop) -> ConnectionHandler {
        let progress = ConnectionProgress()
        var limits = NIOHTTPDecoderLimitConfiguration()
        limits.maxHeaderFieldSize = maxHeaderBytes
        limits.maxHeaderListSize = maxHeaderBytes
        limits.maxHeaderFieldCount = 100
        return ConnectionHandler(
            fastPath: FastPath(
                table: table, chooser: PoolChooser(peer: peer, pools: pools, selector: selector), uses: uses, clock: clock,
                maxHeadLength: maxHeaderBytes, readsTraces: readsTraces, on: loop),
            coalescing: coalescing, lookups: lookups, slowPath: slowPath, client: ClientPresence(address: peer), connection: progress,
            reader: RequestReader(progress, limits: limits), silence: SilenceCheck(progress, limit: idleTimeout))
    }

    /// Limits what the kernel and NIO buffer for one connection.
    private func limit(_ channel: any Channel) throws {
        let options = channel.syncOptions
        try options?.setOption(
            .recvAllocator,
            value: AdaptiveRecvByteBufferAllocator(minimum: 256, initial: Self.readLength.first, maximum: Self.readLength.most))
        // So that a head arrives in one go, and not in parts when ten thousand arrive at once.
        try options?.setOption(.maxMessagesPerRead, value: UInt(maxHeaderBytes / Self.readLength.most + 2))
        try options?.setOption(.writeBufferWaterMark, value: Self.sendBuffer)
        try options?.setOption(.socketOption(.so_rcvbuf), value: SocketOptionValue(Self.receiveBuffer))
        #if os(Linux)
            // TCP_NOTSENT_LOWAT of linux/tcp.h
            try options?.setOption(.tcpOption(.init(rawValue: 25)), value: SocketOptionValue(Self.unsent))
        #endif
    }

    /// The connection's handlers serve it.
    func handle(value: AcceptedConnection, logger: Logger) async {
        value.take()
    }
}
