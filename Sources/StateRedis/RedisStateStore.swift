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
    let maxQueued: Int
    private let maxQueuedPerOrigin: Int
    private let clock: any WallClock
    private let isTimedByServer: Bool
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

    /// All of them travel together.
    package func replicas(_ ids: [ReplicaID]) async throws -> [Replica?] {
        try await withThrowingTaskGroup(of: (Int, Replica?).self) { group in
            for (index, id) in ids.enumerated() { group.addTask { (index, try await self.replica(id)) } }
            return try await group.reduce(into: [Replica?](repeating: nil, count: ids.count)) { $0[$1.0] = $1.1 }
        }
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
        guard !answer.isNull else { throw StateError.stale(lease) }
        guard let values = answer.array, values.count == 4, let attempt = values[0].integer,
            let expires = Self.time(values[1], saidAt: values[2], heardAt: now), let unfinished = values[3].integer
        else { throw StateError.unexpected("extend") }
        return CopyLease(
            id: lease.id, token: lease.token, attempt: Int(attempt), queuedAt: lease.queuedAt, expires: expires,
            lane: unfinished > 0 ? .unfinished : nil)
    }

    package func finish(_ lease: CopyLease, _ result: CopyResult) async throws {
        let now = clock.now
        var arguments: [RedisWord] = [.integer(lease.token)]
        let maxErrors = RedisWord.integer(Int64(maxQueued))
        switch result {
        case .present(let object):
            arguments += ["present", maxErrors] + RecordFields.words(object)
        case .failed(let failure):
            arguments += [failure.isDeadLetter ? "dead" : "failed", maxErrors] + RecordFields.words(failure, at: now)
        case .retry(let pause):
            arguments += ["retry", maxErrors, Self.milliseconds(max(pause, .zero))]
        case .handBack:
            arguments += ["back", maxErrors]
        }
        let words = arguments
        _ = try await feed.knowing(lease.id, isKept: { $0 }) {
            guard try await !run(.finish, lease.id, words, at: now).isNull else { throw StateError.stale(lease) }
            return true
        }
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
            marked += try Self.chosen(answer, of: positions, "mark")
        }
        return marked.sorted().map { ids[$0] }
    }

    package func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        let limit = StatePage.length(limit)
        var found: [(retryAt: Double, keys: PoolKeys, hash: String)] = []
        for keys in keys {
            let answer = try await execute(
                RedisCommand(
                    "ZRANGE", key: keys.errors, "-inf", .text("(\(before.milliseconds)"), "BYSCORE", "LIMIT", "0", .integer(Int64(limit)),
                    "WITHSCORES"))
            for pair in answer.array ?? [] {
                guard let pair = pair.array, pair.count == 2, let hash = pair[0].string, case .double(let retryAt) = pair[1] else {
                    throw StateError.unexpected("forgetErrors")
                }
                found.append((retryAt, keys, hash))
            }
        }
        // Each list is in order; across them, and among equal times, it is that of pool and hash.
        let oldest = found.sorted {
            ($0.retryAt, $0.keys.pool.description, $0.hash) < ($1.retryAt, $1.keys.pool.description, $1.hash)
        }.prefix(limit)
        for keys in keys {
            let hashes = oldest.filter { $0.keys.pool == keys.pool }.map(\.hash)
            for start in stride(from: 0, to: hashes.count, by: Self.batch) {
                let batch = hashes[start..<min(start + Self.batch, hashes.count)]
                _ = try await run(.forgetErrors, keys.indexes + batch.map(keys.replica(hash:)), [.integer(before.milliseconds)])
            }
        }
        return oldest.count
    }

    // MARK: Looking

    package func time(in pool: PoolID) async throws -> Timestamp {
        guard let now = Self.milliseconds(try await run(.time, in: pool)) else { throw StateError.unexpected("time") }
        return Timestamp(milliseconds: now)
    }

    /// The first page counts the bytes of the pool anew where nobody did in the last hour.
    package func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        let limit = StatePage.length(limit)
        var found: [Replica] = []
        var isRecountDue = false
        var isEnd = false
        var place: [RedisWord] = ["", ""]
        if let after {
            guard case .present(let object) = after.status else { return [] }
            place = [.integer(object.lastUsed.milliseconds), .text(after.id.artifact.nameHash)]
        }
        while !isEnd, found.count < limit {
            let answer = try await run(.leastRecentlyUsed, in: pool, [], place + [.integer(Int64(limit - found.count))])
            guard let values = answer.array, values.count >= 4, let lastUse = values[2].string, let lastHash = values[3].string else {
                throw StateError.unexpected("leastRecentlyUsed")
            }
            isEnd = values[0].integer == 1
            isRecountDue = values[1].integer == 1
            place = [.text(lastUse), .text(lastHash)]
            found += try replicas(in: pool, values.dropFirst(4))
        }
        if isRecountDue, after == nil { try await reconcile(pool) }
        return found
    }

    package func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        let limit = StatePage.length(limit)
        let statuses = (state.map { [$0] } ?? Replica.State.allCases).map(Self.status)
        var found: [Replica] = []
        for pool in pool.map({ [$0] }) ?? keys.map(\.pool) {
            var place = ""
            if let after {
                if pool.description < after.pool.description { continue }
                if pool == after.pool { place = after.artifact.nameHash }
            }
            var isEnd = false
            while !isEnd, found.count < limit {
                let answer = try await run(.list, in: pool, [], [.text(place), .integer(Int64(limit - found.count))] + statuses)
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

    static func url(_ id: ReplicaID) -> RedisWord { .text(id.artifact.description) }

    /// How scripts name what people call so.
    private static func status(of state: Replica.State) -> RedisWord { state == .absent ? "removing" : .text(state.rawValue) }

    /// Those that can be read: one that cannot must keep neither the sweep nor people from the others.
    private func replicas(in pool: PoolID, _ values: some Sequence<RedisValue>) throws(StateError) -> [Replica] {
        let keys = keys(of: pool)
        var found: [Replica] = []
        for value in values {
            guard let words = value.array, let hash = words.first?.string else { throw StateError.unexpected("a listing") }
            let fields = RecordFields(words.dropFirst())
            guard let id = fields.url.flatMap({ keys.replica(ofURL: $0) }) else {
                logger.warning("a record is skipped: it belongs to no artifact", metadata: ["pool": "\(pool)", "hash": "\(hash)"])
                continue
            }
            do throws(StateError) {
                guard let replica = try fields.replica(id, at: clock.now) else { throw StateError.otherType }
                found.append(replica)
            } catch {
                logger.warning("a record is skipped", metadata: ["replica": "\(id)", "error": "\(error.message)"])
            }
        }
        return found
    }

    /// Those of the positions that a script chose: it counts what it was given from 1.
    static func chosen(_ answer: RedisValue, of positions: [Int], _ what: String) throws(StateError) -> [Int] {
        try (answer.array ?? []).map { number throws(StateError) in
            guard let number = number.integer, (1...Int64(positions.count)).contains(number) else { throw .unexpected(what) }
            return positions[Int(number) - 1]
        }
    }

    /// Calls `body` with the positions of replicas of one pool, not too many of them, in their order.
    func inBatches(_ ids: [ReplicaID], _ body: ([Int]) async throws -> Void) async throws {
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

extension Claim {
    fileprivate var isOfPresent: Bool {
        if case .exists(let replica) = self { replica.state == .present } else { false }
    }
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
