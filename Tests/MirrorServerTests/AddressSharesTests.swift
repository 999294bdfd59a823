import Logging
import MirrorCore
import MirrorEngine
import NIOCore
import NIOEmbedded
import NIOPosix
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(2)))
struct AddressSharesTests {
    private let logger = Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() })
    private let registry = MetricsRegistry()

    private func shares(_ limit: Int, exempt: [String] = []) -> AddressShares {
        let networks = exempt.compactMap { IPNetwork($0) }
        return AddressShares(
            limit: limit, isExempt: { address in networks.contains { $0.contains(address) } },
            metrics: ConnectionMetrics(factory: registry),
            logger: logger)
    }

    private var refused: Int { Int(registry.values(of: ConnectionMetrics.Name.refused).first?.value ?? 0) }

    private func channel(_ address: String) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        try channel.connect(to: SocketAddress(ipAddress: address, port: 1)).wait()
        return channel
    }

    @Test func `a client has its share of connections, and others have theirs`() throws {
        let shares = shares(2)
        let channels = try ["192.0.2.1", "192.0.2.1", "192.0.2.1", "192.0.2.2", "::ffff:192.0.2.1"].map(channel)
        #expect(channels.map(shares.admit) == [true, true, false, true, false])
        #expect(refused == 2)
        // One that was refused has nothing to give back.
        _ = try channels[2].finish()
        #expect(try shares.admit(channel("192.0.2.1")) == false)
        _ = try channels[0].finish()
        #expect(try shares.admit(channel("192.0.2.1")))
        #expect(try shares.admit(channel("192.0.2.1")) == false)
        for channel in channels[1...] { _ = try? channel.finish() }
    }

    @Test func `of IPv6 a network of 64 bits is one client`() throws {
        let shares = shares(1)
        let channels = try ["2001:db8:0:1::1", "2001:db8:0:1:ffff::2", "2001:db8:0:2::1"].map(channel)
        #expect(channels.map(shares.admit) == [true, false, true])
    }

    @Test func `of IPv6 a network of 48 bits has as much as three clients, however many it has, and another has its own`() throws {
        let shares = shares(2)
        let channels = try (0..<8).map { try channel("2001:db8:0:\($0)::1") }
        #expect(channels.map(shares.admit) == [true, true, true, true, true, true, false, false])
        #expect(try shares.admit(channel("2001:db8:1:0::1")))
        _ = try channels[0].finish()
        #expect(try shares.admit(channel("2001:db8:0:9::1")))
        #expect(try shares.admit(channel("2001:db8:0:9::2")) == false)
        #expect(refused == 3)
    }

    @Test func `who is exempt may have all`() throws {
        let shares = shares(1, exempt: ["10.0.0.0/8"])
        for _ in 1...10 { #expect(try shares.admit(channel("10.1.2.3"))) }
        #expect(refused == 0)
    }

    @Test func `a connection beyond the share is closed, and the others are not`() async throws {
        let world = World()
        let uses = UseRecorder(state: world.state, coarseness: .seconds(60)...Duration.seconds(60), clock: world.clock, logger: logger)
        let tasks = ConnectionTasks()
        let slowPath = SlowPath(
            responder: { _, _, _ in }, tasks: tasks, bodyTimeout: .hours(1), clock: world.clock, logger: logger)
        let mirror = MirrorChannel(
            slowPath: slowPath, table: nil, coalescing: nil, pools: PoolTable([]),
            selector: Reloadable(PoolSelector(SelectionConfiguration())), shares: shares(2), tasks: tasks,
            metrics: ConnectionMetrics(factory: registry), tls: nil, uses: TargetUses(recorder: uses),
            clock: world.clock, idleTimeout: .hours(1), maxHeaderBytes: 32_768)
        let logger = logger
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { mirror.setup(channel: $0, logger: logger).map { $0.take() } }
            .bind(host: "127.0.0.1", port: 0).get()
        let port = try #require(listener.localAddress?.port)
        let first = try await RawConnection.open(port: port)
        let second = try await RawConnection.open(port: port)
        let third = try await RawConnection.open(port: port)
        let end = try await third.rest()
        #expect(end.bytes.isEmpty)
        #expect(!first.isAtEnd && !second.isAtEnd)
        #expect(refused == 1)
        for connection in [first, second, third] { await connection.close() }
        try await listener.close().get()
    }
}
