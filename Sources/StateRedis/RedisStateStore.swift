package import Logging
package import MirrorCore
package import MirrorState
package import NIOCore
package import RedisClient

/// A state store in Redis, which any number of processes share.
///
/// Each call is one script for each pool that it concerns, and atomic in it; pools are apart, because in a cluster they are on different
/// servers, and calls that name very many replicas are done in parts. Leases are timed by the server's clock, whatever the clocks of the
/// processes say. Calls are not cut short when their task is cancelled, and end within the time-outs of the configuration. What the server
/// evicts, or loses, is absent: that costs a look into the pool.
package final class RedisStateStore: StateStore {
    /// Replicas that one script changes, at most: other commands wait for it.
    static let batch = 100

    let redis: RedisDatabase
    let feed: ChangeFeed
    let prefix: String
    /// In the order of their names.
    let keys: [PoolKeys]
    let maxQueued: Int
    let maxQueuedPerOrigin: Int
    let clock: any WallClock
    let isTimedByServer: Bool
    let logger: Logger

    /// Begins to connect, and does not wait for it.
    ///
    /// - Parameter prefix: What keys and channels begin with; see ``isPrefix(_:)``.
    /// - Parameter pools: Those that this process knows: whose changes are told, and which count where a call concerns all pools.
    /// - Parameter maxQueued: Copy jobs in these pools, queued and leased, at most; in a cluster a few more when they are queued at once. Also
    ///   errors in each pool.
    /// - Parameter maxQueuedPerOrigin: Of the jobs those of one origin in one pool.
    /// - Parameter staleLife: For how long nothing is told while no server can be reached; then it is ``ReplicaChange/everything``.
    /// - Parameter clock: `nil` is the server's.
    /// - Parameter isTimedByServer: Whether transitions go by the server's clock all the same; `nil` where there is no other.
    package init(
        _ configuration: RedisConfiguration, prefix: String, pools: Set<PoolID>, maxQueued: Int, maxQueuedPerOrigin: Int = .max,
        staleLife: Duration, clock: (any WallClock)? = nil, isTimedByServer: Bool? = nil, group: any EventLoopGroup, logger: Logger
    ) {
        let keys = pools.map { PoolKeys(prefix: prefix, pool: $0) }.sorted { $0.pool.description < $1.pool.description }
        let feed = ChangeFeed(keys, staleLife: staleLife, loop: group.next())
        var configuration = configuration
        configuration.channels += keys.map(\.changes)
        redis = RedisDatabase(configuration, group: group, logger: logger) { feed.handle($0) }
        self.feed = feed
        self.prefix = prefix
        self.keys = keys
        self.maxQueued = maxQueued
        self.maxQueuedPerOrigin = maxQueuedPerOrigin
        self.clock = clock ?? SystemClock()
        self.isTimedByServer = isTimedByServer ?? (clock == nil)
        self.logger = logger
    }

    /// Whether keys may begin with it: 1 to 64 letters, digits and `-_.:`. No braces, which would name another slot of a cluster.
    package static func isPrefix(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_.:".unicodeScalars.contains($0))
            }
    }

    /// Whether calls can be answered now.
    package var isConnected: Bool { redis.isConnected }

    /// Whether the servers tell which of the keys that were read change.
    package var isTracking: Bool { redis.isTracking }

    // MARK: Becoming present

    package func replica(_ id: ReplicaID) async throws -> Replica? {
        try await feed.knowing(id, isKept: { $0 != nil }) { try await look(id) }
    }

    private func look(_ id: ReplicaID) async throws -> Replica? {
        let keys = keys(of: id.pool)
        // They travel together.
        async let record = execute(RedisCommand("HGETALL", key: keys.replica(id.artifact)), isTracked: true)
        async let lastUse = execute(RedisCommand("ZSCORE", key: keys.present, .text(id.artifact.nameHash)))
        guard case .map(let words) = try await record else { throw StateError.unexpected("replica") }
        return try RecordFields(words, lastUse: try await lastUse).replica(id, at: clock.now)
    }

    package func claim(_ id: ReplicaID) async throws -> Claim {
        try await feed.knowing(id, isKept: { $0.isOfPresent }) { try await queue(id) }
    }

    private func queue(_ id: ReplicaID) async throws -> Claim {
        let here = max(0, maxQueued - (await queued(in: keys.filter { $0.pool != id.pool })))
        let answer = try await run(
            .claim, id, [.integer(Int64(here)), Self.url(id), .integer(Int64(maxQueuedPerOrigin))])
        switch answer.array?.first?.string {
        case "claimed": return .claimed
        case "full": return .queueFull
        case "exists":
            guard let replica = try RecordFields((answer.array ?? []).dropFirst()).replica(id, at: clock.now) else {
                throw StateError.unexpected("claim")
            }
            return .exists(replica)
        default: throw StateError.unexpected("claim")
        }
    }

    /// A key of its own, so that it is in no record; it ends by itself, with the copy, or with the replica.
    package func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws {
        _ = try await run(.keepQuery, id, [Self.milliseconds(FetchQuery.life), .text(query.text)])
    }

    package func query(for id: ReplicaID) async throws -> FetchQuery? {
        try await execute(RedisCommand("GET", key: keys(of: id.pool).query(id.artifact))).string.map { FetchQuery($0) }
    }

    package func moment(in pool: PoolID) async throws -> PoolMoment {
        guard let number = try await run(.moment, in: pool).string.flatMap({ Int64($0) }) else { throw StateError.unexpected("moment") }
        return PoolMoment(number: number)
    }

    package func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica? {
        try await feed.knowing(id, isKept: { $0 != nil }) {
            let answer = try await run(.recordPresent, id, [.integer(moment.number), Self.url(id)] + RecordFields.words(object))
            guard !answer.isNull else { return nil }
            guard let replica = try RecordFields(answer.array ?? []).replica(id) else { throw StateError.unexpected("recordPresent") }
            return replica
        }
    }

    package func changes() async -> AsyncStream<ReplicaChange> {
        // On each connection the answer comes behind what was told before: the stream begins with what comes then.
        _ = await queued(in: keys)
        return feed.broadcaster.stream()
    }

    package func close() async {
        await redis.close()
        feed.finish()
    }
}

extension Claim {
    fileprivate var isOfPresent: Bool {
        if case .exists(let replica) = self { replica.state == .present } else { false }
    }
}
