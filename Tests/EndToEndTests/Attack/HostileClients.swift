import MirrorCore
import NIOCore
import NIOPosix
import Synchronization

/// Many clients that mean no good, on an event loop of their own, from addresses of their own. Who is hung up on comes again a second later.
final class HostileClients: Sendable {
    enum Kind: String, CaseIterable, Sendable {
        /// A head that never ends, a byte a second.
        case slowHead = "slow heads"
        /// Requests for what is hot, without end, and not a byte of the answers is read.
        case unreadAnswers = "unread answers"
        /// A head of 30 KB for what is never there, and patience.
        case waiting = "waits"
        /// Something new with each request, one a second.
        case coldFlood = "cold floods"
    }

    struct Counts: Sendable {
        var connected = 0
        var refused = 0
        var hungUpOn = 0
        var answers = 0
        var open = 0
    }

    private struct State {
        var counts: [Kind: Counts] = [:]
        var channels: [ObjectIdentifier: any Channel] = [:]
        var isOver = false
        var next = 0
    }

    /// Addresses that they come from: the one that honest clients have is none of them.
    private static let sources = (2...5).map { "127.0.0.\($0)" }

    private let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
    private let port: Int
    private let hot: String
    /// The target of the n-th thing that nobody has asked for.
    private let cold: @Sendable (Int) -> String
    private let state = Mutex(State())

    init(url: String, hot: String, cold: @escaping @Sendable (Int) -> String) {
        port = url.split(separator: ":").last.flatMap { Int($0) } ?? 0
        self.hot = hot
        self.cold = cold
    }

    func counts(_ kind: Kind) -> Counts { state.withLock { $0.counts[kind, default: Counts()] } }
    var open: Int { Kind.allCases.reduce(0) { $0 + counts($1).open } }

    /// - Parameter ramp: Over how long they come.
    func start(_ kind: Kind, _ count: Int, over ramp: TimeAmount) {
        for number in 0..<count {
            let delay = TimeAmount.nanoseconds(ramp.nanoseconds * Int64(number) / Int64(max(1, count)))
            group.next().scheduleTask(in: delay) { self.connect(kind, number) }
        }
    }

    func stop() async throws {
        let channels = state.withLock { state in
            state.isOver = true
            return Array(state.channels.values)
        }
        for channel in channels { channel.close(promise: nil) }
        try await group.shutdownGracefully()
    }

    private func connect(_ kind: Kind, _ number: Int) {
        guard !state.withLock({ $0.isOver }) else { return }
        let source = Self.sources[number % Self.sources.count]
        let bootstrap = ClientBootstrap(group: group)
            .connectTimeout(.seconds(20))
            .channelOption(.autoRead, value: kind != .unreadAnswers)
            // Little room for what is not read: it is to be the mirror that keeps it, and not this side's kernel.
            .channelOption(.socketOption(.so_rcvbuf), value: 16 << 10)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(HostileHandler(kind, self)) }
            }
        do {
            try bootstrap.bind(to: SocketAddress(ipAddress: source, port: 0)).connect(host: "127.0.0.1", port: port)
                .whenComplete { self.connected($0, kind, number) }
        } catch {
            change(kind) { $0.refused += 1 }
        }
    }

    private func connected(_ result: Result<any Channel, any Error>, _ kind: Kind, _ number: Int) {
        switch result {
        case .failure:
            change(kind) { $0.refused += 1 }
            again(kind, number)
        case .success(let channel):
            change(kind) { ($0.connected, $0.open) = ($0.connected + 1, $0.open + 1) }
            let id = ObjectIdentifier(channel)
            let isOver = state.withLock { state in
                state.channels[id] = channel
                return state.isOver
            }
            if isOver { channel.close(promise: nil) }
            channel.closeFuture.whenComplete { _ in
                let isOver = self.state.withLock { state in
                    state.channels[id] = nil
                    return state.isOver
                }
                self.change(kind) { $0.open -= 1 }
                if isOver { return }
                self.change(kind) { $0.hungUpOn += 1 }
                self.again(kind, number)
            }
        }
    }

    private func again(_ kind: Kind, _ number: Int) {
        guard !state.withLock({ $0.isOver }) else { return }
        group.next().scheduleTask(in: .seconds(1)) { self.connect(kind, number) }
    }

    fileprivate func change(_ kind: Kind, _ body: (inout Counts) -> Void) {
        state.withLock { body(&$0.counts[kind, default: Counts()]) }
    }

    /// The next request of a kind.
    fileprivate func request(_ kind: Kind) -> String {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        let host = "HTTP/1.1\r\nHost: localhost\r\n"
        switch kind {
        case .slowHead: return "GET /v1/ping \(host)X-Slow: "
        case .unreadAnswers: return String(repeating: "GET \(hot) \(host)\r\n", count: 100)
        case .waiting: return "GET \(cold(number)) \(host)X-Large: \(String(repeating: "x", count: 30_000))\r\n\r\n"
        case .coldFlood: return "GET \(cold(number))?wait=0 \(host)\r\n"
        }
    }
}

private final class HostileHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let kind: HostileClients.Kind
    private let clients: HostileClients
    private var timer: RepeatedTask?

    init(_ kind: HostileClients.Kind, _ clients: HostileClients) {
        self.kind = kind
        self.clients = clients
    }

    func channelActive(context: ChannelHandlerContext) {
        let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        switch kind {
        case .slowHead:
            send(clients.request(kind), context)
            timer = context.eventLoop.scheduleRepeatedTask(initialDelay: .seconds(1), delay: .seconds(1)) { _ in
                let (handler, context) = loop.value
                handler.send("x", context)
            }
        case .unreadAnswers:
            flood(context)
        case .waiting, .coldFlood:
            send(clients.request(kind), context)
        }
    }

    /// As much as the socket takes.
    private func flood(_ context: ChannelHandlerContext) {
        let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: clients.request(kind)))).whenSuccess {
            let (handler, context) = loop.value
            // The pace of somebody with a slow line, not to keep a whole core from the others.
            context.eventLoop.assumeIsolated().scheduleTask(in: .milliseconds(500)) { handler.flood(context) }
        }
    }

    private func send(_ text: String, _ context: ChannelHandlerContext) {
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: text)), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        clients.change(kind) { $0.answers += 1 }
        guard kind == .coldFlood || kind == .waiting else { return }
        let loop = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.scheduleTask(in: .seconds(1)) {
            let (handler, context) = loop.value
            handler.send(handler.clients.request(handler.kind), context)
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
