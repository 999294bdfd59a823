import Logging
import NIOCore
import NIOPosix
import TestServers
import Testing

@testable import RedisClient

@Suite("Links of a cluster", .timeLimit(.minutes(2)))
struct ClusterLinkTests {
    /// - Parameter commands: Sent at the same time; each is told to go to another server.
    private func run(
        commands: Int, idleTime: TimeAmount, _ body: (_ cluster: FakeCluster, _ answered: Int) async throws -> Void
    ) async throws {
        try await FakeCluster.run(servers: commands) { cluster in
            let loop = MultiThreadedEventLoopGroup.singleton.next()
            let context = RedisContext(
                configuration: .testing(cluster.address, topology: .cluster), loop: loop, tls: nil,
                outbox: Outbox(maxCommands: 1_000, maxBytes: 1 << 20), status: RedisStatus(),
                logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onEvent: { _ in })
            let topology = try await loop.submit {
                let topology = ClusterTopology(context, idleTime: idleTime)
                topology.start()
                return NIOLoopBound(topology, eventLoop: loop)
            }.get()
            let answers = (0..<commands).map { _ in loop.makePromise(of: Bool.self) }
            try await loop.submit {
                for promise in answers {
                    let command = PendingCommand(
                        command: RedisCommand("GET", key: "key"), script: nil, isTracked: false, deadline: .now() + .seconds(60),
                        answer: .callback { result in promise.succeed((try? result.get()) != nil) })
                    _ = context.outbox.submit(command)
                }
                topology.value.submit(context.outbox.take())
            }.get()
            let answered = try await EventLoopFuture.whenAllSucceed(answers.map(\.futureResult), on: loop).get().count { $0 }
            try await body(cluster, answered)
            let closed = loop.makePromise(of: Void.self)
            try await loop.submit { topology.value.close { closed.succeed() } }.get()
            try await closed.futureResult.get()
        }
    }

    @Test("Servers to which slots are on their way are links for a while, and not for good")
    func leaves() async throws {
        try await run(commands: 8, idleTime: .seconds(1)) { cluster, answered async throws in
            #expect(answered > 0)
            try await eventually("only the server of the map is connected to") { cluster.open == 1 }
        }
    }

    @Test("A server that names ever new servers makes no more than some links")
    func bounded() async throws {
        try await run(commands: 100, idleTime: .seconds(60)) { cluster, answered async throws in
            #expect(answered >= ClusterTopology.maxOthers)
            // Beside them the server of the map, and the one that is asked for the map.
            #expect(cluster.mostOpen <= ClusterTopology.maxOthers + 2)
        }
    }
}
