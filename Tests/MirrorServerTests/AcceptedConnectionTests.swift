import HummingbirdCore
import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOPosix
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct AcceptedConnectionTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })

    /// As a listener drops it that closes meanwhile: before it would register the connection, or then.
    @Test(arguments: [true, false])
    func `a connection that nobody comes to handle is closed`(isRegistered: Bool) async throws {
        let world = World()
        let uses = UseRecorder(state: world.state, coarseness: .seconds(60)...Duration.seconds(60), clock: world.clock, logger: logger)
        let shares = AddressShares(
            limit: 100, isExempt: { _ in false }, metrics: ConnectionMetrics(factory: MetricsRegistry()), logger: logger)
        let tasks = ConnectionTasks()
        let slowPath = SlowPath(
            responder: { _, _, _ in }, tasks: tasks, bodyTimeout: .hours(1), clock: world.clock, logger: logger)
        let mirror = MirrorChannel(
            slowPath: slowPath, table: nil, coalescing: nil, pools: PoolTable([]),
            selector: Reloadable(PoolSelector(SelectionConfiguration())), shares: shares, tasks: tasks,
            metrics: ConnectionMetrics(factory: MetricsRegistry()), tls: nil, uses: TargetUses(recorder: uses),
            clock: world.clock, idleTimeout: .hours(1), maxHeaderBytes: 32_768)
        let logger = logger
        let registration = MultiThreadedEventLoopGroup.singleton.next().makePromise(of: Void.self)
        if isRegistered { registration.succeed() }
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { mirror.setup(channel: $0, logger: logger).flatMap { _ in registration.futureResult } }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        for _ in 1...10 {
            let end = try await RawConnection.run(port: port) { connection in
                await connection.send("GET / HTTP/1.1\r\nHost: h\r\n\r\n")
                return try await connection.rest()
            }
            #expect(end.bytes.isEmpty)
        }
        if !isRegistered { registration.succeed() }
        try await listener.close().get()
        // None of them is kept.
        await tasks.drain()
    }
}
