import MirrorCore
import MirrorState
import MirrorTesting
import NIOPosix
import RedisClient
import StateRedis
import Synchronization
import TestServers

import struct Foundation.UUID
import struct Logging.Logger
import struct Logging.SwiftLogNoOpLogHandler

/// Keys of a test's own in a Redis.
struct RedisPlace: Sendable {
    private static let server = Shared { try await RedisServer.start(["--maxmemory-policy", "volatile-lru"]) }
    private static let cluster = Shared { try await RedisCluster.start(nodeTimeout: 15_000) }

    let configuration: RedisConfiguration
    let prefix = "test-\(UUID().uuidString)"

    /// In the server that all tests share.
    static func onServer() async throws -> RedisPlace { RedisPlace(configuration: try await server.get().configuration) }
    static func onCluster() async throws -> RedisPlace { RedisPlace(configuration: try await cluster.get().configuration) }

    /// Returns once the store is connected, so that its streams begin without `.everything`.
    ///
    /// - Parameter clock: `nil` is the server's.
    /// - Parameter connects: Whether to wait for that.
    func open(
        _ clock: (any WallClock)?, isTimedByServer: Bool? = nil, maxQueued: Int = 1_000, maxQueuedPerOrigin: Int = .max,
        history: Int = 1_000_000, maxSums: Int = 1_000_000, staleLife: Duration = .seconds(3_600),
        pools: [String] = ["s3/eu-central-1", "local/dev"], connects: Bool = true
    ) async throws -> RedisStateStore {
        let pools = Set(try pools.map { try Sample.pool($0) })
        let store = RedisStateStore(
            configuration, prefix: prefix, pools: pools, maxQueued: maxQueued,
            maxQueuedPerOrigin: maxQueuedPerOrigin, history: history, maxSums: maxSums, staleLife: staleLife, clock: clock,
            isTimedByServer: isTimedByServer,
            group: MultiThreadedEventLoopGroup.singleton, logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        guard connects else { return store }
        try await eventually("the store is connected") { store.isConnected }
        // Of a cluster every server that has one of the pools.
        for pool in pools { _ = try await store.totals(of: pool) }
        return store
    }

    /// The name of a key of the pool.
    func key(_ what: String, in pool: String = "s3/eu-central-1") -> String { "\(prefix):2:{\(pool)}:\(what)" }
    func key(_ id: ReplicaID) -> String { key("replica:\(id.artifact.nameHash)", in: id.pool.description) }
}

/// Something that is made once, when it is first asked for, and then lives as long as the process.
private actor Shared<Value: Sendable> {
    private let make: @Sendable () async throws -> Value
    private var result: Result<Value, any Error>?
    private var isBeingMade = false
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(make: @escaping @Sendable () async throws -> Value) {
        self.make = make
    }

    func get() async throws -> Value {
        if let result { return try result.get() }
        if isBeingMade {
            await withCheckedContinuation { waiters.append($0) }
            return try await get()
        }
        isBeingMade = true
        let made: Result<Value, any Error>
        do { made = .success(try await make()) } catch { made = .failure(error) }
        result = made
        for waiter in waiters { waiter.resume() }
        waiters = []
        return try made.get()
    }
}
