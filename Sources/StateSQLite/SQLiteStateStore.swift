import Dispatch
import GRDB
public import Logging
public import MirrorCore
public import MirrorState
import Synchronization

/// A state store in one SQLite file: the default, for one machine and one serving process.
///
/// Each call is one transaction. All writes go through one connection, in the order in which they arrive; reads have their own connections and
/// see every write that returned before. What a call wrote survives a killed process. The last moments before a power failure may be lost,
/// which costs a lookup in the pool. Calls are not interrupted when their task is cancelled: a worker that shuts down can still hand its
/// lease back.
public final class SQLiteStateStore: StateStore {
    private let pool: DatabasePool
    private let clock: any WallClock
    private let maxQueued: Int
    private let maxQueuedPerOrigin: Int
    let history: Int
    let maxSums: Int
    let notices = NoticeBroadcaster()
    private let broadcaster = ChangeBroadcaster()
    private let queries = KeptQueries()
    private let removals = RecentRemovals()
    private let gate = OperationGate()
    /// The time of the last write.
    private let lastTime: Mutex<Timestamp>
    private let lock: Mutex<FileLock?>

    /// Opens the file, or creates it: mode 0600, in a directory of mode 0700.
    ///
    /// - Parameter path: The file; SQLite puts `<path>-wal` and `<path>-shm` beside it, and this store `<path>.lock`.
    /// - Parameter maxQueued: The maximum number of copy jobs, queued and leased, and of errors in each pool.
    /// - Parameter maxQueuedPerOrigin: The maximum number of jobs of one origin in one pool.
    /// - Parameter history: The maximum number of artifacts whose activity is remembered.
    /// - Parameter maxSums: The maximum number of sums that are made of it.
    /// - Parameter takeOver: Open it to serve: locks the file against a second serving process, ends the leases of the previous process at once,
    ///   and recounts the totals. Without it a process may read; the serving process is not told what it writes.
    /// - Throws: ``StateError/Code/corrupt`` if the file is not a database, or is another program's or a newer version's;
    ///   ``StateError/Code/unavailable`` if it cannot be opened, or another process serves from it.
    public init(
        path: String, maxQueued: Int, maxQueuedPerOrigin: Int = .max, history: Int = 1_000_000, maxSums: Int = 1_000_000, takeOver: Bool,
        clock: any WallClock = SystemClock(),
        logger: Logger = Logger(label: "cloud-mirror.state.sqlite")
    ) throws(StateError) {
        try DatabaseFile.prepare(path)
        let lock = takeOver ? try FileLock(path: "\(path).lock") : nil
        do {
            pool = try Self.open(path)
            try Schema.migrate(pool, path: path)
            if takeOver {
                let totalsWereRight = try pool.write { db in
                    let transaction = StateTransaction(db, at: clock.now)
                    let totalsWereRight = try transaction.reconcileTotals()
                    try transaction.takeOver()
                    return totalsWereRight
                }
                if !totalsWereRight { logger.warning("the totals in the state file were wrong and were counted again") }
            }
        } catch {
            throw StateError(error, "the state file \(path) cannot be used")
        }
        self.lock = Mutex(lock)
        // Without a take-over, the first write corrects times that are in the future.
        lastTime = Mutex(takeOver ? clock.now : Timestamp(milliseconds: .max))
        self.clock = clock
        self.maxQueued = maxQueued
        self.maxQueuedPerOrigin = maxQueuedPerOrigin
        self.history = max(1, history)
        self.maxSums = maxSums
    }

    private static func open(_ path: String) throws -> DatabasePool {
        var configuration = Configuration()
        configuration.label = "cloud-mirror.state"
        configuration.busyMode = .timeout(5)
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { db in
            // In WAL mode a killed process loses nothing, and a power failure damages nothing.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
        }
        return try DatabasePool(path: path, configuration: configuration)
    }

    // MARK: Becoming present

    public func replica(_ id: ReplicaID) async throws -> Replica? {
        try await read { try $0.record(id).replica(id) }
    }

    public func replicas(_ ids: [ReplicaID]) async throws -> [Replica?] {
        try await read { transaction in try ids.map { try transaction.record($0).replica($0) } }
    }

    public func claim(_ id: ReplicaID) async throws -> Claim {
        let hasQuery = queries.query(for: id, at: clock.now) != nil
        return try await write { [maxQueued, maxQueuedPerOrigin] in
            try $0.claim(id, maxQueued: maxQueued, maxQueuedPerOrigin: maxQueuedPerOrigin, hasQuery: hasQuery)
        }
    }

    public func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws {
        try gate.enter()
        defer { gate.leave() }
        queries.keep(query, for: id, at: clock.now)
    }

    public func query(for id: ReplicaID) async throws -> FetchQuery? {
        try gate.enter()
        defer { gate.leave() }
        return queries.query(for: id, at: clock.now)
    }

    public func moment(in pool: PoolID) async throws -> PoolMoment {
        try gate.enter()
        defer { gate.leave() }
        return removals.moment()
    }

    public func time(in pool: PoolID) async throws -> Timestamp {
        try gate.enter()
        defer { gate.leave() }
        return clock.now
    }

    public func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica? {
        try await write { [removals] in removals.isUntouched(id, since: moment) ? try $0.recordPresent(id, object) : nil }
    }

    public func lease(
        pools: Set<PoolID>, passingOver lanes: Set<CopyLane>, worker: String, duration: Duration
    ) async throws -> LeaseOutcome? {
        try await write { [maxQueued] in
            try $0.lease(pools: pools, passingOver: lanes, worker: worker, duration: duration, maxErrors: maxQueued)
        }
    }

    public func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try await read { try $0.firstJob(pools, passingOver: lanes)?.due }
    }

    public func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease {
        try await write { try $0.extend(lease, duration: duration) }
    }

    public func finish(_ lease: CopyLease, _ result: CopyResult) async throws {
        try await write { [maxQueued] in try $0.finish(lease, result, maxErrors: maxQueued) }
        if result.endsCopy { queries.drop(lease.id) }
    }

    // MARK: Being used and going away

    public func touch(_ uses: [ReplicaUse]) async throws {
        try await write { try $0.touch(uses) }
    }

    public func describe(_ id: ReplicaID, _ object: StoredObject) async throws {
        try await write { try $0.describe(id, object) }
    }

    public func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        try await write { try $0.mark(ids, unusedSince: unusedSince) }
    }

    public func beginRemoval(_ id: ReplicaID, _ condition: RemovalCondition, duration: Duration) async throws -> Removal? {
        let removal = try await write { try $0.beginRemoval(id, condition, duration: duration) }
        if removal != nil { queries.drop(id) }
        return removal
    }

    public func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal] {
        try await write { try $0.confirm(removals, duration: duration) }
    }

    public func endRemoval(_ removal: Removal) async throws -> Bool {
        try await write { [removals] in
            // On the writer's queue, before an object can be recorded that was looked up earlier.
            removals.note(removal.id)
            return try $0.endRemoval(removal)
        }
    }

    public func handBack(_ removal: Removal) async throws {
        try await write { try $0.handBack(removal) }
    }

    public func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        try await write { try $0.forgetErrors(before: before, limit: limit) }
    }

    // MARK: Looking

    public func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        try await read { try $0.leastRecentlyUsed(in: pool, after: after, limit: limit) }
    }

    public func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID] {
        try await read { try $0.abandonedRemovals(in: pool, limit: limit) }
    }

    public func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        try await read { try $0.replicas(in: pool, state: state, after: after, limit: limit) }
    }

    public func totals(of pool: PoolID) async throws -> PoolTotals {
        try await read { try $0.totals(of: pool) }
    }

    public func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals] {
        try await read { try $0.lanes(in: pool, limit: limit) }
    }

    public func changes() async -> AsyncStream<ReplicaChange> {
        broadcaster.stream()
    }

    /// Waits for the calls in progress; later ones throw ``StateError/Code/unavailable``.
    public func close() async {
        guard await gate.close() else { return }
        queries.dropAll()
        broadcaster.finish()
        notices.finish()
        await withCheckedContinuation { continuation in
            // Closing blocks its thread while SQLite writes the log back into the file.
            DispatchQueue.global().async { [pool] in
                // If it fails, the file is recovered from the log when it is opened again.
                try? pool.close()
                continuation.resume()
            }
        }
        lock.withLock { $0 = nil }
    }

    // MARK: - Transactions

    func write<Value: Sendable>(_ body: @escaping @Sendable (inout StateTransaction) throws -> Value) async throws -> Value {
        try gate.enter()
        defer { gate.leave() }
        return try await withCheckedThrowingContinuation { continuation in
            pool.asyncWriteWithoutTransaction { [self] db in
                var transaction = StateTransaction(db, at: clock.now)
                do {
                    let value = try Self.commit(&transaction) { transaction in
                        if isPutBack(transaction.now) { try transaction.clampTimes() }
                        return try body(&transaction)
                    }
                    lastTime.withLock { $0 = transaction.now }
                    // Here and not in the caller: on the writer's queue, changes are published in the order of their transactions.
                    broadcaster.publish(transaction.changes)
                    continuation.resume(returning: value)
                } catch {
                    continuation.resume(throwing: StateError(error, "the state file cannot be written"))
                }
            }
        }
    }

    /// Whether the clock was set back since the last write.
    private func isPutBack(_ now: Timestamp) -> Bool { lastTime.withLock { now < $0 } }

    private static func commit<Value>(
        _ transaction: inout StateTransaction, _ body: (inout StateTransaction) throws -> Value
    ) throws -> Value {
        let db = transaction.db
        try db.beginTransaction(.immediate)
        do {
            let value = try body(&transaction)
            try db.commit()
            return value
        } catch {
            // SQLite rolls back by itself after some errors; the first error is the one that counts.
            if db.isInsideTransaction { try? db.rollback() }
            throw error
        }
    }

    func read<Value: Sendable>(_ body: @escaping @Sendable (StateTransaction) throws -> Value) async throws -> Value {
        // The first read after the clock was set back corrects the times by a write; a process that only reads leaves that alone.
        if lastTime.withLock({ $0 < Timestamp(milliseconds: .max) }), isPutBack(clock.now) { try await write { _ in } }
        try gate.enter()
        defer { gate.leave() }
        return try await withCheckedThrowingContinuation { continuation in
            pool.asyncRead { [clock] result in
                do {
                    continuation.resume(returning: try body(StateTransaction(try result.get(), at: clock.now)))
                } catch {
                    continuation.resume(throwing: StateError(error, "the state file cannot be read"))
                }
            }
        }
    }
}
