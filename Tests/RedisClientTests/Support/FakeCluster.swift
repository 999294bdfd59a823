import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RedisClient

/// A server of a cluster that has all slots, and says of each key that it is at another server (ASK): each time at the next one of many, which are all
/// this one at ports of their own.
final class FakeCluster: Sendable {
    private struct State {
        var ports: [Int] = []
        var asked = 0
        var open = 0
        var mostOpen = 0
    }

    private let state = Mutex(State())

    /// Connections.
    var open: Int { state.withLock { $0.open } }
    /// At the same time.
    var mostOpen: Int { state.withLock { $0.mostOpen } }
    var address: RedisConfiguration.Address { .init(host: "127.0.0.1", port: state.withLock { $0.ports[0] }) }

    /// - Parameter servers: To which keys are said to be on their way.
    static func run(servers: Int, _ body: (FakeCluster) async throws -> Void) async throws {
        let cluster = FakeCluster()
        var channels: [any Channel] = []
        for _ in 0...servers {
            let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Answers(cluster)) }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(channel.localAddress?.port)
            cluster.state.withLock { $0.ports.append(port) }
            channels.append(channel)
        }
        let result: Result<Void, any Error>
        do {
            try await body(cluster)
            result = .success(())
        } catch {
            result = .failure(error)
        }
        for channel in channels { try await channel.close() }
        try result.get()
    }

    private func opened(_ count: Int) {
        state.withLock { state in
            state.open += count
            state.mostOpen = max(state.mostOpen, state.open)
        }
    }

    private func answer(to command: String, isAsking: Bool) -> String {
        switch command {
        case "HELLO": return "%1\r\n+version\r\n+7.2.0\r\n"
        case "CLUSTER INFO": return "+cluster_state:ok\r\n"
        case "CLUSTER SLOTS": return "*1\r\n*3\r\n:0\r\n:16383\r\n*2\r\n+127.0.0.1\r\n:\(address.port)\r\n"
        case "GET" where isAsking: return "+a\r\n"
        case "GET":
            return state.withLock { state in
                state.asked += 1
                return "-ASK 0 127.0.0.1:\(state.ports[1 + state.asked % (state.ports.count - 1)])\r\n"
            }
        default: return "+OK\r\n"
        }
    }

    private final class Answers: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let cluster: FakeCluster
        private var parser = RESPParser()
        private var isAsking = false

        init(_ cluster: FakeCluster) {
            self.cluster = cluster
        }

        func channelActive(context: ChannelHandlerContext) { cluster.opened(1) }

        func channelInactive(context: ChannelHandlerContext) { cluster.opened(-1) }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            parser.append(unwrapInboundIn(data))
            var answers = ByteBuffer()
            while case .reply(let command)? = try? parser.next() {
                let words = command.array?.compactMap(\.string) ?? []
                let name = words.first == "CLUSTER" ? words.joined(separator: " ") : words.first ?? ""
                answers.writeString(cluster.answer(to: name, isAsking: isAsking))
                isAsking = name == "ASKING"
            }
            context.writeAndFlush(wrapOutboundOut(answers), promise: nil)
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) { context.close(promise: nil) }
    }
}
