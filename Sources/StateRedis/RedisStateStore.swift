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
    private static let batch = 100

    private let redis: RedisDatabase
    private let feed: ChangeFeed
    private let prefix: String
    /// In the order of their names.
    private let keys: [PoolKeys]
    private let maxQueued: Int
    private let maxQueuedPerOrigin: Int
    private let clock: any WallClock
    private let isTimedByServer: Bool
    let logger: Logger

    /// Begins to connect, and does not wait for it.
    ///
    /// - Parameter prefix: What keys and channels begin with; see ``isPrefix(_:)``.
    /// - Parameter pools: Those that this process knows: whose changes are told, and which count where a call concerns all pools.
    /// - Parameter maxQueued: Copy jobs in these pools, queued and leased, at most; in a cluster a few more when they are queued at once.
    /// - Parameter maxQueuedPerOrigin: Of them those of one origin in one pool.
    /// - Parameter staleLife: For how long nothing is told while no server can be reached; then it is ``ReplicaChange/everything``.
    /// - Parameter clock: `nil` is the server's.
    package init(
        _ configuration: RedisConfiguration, prefix: String, pools: Set<PoolID>, maxQueued: Int, maxQueuedPerOrigin: Int = .max,
        staleLife: Duration = .seconds(3_600),
        clock: (any WallClock)? = nil, group: any EventLoopGroup, logger: Logger
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
        isTimedByServer = clock == nil
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
        let keys = keys(of: id.pool)
        // They travel together.
        async let record = execute(RedisCommand("HGETALL", key: keys.replica(id.artifact)), isTracked: true)
        async let lastUse = execute(RedisCommand("ZSCORE", key: keys.present, .text("\(id.artifact)")))
        guard case .map(let words) = try await record else { throw StateError.unexpected("replica") }
        return try RecordFields(words, lastUse: try await lastUse).replica(id)
    }

    package func claim(_ id: ReplicaID) async throws -> Claim {
        let here = max(0, maxQueued - (await queued(in: keys.filter { $0.pool != id.pool })))
        let answer = try await run(.claim, id, [.integer(Int64(here)), .integer(Int64(maxQueuedPerOrigin))])
        switch answer.array?.first?.string {
        case "claimed": return .claimed
        case "full": return .queueFull
        case "exists":
            guard let replica = try RecordFields((answer.array ?? []).dropFirst()).replica(id) else { throw StateError.unexpected("claim") }
            return .exists(replica)
        default: throw StateError.unexpected("claim")
        }
    }

    /// A key of its own, so that it is in no record; it ends by itself, with the copy, or with the replica.
    package func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws {
        _ = try await execute(
            RedisCommand("SET", key: keys(of: id.pool).query(id.artifact), .text(query.text), "PX", Self.milliseconds(FetchQuery.life)))
    }

    package func query(for id: ReplicaID) async throws -> FetchQuery? {
        try await execute(RedisCommand("GET", key: keys(of: id.pool).query(id.artifact))).string.map { FetchQuery($0) }
    }

    package func recordPresent(_ id: ReplicaID, _ object: StoredObject) async throws -> Replica {
        let answer = try await run(.recordPresent, id, RecordFields.words(object))
        guard let replica = try RecordFields(answer.array ?? []).replica(id) else { throw StateError.unexpected("recordPresent") }
        return replica
    }

    package func lease(
        pools: Set<PoolID>, passingOver lanes: Set<CopyLane>, worker: String, duration: Duration
    ) async throws -> LeaseOutcome? {
        search: while true {
            // Others may be quicker: then the next pool has its turn.
            for pool in try await poolsByFirstJob(pools, passingOver: lanes) {
                switch try await lease(in: pool, passingOver: lanes, worker: worker, duration: duration) {
                case .outcome(let outcome): return outcome
                case .movedToOtherLane: continue search
                case .notDue: continue
                }
            }
            return nil
        }
    }

    package func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try await firstJobs(pools, passingOver: lanes).map(\.at).min()
    }

    package func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease {
        let now = clock.now
        let answer = try await run(.extend, lease.id, [.integer(lease.token), Self.milliseconds(duration)], at: now)
        guard !answer.isNull else { throw Self.stale(lease) }
        guard let values = answer.array, values.count == 4, let attempt = values[0].integer,
            let expires = Self.time(values[1], saidAt: values[2], heardAt: now), let unfinished = values[3].integer
        else { throw StateError.unexpected("extend") }
        return CopyLease(
            id: lease.id, token: lease.token, attempt: Int(attempt), expires: expires, lane: unfinished > 0 ? .unfinished : nil)
    }

    package func finish(_ lease: CopyLease, _ result: CopyResult) async throws {
        let now = clock.now
        var arguments: [RedisWord] = [.integer(lease.token)]
        switch result {
        case .present(let object):
            arguments += ["present"] + RecordFields.words(object)
        case .failed(let failure):
            arguments += [failure.isDeadLetter ? "dead" : "failed"] + RecordFields.words(failure)
        case .retry(let time):
            arguments += ["retry", Self.milliseconds(now.duration(to: time))]
        case .handBack:
            arguments += ["back"]
        }
        guard try await !run(.finish, lease.id, arguments, at: now).isNull else { throw Self.stale(lease) }
    }

    // MARK: Being used and going away

    package func touch(_ uses: [ReplicaUse]) async throws {
        try await inBatches(uses.map(\.id)) { positions in
            let artifacts = positions.map { uses[$0].id.artifact }
            let times = positions.map { RedisWord.integer(uses[$0].at.milliseconds) }
            _ = try await self.run(.touch, in: uses[positions[0]].id.pool, artifacts, times)
        }
    }

    package func describe(_ id: ReplicaID, _ object: StoredObject) async throws {
        guard object.representation != nil else { return }
        _ = try await run(.describe, id, RecordFields.words(object))
    }

    package func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        var marked: [Int] = []
        try await inBatches(ids) { positions in
            let answer = try await self.run(
                .mark, in: ids[positions[0]].pool, positions.map { ids[$0].artifact }, [.integer(unusedSince.milliseconds)])
            for number in answer.array ?? [] {
                guard let number = number.integer, (1...Int64(positions.count)).contains(number) else {
                    throw StateError.unexpected("mark")
                }
                marked.append(positions[Int(number) - 1])
            }
        }
        return marked.sorted().map { ids[$0] }
    }

    package func beginRemoval(_ id: ReplicaID, unusedSince: Timestamp?) async throws -> Bool {
        try await run(.beginRemoval, id, [unusedSince.map { .integer($0.milliseconds) } ?? ""]).integer == 1
    }

    package func forget(_ id: ReplicaID) async throws {
        _ = try await run(.forget, id)
    }

    package func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        let limit = StatePage.length(limit)
        var found: [(retryAt: Double, id: ReplicaID)] = []
        for keys in keys {
            let answer = try await execute(
                RedisCommand(
                    "ZRANGE", key: keys.errors, "-inf", .text("(\(before.milliseconds)"), "BYSCORE", "LIMIT", "0", .integer(Int64(limit)),
                    "WITHSCORES"))
            for pair in answer.array ?? [] {
                guard let pair = pair.array, pair.count == 2, let url = pair[0].string, case .double(let retryAt) = pair[1],
                    let id = keys.replica(ofURL: url)
                else { throw StateError.unexpected("forgetErrors") }
                found.append((retryAt, id))
            }
        }
        // Each list is in order; across them, and among equal times, it is that of pool and URL.
        let oldest = found.sorted {
            ($0.retryAt, $0.id.pool.description, $0.id.artifact.description) < (
                $1.retryAt, $1.id.pool.description, $1.id.artifact.description
            )
        }.prefix(limit).map(\.id)
        try await inBatches(oldest) { positions in
            _ = try await self.run(
                .forgetErrors, in: oldest[positions[0]].pool, positions.map { oldest[$0].artifact }, [.integer(before.milliseconds)])
        }
        return oldest.count
    }

    // MARK: Looking

    /// The first page counts the bytes of the pool anew where nobody did in the last hour.
    package func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        let limit = StatePage.length(limit)
        var found: [Replica] = []
        var isRecountDue = false
        var isEnd = false
        var place: [RedisWord] = ["", ""]
        if let after {
            guard case .present(let object) = after.status else { return [] }
            place = [.integer(object.lastUsed.milliseconds), .text(after.id.artifact.description)]
        }
        while !isEnd, found.count < limit {
            let answer = try await run(.leastRecentlyUsed, in: pool, [], place + [.integer(Int64(limit - found.count))])
            guard let values = answer.array, values.count >= 4, let lastUse = values[2].string, let lastURL = values[3].string else {
                throw StateError.unexpected("leastRecentlyUsed")
            }
            isEnd = values[0].integer == 1
            isRecountDue = values[1].integer == 1
            place = [.text(lastUse), .text(lastURL)]
            found += try replicas(in: pool, values.dropFirst(4))
        }
        if isRecountDue, after == nil { try await reconcile(pool) }
        return found
    }

    package func underRemoval(in pool: PoolID, begunBefore: Timestamp, limit: Int) async throws -> [ReplicaID] {
        let now = clock.now
        let answer = try await run(
            .underRemoval, in: pool, [], [Self.milliseconds(begunBefore.duration(to: now)), .integer(Int64(StatePage.length(limit)))],
            at: now)
        let keys = keys(of: pool)
        return try (answer.array ?? []).map { value throws(StateError) in
            guard let url = value.string, let id = keys.replica(ofURL: url) else { throw StateError.unexpected("underRemoval") }
            return id
        }
    }

    package func replicas(in pool: PoolID?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        let limit = StatePage.length(limit)
        var found: [Replica] = []
        for pool in pool.map({ [$0] }) ?? keys.map(\.pool) {
            var place = ""
            if let after {
                if pool.description < after.pool.description { continue }
                if pool == after.pool { place = after.artifact.description }
            }
            var isEnd = false
            while !isEnd, found.count < limit {
                let answer = try await run(.list, in: pool, [], [.text(place), .integer(Int64(limit - found.count))])
                guard let values = answer.array, values.count >= 2, let last = values[1].string else {
                    throw StateError.unexpected("replicas")
                }
                isEnd = values[0].integer == 1
                place = last
                found += try replicas(in: pool, values.dropFirst(2))
            }
        }
        return found
    }

    package func totals(of pool: PoolID) async throws -> PoolTotals {
        let values = try await run(.totals, in: pool).array?.map(\.integer) ?? []
        guard values.count == 4, let objects = values[0], let bytes = values[1], let pending = values[2], let errors = values[3] else {
            throw StateError.unexpected("totals")
        }
        return PoolTotals(objects: Int(objects), bytes: max(0, bytes), pending: Int(pending), errors: Int(errors))
    }

    package func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals] {
        let values = try await run(.lanes, in: pool).array ?? []
        let totals = try stride(from: 0, to: values.count - 1, by: 2).map { position throws(StateError) in
            guard let lane = values[position].string, let jobs = values[position + 1].integer else { throw StateError.unexpected("lanes") }
            return LaneTotals(lane: CopyLane(written: lane), jobs: Int(jobs))
        }
        return LaneTotals.busiest(totals, limit: limit)
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

    // MARK: -

    /// Those that can be read: one that cannot must keep neither the sweep nor people from the others.
    private func replicas(in pool: PoolID, _ values: some Sequence<RedisValue>) throws(StateError) -> [Replica] {
        let keys = keys(of: pool)
        var found: [Replica] = []
        for value in values {
            guard let words = value.array, let url = words.first?.string else { throw StateError.unexpected("a listing") }
            guard let id = keys.replica(ofURL: url) else {
                logger.warning("a record is left out: it is of no artifact", metadata: ["pool": "\(pool)"])
                continue
            }
            do throws(StateError) {
                guard let replica = try RecordFields(words.dropFirst()).replica(id) else { throw StateError.otherType }
                found.append(replica)
            } catch {
                logger.warning("a record is left out", metadata: ["replica": "\(id)", "error": "\(error.message)"])
            }
        }
        return found
    }

    /// Calls `body` with the positions of replicas of one pool, not too many of them, in their order.
    private func inBatches(_ ids: [ReplicaID], _ body: ([Int]) async throws -> Void) async throws {
        var positions: [PoolID: [Int]] = [:]
        var pools: [PoolID] = []
        for (position, id) in ids.enumerated() {
            if positions[id.pool] == nil { pools.append(id.pool) }
            positions[id.pool, default: []].append(position)
        }
        for pool in pools {
            let all = positions[pool] ?? []
            for start in stride(from: 0, to: all.count, by: Self.batch) {
                try await body(Array(all[start..<min(start + Self.batch, all.count)]))
            }
        }
    }

    func keys(of pool: PoolID) -> PoolKeys {
        keys.first { $0.pool == pool } ?? PoolKeys(prefix: prefix, pool: pool)
    }

    func execute(_ command: RedisCommand, isTracked: Bool = false) async throws(StateError) -> RedisValue {
        do throws(RedisError) {
            return try await redis.execute(command, isTracked: isTracked)
        } catch {
            throw StateError(error)
        }
    }

    /// Runs a transition of one replica.
    func run(
        _ script: RedisScript, _ id: ReplicaID, _ arguments: [RedisWord] = [], at now: Timestamp? = nil
    ) async throws(StateError) -> RedisValue {
        try await run(script, in: id.pool, [id.artifact], arguments, at: now)
    }

    /// - Parameter now: By this process' clock; `nil` reads it.
    func run(
        _ script: RedisScript, in pool: PoolID, _ artifacts: [ArtifactURL] = [], _ arguments: [RedisWord] = [], at now: Timestamp? = nil
    ) async throws(StateError) -> RedisValue {
        let keys = keys(of: pool)
        return try await run(script, keys.indexes + artifacts.map(keys.replica), arguments, at: now)
    }

    func run(
        _ script: RedisScript, _ keys: [String], _ arguments: [RedisWord], at now: Timestamp? = nil
    ) async throws(StateError) -> RedisValue {
        let time: RedisWord = isTimedByServer ? "" : .integer((now ?? clock.now).milliseconds)
        do throws(RedisError) {
            return try await redis.evaluate(script, keys: keys, arguments: [time] + arguments)
        } catch {
            throw StateError(error)
        }
    }

    var now: Timestamp { clock.now }
}

extension CopyFailure {
    /// Whether somebody should look at it: neither the origin nor the configuration said no.
    fileprivate var isDeadLetter: Bool {
        switch reason {
        case .transfer, .storage, .unfinished: true
        case .origin, .refused, .redirect, .content, .tooLarge, .noRoom: false
        }
    }
}
