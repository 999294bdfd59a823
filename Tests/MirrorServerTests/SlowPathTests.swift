import HummingbirdCore
import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOPosix
import TestServers
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(1)))
struct SlowPathTests {
    private static func hasSlowPath(_ channel: any Channel) async throws -> Bool {
        try await channel.eventLoop.submit {
            (try? channel.pipeline.syncOperations.handler(type: ExchangeHandler.self)) != nil
        }.get()
    }

    @Test func `a connection gets the handlers of the slow path with its first request for it`() async throws {
        let world = World()
        let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
        let (asked, ask) = AsyncStream.makeStream(of: Void.self)
        let uses = UseRecorder(state: world.state, coarseness: .seconds(60)...Duration.seconds(60), clock: world.clock, logger: logger)
        let registry = MetricsRegistry()
        let metrics = ConnectionMetrics(factory: registry)
        let tasks = ConnectionTasks()
        let slowPath = SlowPath(
            responder: { _, _, _ in ask.yield() }, tasks: tasks, bodyTimeout: .hours(1), clock: world.clock, logger: logger)
        let mirror = MirrorChannel(
            slowPath: slowPath, table: nil, coalescing: nil, pools: PoolTable([]),
            selector: Reloadable(PoolSelector(SelectionConfiguration())),
            shares: AddressShares(limit: 100, isExempt: { _ in false }, metrics: metrics, logger: logger), tasks: tasks, metrics: metrics,
            tls: nil, uses: TargetUses(recorder: uses), clock: world.clock, idleTimeout: .hours(1), maxHeaderBytes: 32_768)
        let accepted = WatchedState<(any Channel)?>(nil)
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                mirror.setup(channel: channel, logger: logger).map { connection in
                    connection.take()
                    accepted.change { $0 = channel }
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        try await RawConnection.run(port: port) { connection in
            let channel = try await accepted.value { $0 }
            let before = try await Self.hasSlowPath(channel)
            #expect(!before)
            await connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
            for await _ in asked { break }
            let after = try await Self.hasSlowPath(channel)
            #expect(after)
        }
        try await listener.close().get()
        await tasks.drain()
    }
}
