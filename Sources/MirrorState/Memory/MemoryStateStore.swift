public import MirrorCore
import Synchronization

/// A state store in the memory of one process: for tests, and for a service whose pools live no longer than its process.
public final class MemoryStateStore: StateStore, SelectiveStateStore {
    let clock: any MirrorClock
    private let table: Mutex<MemoryStateTable>
    private let broadcaster = ChangeBroadcaster()
    private let queries: KeptQueries
    private let removals = RecentRemovals()
    let activity: Mutex<MemoryActivity>
    let notices = NoticeBroadcaster()

    /// - Parameter maxQueued: The maximum number of copy jobs, queued and leased, and of errors in each pool.
    /// - Parameter maxQueuedPerOrigin: The maximum number of jobs of one origin in one pool.
    /// - Parameter history: The maximum number of artifacts whose activity is remembered.
    /// - Parameter maxSums: The maximum number of sums that are made of it.
    public init(
        clock: any MirrorClock = SystemClock(), maxQueued: Int = 10_000, maxQueuedPerOrigin: Int = .max, history: Int = 1_000_000,
        maxSums: Int = 1_000_000
    ) {
        self.clock = clock
        queries = KeptQueries(clock: clock)
        activity = Mutex(MemoryActivity(history: history, maxSums: maxSums))
        table = Mutex(MemoryStateTable(maxQueued: maxQueued, maxQueuedPerOrigin: maxQueuedPerOrigin))
    }

    public func replica(_ id: ReplicaID) async throws -> Replica? {
        try transact { table, _ in table.replica(id) }
    }

    public func claim(_ id: ReplicaID, leasing terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?) {
        try transact { table, now in
            let claim = table.claim(id, at: now, hasQuery: queries.query(for: id) != nil)
            return (claim, claim == .claimed ? terms.map { table.lease($0, at: now) } : nil)
        }
    }

    public func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws {
        try transact { _, _ in queries.keep(query, for: id) }
    }

    public func query(for id: ReplicaID) async throws -> FetchQuery? {
        try transact { _, _ in queries.query(for: id) }
    }

    public func moment(in pool: PoolID) async throws -> PoolMoment {
        try transact { _, _ in removals.moment() }
    }

    public func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica? {
        try transact { table, now in removals.isUntouched(id, since: moment) ? table.recordPresent(id, object, at: now) : nil }
    }

    public func lease(_ terms: LeaseTerms) async throws -> LeaseOutcome {
        try transact { table, now in table.lease(terms, at: now) }
    }

    public func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try transact { table, _ in table.nextDue(pools: pools, passingOver: lanes) }
    }

    public func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease {
        try transact { table, now throws(StateError) in try table.extend(lease, at: now, duration: duration) }
    }

    public func confirm(_ lease: CopyLease) async throws {
        try transact { table, _ throws(StateError) in try table.confirm(lease) }
    }

    public func finish(_ lease: CopyLease, _ result: CopyResult, leasing terms: LeaseTerms?) async throws -> LeaseOutcome? {
        try transact { table, now throws(StateError) in
            try table.finish(lease, result, at: now)
            if result.endsCopy { queries.drop(lease.id) }
            return terms.map { table.lease($0, at: now) }
        }
    }

    public func touch(_ uses: [ReplicaUse]) async throws {
        try transact { table, now in table.touch(uses, at: now) }
    }

    public func describe(_ id: ReplicaID, _ object: StoredObject) async throws {
        try transact { table, _ in table.describe(id, object) }
    }

    public func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        try transact { table, now in table.mark(ids, unusedSince: unusedSince, at: now) }
    }

    public func beginRemovals(_ wanted: [WantedRemoval], duration: Duration) async throws -> [Removal?] {
        try transact { table, now in
            wanted.map { wanted in
                let removal = table.beginRemoval(wanted.id, wanted.condition, at: now, duration: duration)
                if removal != nil { queries.drop(wanted.id) }
                return removal
            }
        }
    }

    public func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal] {
        try transact { table, now in table.confirm(removals, at: now, duration: duration) }
    }

    public func endRemovals(_ ended: [Removal]) async throws -> [RemovalEnd] {
        try transact { table, _ in
            ended.map { removal in
                let end = table.endRemoval(removal)
                if end == .absent { removals.note(removal.id) }
                return end
            }
        }
    }

    public func handBack(_ removal: Removal) async throws {
        try transact { table, now throws(StateError) in try table.handBack(removal, at: now) }
    }

    public func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        try transact { table, _ in table.forgetErrors(before: before, limit: limit) }
    }

    public func time(in pool: PoolID) async throws -> Timestamp {
        try transact { _, now in now }
    }

    public func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        try transact { table, _ in table.leastRecentlyUsed(in: pool, after: after, limit: limit) }
    }

    public func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID] {
        try transact { table, now in table.abandonedRemovals(in: pool, at: now, limit: limit) }
    }

    public func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        try transact { table, _ in table.replicas(in: pool, state: state, after: after, limit: limit) }
    }

    public func totals(of pool: PoolID) async throws -> PoolTotals {
        try transact { table, _ in table.totals(of: pool) }
    }

    public func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals] {
        try transact { table, _ in LaneTotals.busiest(table.lanes(of: pool), limit: limit) }
    }

    public func changes() async -> AsyncStream<ReplicaChange> {
        broadcaster.stream()
    }

    package func changes(of interest: ChangeInterest) async -> AsyncStream<ReplicaChange> {
        broadcaster.stream(of: interest)
    }

    public func close() async {
        table.withLock { $0.isClosed = true }
        queries.dropAll()
        broadcaster.finish()
        notices.finish()
    }

    var isClosed: Bool { table.withLock { $0.isClosed } }

    /// Changes are published under the lock, so that every stream sees them in the order in which they were made.
    private func transact<Result: Sendable>(
        _ body: (inout MemoryStateTable, Timestamp) throws(StateError) -> Result
    ) throws(StateError) -> Result {
        try table.withLock { table throws(StateError) in
            let now = clock.now
            guard !table.isClosed else { throw StateError(.unavailable, "the state store is closed") }
            table.notice(now)
            let result = try body(&table, now)
            broadcaster.publish(table.takeOutbox())
            return result
        }
    }
}
