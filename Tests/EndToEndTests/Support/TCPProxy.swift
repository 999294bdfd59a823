import NIOCore
import NIOPosix
import Synchronization
import TestServers

/// Stands between a client and a server on 127.0.0.1, and does what networks do.
final class TCPProxy: Sendable {
    fileprivate struct State {
        var listener: (any Channel)?
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isStalled = false
        var heldBytes = 0
    }

    let port: Int
    private let target: Int
    private let state = Mutex(State())

    static func run<Result>(
        to target: Int, isolation: isolated (any Actor)? = #isolation, _ body: (TCPProxy) async throws -> Result
    ) async throws -> Result {
        let proxy = TCPProxy(port: try await FreePort.next(), target: target)
        try await proxy.accept()
        do {
            let result = try await body(proxy)
            try await proxy.refuse()
            proxy.cut()
            return result
        } catch {
            try await proxy.refuse()
            proxy.cut()
            throw error
        }
    }

    private init(port: Int, target: Int) {
        self.port = port
        self.target = target
    }

    /// Both ends of every connection.
    var connectionCount: Int { state.withLock { $0.channels.count } }

    /// How much has come since it stalled.
    var heldBytes: Int { state.withLock { $0.heldBytes } }

    /// Forwards nothing more, not even that an end has hung up; connections are accepted, and hear nothing.
    func stall() {
        change { ($0.isStalled, $0.heldBytes) = (true, 0) }
    }

    /// Forwards what was held back, on the connections of which both ends are still there.
    func resume() {
        change { $0.isStalled = false }
    }

    private func change(_ body: (inout State) -> Void) {
        let channels = state.withLock { state in
            body(&state)
            return Array(state.channels.values)
        }
        for channel in channels { channel.pipeline.fireUserInboundEventTriggered(StallChanged()) }
    }

    /// Closes all connections.
    func cut() {
        for channel in state.withLock({ Array($0.channels.values) }) { channel.close(promise: nil) }
    }

    /// Accepts no more connections; those that there are stay.
    func refuse() async throws {
        let listener = state.withLock { state in
            defer { state.listener = nil }
            return state.listener
        }
        try await listener?.close().get()
    }

    /// Accepts connections, again.
    func accept() async throws {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.socketOption(.so_reuseaddr), value: 1)
            .childChannelOption(.tcpOption(.tcp_nodelay), value: 1)
            .childChannelInitializer { [weak self] near in
                guard let self else { return near.close() }
                return ClientBootstrap(group: near.eventLoop)
                    .channelOption(.tcpOption(.tcp_nodelay), value: 1)
                    .channelInitializer { far in self.join(far, to: near) }
                    .connect(host: "127.0.0.1", port: self.target)
                    .flatMap { far in self.join(near, to: far) }
            }
            .bind(host: "127.0.0.1", port: port).get()
        state.withLock { $0.listener = listener }
    }

    private func join(_ channel: any Channel, to peer: any Channel) -> EventLoopFuture<Void> {
        let id = ObjectIdentifier(channel)
        state.withLock { $0.channels[id] = channel }
        channel.closeFuture.whenComplete { [weak self] _ in
            self?.state.withLock { $0.channels[id] = nil }
        }
        return channel.eventLoop.makeCompletedFuture {
            try channel.pipeline.syncOperations.addHandler(
                Forwarder(to: peer) { [weak self] bytes in
                    self?.state.withLock { state in
                        if state.isStalled { state.heldBytes += bytes }
                        return state.isStalled
                    } ?? false
                })
        }
    }
}

private struct StallChanged: Sendable {}

/// Gives what one end sends to the other. Both are on one event loop.
private final class Forwarder: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer

    private let peer: any Channel
    private let isStalled: (_ received: Int) -> Bool
    private var held: [ByteBuffer] = []

    init(to peer: any Channel, isStalled: @escaping (_ received: Int) -> Bool) {
        self.peer = peer
        self.isStalled = isStalled
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        let bytes = unwrapInboundIn(data)
        held.append(bytes)
        forward(context, received: bytes.readableBytes)
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard event is StallChanged else { return context.fireUserInboundEventTriggered(event) }
        forward(context)
    }

    private func forward(_ context: ChannelHandlerContext, received: Int = 0) {
        guard !isStalled(received) else { return }
        guard peer.isActive else { return context.close(promise: nil) }
        for bytes in held { peer.write(bytes, promise: nil) }
        held = []
        peer.flush()
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isStalled(0) { peer.close(promise: nil) }
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
