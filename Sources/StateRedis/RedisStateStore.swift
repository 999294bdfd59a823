package import Logging
package import MirrorCore
package import MirrorState
package import NIOCore
package import RedisClient

/// A state store in Redis, which any number of processes share.
///
/// Each call is one script per pool, and atomic within that pool. Pools are independent, because in a cluster they are on different servers, and
/// calls with very many replicas are split. Leases are timed by the server's clock, whatever the clocks of the processes say. Calls are not
/// interrupted when their task is cancelled, and end within the timeouts of the configuration. What the server evicts or loses is absent: that
/// costs a lookup in the pool.
package final class RedisStateStore: StateStore, SelectiveStateStore, LimitedStateStore {
    /// The maximum number of replicas that one script changes: other commands wait for it.
    static let batch = 100
    /// The maximum number of lookups that are sent together.
    private static let looksAtOnce = 500

    let redis: RedisDatabase
    let feed: ChangeFeed
    let prefix: String
    /// In the order of their names.
    let keys: [PoolKeys]
    let maxQueued: Int
    let maxQueuedPerOrigin: Int
    let activityKeys: ActivityKeys
    let maxSums: Int
    let clock: any WallClock
    let isTimedByServer: Bool
    package let answerLimit: Duration?
    let logger: Logger

    /// Starts to connect, without waiting for it.
    ///
    /// - Parameter prefix: What keys and channels begin with; see ``isPrefix(_:)``.
    /// - Parameter pools: The pools that this process knows: it reports their changes, and includes them in calls for all pools.
    /// - Parameter maxQueued: The maximum number of copy jobs in these pools, queued and leased; in a cluster, simultaneous claims can exceed it a
    ///   little. Also the maximum number of errors in each pool.
    /// - Parameter maxQueuedPerOrigin: The maximum number of jobs of one origin in one pool.
    /// - Parameter history: The maximum number of artifacts whose activity is remembered; each of ``ActivityKeys/count`` parts has its share, 1 at least.
    /// - Parameter maxSums: The maximum number of sums that are made of it.
    /// - Parameter staleLife: How long remembered replicas are used while no server can be reached; then ``ReplicaChange/everything`` is sent.
    /// - Parameter clock: `nil` for the server's.
    /// - Parameter isTimedByServer: Whether transitions use the server's clock nevertheless; `nil` to do so only if no clock is given.
    package init(
        _ configuration: RedisConfiguration, prefix: String, pools: Set<PoolID>, maxQueued: Int, maxQueuedPerOrigin: Int = .max,
        history: Int = ActivityLimits.history, maxSums: Int = ActivityLimits.sums, staleLife: Duration, clock: (any WallClock)? = nil,
        isTimedByServer: Bool? = nil,
        group: any EventLoopGroup, logger: Logger
    ) {
        let keys = pools.map { PoolKeys(prefix: prefix, pool: $0) }.sorted { $0.pool.description < $1.pool.description }
        let activityKeys = ActivityKeys(prefix: prefix, history: history)
        let feed = ChangeFeed(keys, learned: activityKeys.changes, staleLife: staleLife, loop: group.next())
        var configuration = configuration
        configuration.channels += keys.map(\.changes) + [activityKeys.changes]
        answerLimit = configuration.commandTimeout
        redis = RedisDatabase(configuration, group: group, logger: logger) { feed.handle($0) }
        self.feed = feed
        self.prefix = prefix
        self.keys = keys
        self.activityKeys = activityKeys
        self.maxSums = maxSums
        self.maxQueued = maxQueued
        self.maxQueuedPerOrigin = maxQueuedPerOrigin
        self.clock = clock ?? SystemClock()
        self.isTimedByServer = isTimedByServer ?? (clock == nil)
        self.logger = logger
    }

    /// Whether keys may begin with it: 1 to 64 letters, digits and `-_.:`. Braces are excluded: they would select another slot of a cluster.
    package static func isPrefix(_ text: String) -> Bool {
        (1...64).contains(text.utf8.count)
            && text.unicodeScalars.allSatisfy {
                $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || "-_.:".unicodeScalars.contains($0))
            }
    }

    /// Whether calls can be answered now.
    package var isConnected: Bool { redis.isConnected }

    /// Whether the servers report changes of keys that were read.
    package var isTracking: Bool { redis.isTracking }

    // MARK: Becoming present

    package func replica(_ id: ReplicaID) async throws -> Replica? { try await read(id, within: nil) }

    package func replica(_ id: ReplicaID, within limit: Duration) async throws -> Replica? { try await read(id, within: limit) }

    private func read(_ id: ReplicaID, within limit: Duration?) async throws -> Replica? {
        // Computed once: that costs as much as the rest of a lookup's words.
        let hash = id.artifact.nameHash
        return try await feed.knowing(id, hash: hash, isKept: { $0 != nil }) {
            let answers = try await execute(together: look(id, hash: hash), within: limit)
            return try found(id, hash: hash, answers, at: 0)
        }
    }

    /// Many are sent together, and their task waits once for all of them.
    package func replicas(_ ids: [ReplicaID]) async throws -> [Replica?] {
        var all: [Replica?] = []
        all.reserveCapacity(ids.count)
        for start in stride(from: 0, to: ids.count, by: Self.looksAtOnce) {
            let names = ids[start..<min(start + Self.looksAtOnce, ids.count)].map { (id: $0, hash: $0.artifact.nameHash) }
            let more: [Replica?] = try await feed.knowing(names, isKept: { $0 != nil }) {
                let answers = try await execute(together: names.flatMap { look($0.id, hash: $0.hash) })
                return try names.indices.map { try found(names[$0].id, hash: names[$0].hash, answers, at: 2 * $0) }
            }
            all += more
        }
        return all
    }

    /// The two commands of a lookup: for the record, and for the last use, which is not in it.
    private func look(_ id: ReplicaID, hash: String) -> [(command: RedisCommand, isTracked: Bool)] {
        let keys = keys(of: id.pool)
        return [
            (command: RedisCommand("HGETALL", key: keys.replica(hash: hash)), isTracked: true),
            (command: RedisCommand("ZSCORE", key: keys.present, .text(hash)), isTracked: false),
        ]
    }

    /// - Parameter position: Of the first of the two answers.
    private func found(_ id: ReplicaID, hash: String, _ answers: [RedisValue], at position: Int) throws(StateError) -> Replica? {
        guard position + 1 < answers.count, case .map(let words) = answers[position] else { throw .unexpected("replica") }
        return try RecordFields(words, lastUse: answers[position + 1]).replica(id, hash: hash, at: clock.now)
    }

    package func claim(_ id: ReplicaID, leasing terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?) {
        let hash = id.artifact.nameHash
        // A request may wait for what is pending without having read it.
        return try await feed.knowing(id, hash: hash, isKept: { $0.claim != .queueFull }) {
            try await queue(id, hash: hash, alsoLeased(terms, in: id.pool))
        }
    }

    private func queue(_ id: ReplicaID, hash: String, _ terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?) {
        let here = max(0, maxQueued - (await queued(in: keys.filter { $0.pool != id.pool })))
        let now = clock.now
        let failure = CopyFailure.unfinished(at: now)
        let answer = try await run(
            .claim, id, hash: hash,
            [.integer(Int64(here)), Self.url(id), .integer(Int64(maxQueuedPerOrigin))] + words(terms, failure, at: now), at: now)
        let rest = (answer.array ?? []).dropFirst()
        switch answer.array?.first?.string {
        case "claimed": return (.claimed, terms == nil ? nil : try outcome(rest, in: id.pool, failure, at: now, claimed: id))
        case "full": return (.queueFull, nil)
        case "exists":
            guard let replica = try RecordFields(rest).replica(id, hash: hash, at: clock.now) else { throw StateError.unexpected("claim") }
            return (.exists(replica), nil)
        default: throw StateError.unexpected("claim")
        }
    }

    /// Under a separate key, so that no record contains it; it expires by itself, and is deleted with the copy or the replica.
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
        let hash = id.artifact.nameHash
        return try await feed.knowing(id, hash: hash, isKept: { $0 != nil }) {
            let answer = try await run(
                .recordPresent, id, hash: hash, [.integer(moment.number), Self.url(id)] + RecordFields.words(object))
            guard !answer.isNull else { return nil }
            guard let replica = try RecordFields(answer.array ?? []).replica(id, hash: hash) else {
                throw StateError.unexpected("recordPresent")
            }
            return replica
        }
    }

    package func changes() async -> AsyncStream<ReplicaChange> { await changes(of: .everything) }

    package func changes(of interest: ChangeInterest) async -> AsyncStream<ReplicaChange> {
        // On each connection the answer comes after what was reported before: the stream begins with what comes then.
        _ = await queued(in: keys)
        return feed.broadcaster.stream(of: interest)
    }

    package func close() async {
        await redis.close()
        feed.finish()
    }
}
