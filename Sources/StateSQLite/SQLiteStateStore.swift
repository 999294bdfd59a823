import Dispatch
import GRDB
public import Logging
public import MirrorCore
public import MirrorState
import Synchronization

/// A state store in one SQLite file: the default, for one machine and one serving process.
///
/// Each call is atomic, but one with very many replicas is split, so that no other call waits for all of them. All writes go through one connection,
/// in the order in which they arrive, those that wait together in one transaction (``WriteQueue``); reads have their own connections and see every
/// write that returned before. What a call wrote survives a killed process. The last moments before a power failure may be lost, which costs a
/// lookup in the pool. Calls are not interrupted when their task is cancelled: a worker that shuts down can still hand its lease back.
public final class SQLiteStateStore: StateStore, SelectiveStateStore {
    /// The maximum number of replicas that one transaction changes: a few milliseconds.
    static let batch = 64
    /// How long a call of a sweep waits while a reader keeps the log from beginning again.
    private static let patience = Duration.seconds(2)
    /// How long a connection waits for a lock that another process holds.
    static let busySeconds = 5

    let pool: DatabasePool
    let clock: any MirrorClock
    private let maxQueued: Int
    private let maxQueuedPerOrigin: Int
    let history: Int
    let maxSums: Int
    let notices = NoticeBroadcaster()
    private let broadcaster = ChangeBroadcaster()
    private let queries: KeptQueries
    private let removals = RecentRemovals()
    let gate = OperationGate()
    let checkpoints: Checkpoints
    let reads: ReadQueue
    let writes: WriteQueue
    let recent: RecentWrites
    let count = TotalsCount()
    private let lock: Mutex<FileLock?>
    let logger: Logger

    /// Opens the file, or creates it: mode 0600, in a directory of mode 0700.
    ///
    /// - Parameter path: The file; SQLite puts `<path>-wal` and `<path>-shm` beside it, and this store `<path>.lock`.
    /// - Parameter maxQueued: The maximum number of copy jobs, queued and leased, and of errors in each pool.
    /// - Parameter maxQueuedPerOrigin: The maximum number of jobs of one origin in one pool.
    /// - Parameter history: The maximum number of artifacts whose activity is remembered.
    /// - Parameter maxSums: The maximum number of sums that are made of it.
    /// - Parameter takeOver: Open it to serve: locks the file against a second serving process, ends the leases of the previous process at once,
    ///   and begins to count the totals again. Without it a process may read; the serving process is not told what it writes.
    /// - Throws: ``StateError/Code/corrupt`` if the file is not a database, or is another program's or a newer version's;
    ///   ``StateError/Code/unavailable`` if it cannot be opened, or another process serves from it.
    public convenience init(
        path: String, maxQueued: Int, maxQueuedPerOrigin: Int = .max, history: Int = 1_000_000, maxSums: Int = 1_000_000, takeOver: Bool,
        clock: any MirrorClock = SystemClock(),
        logger: Logger = Logger(label: "cloud-mirror.state.sqlite")
    ) throws(StateError) {
        try self.init(
            path: path, maxQueued: maxQueued, maxQueuedPerOrigin: maxQueuedPerOrigin, history: history, maxSums: maxSums,
            takeOver: takeOver, clock: clock, logger: logger, traced: nil)
    }

    /// - Parameter traced: Is given the SQL of each statement that is run.
    package init(
        path: String, maxQueued: Int, maxQueuedPerOrigin: Int, history: Int, maxSums: Int, takeOver: Bool, clock: any MirrorClock,
        logger: Logger, traced: (@Sendable (_ sql: String) -> Void)?
    ) throws(StateError) {
        try DatabaseFile.prepare(path)
        let lock = takeOver ? try FileLock(path: "\(path).lock") : nil
        do {
            let configuration = Self.configuration(traced)
            pool = try DatabasePool(path: path, configuration: configuration)
            try Schema.migrate(pool, path: path)
            if takeOver { try pool.write { try StateTransaction($0, at: clock.now).takeOver() } }
            checkpoints = try Checkpoints(of: pool, path: path, configuration: configuration)
        } catch {
            throw StateError(error, "the state file \(path) cannot be used")
        }
        self.lock = Mutex(lock)
        reads = ReadQueue(limit: pool.configuration.maximumReaderCount)
        let recent = RecentWrites(since: takeOver ? clock.now : nil)
        writes = WriteQueue(pool, checkpoints) { [count] db in
            let transaction = StateTransaction(db, at: clock.now, notesRows: count.isRunning)
            if recent.isPutBack(transaction.now) { try transaction.clampTimes() }
            return transaction
        } committed: { [broadcaster, count] transaction in
            recent.note(transaction)
            count.note(transaction)
            broadcaster.publish(transaction.changes)
        }
        self.recent = recent
        self.clock = clock
        queries = KeptQueries(clock: clock)
        self.maxQueued = maxQueued
        self.maxQueuedPerOrigin = maxQueuedPerOrigin
        self.history = max(1, history)
        self.maxSums = maxSums
        self.logger = logger
        if takeOver { Task { await checkTotals() } }
    }

    private static func configuration(_ traced: (@Sendable (String) -> Void)?) -> Configuration {
        var configuration = Configuration()
        configuration.label = "cloud-mirror.state"
        configuration.busyMode = .timeout(Double(busySeconds))
        configuration.foreignKeysEnabled = false
        configuration.prepareDatabase { db in
            // In WAL mode a killed process loses nothing, and a power failure damages nothing.
            try db.execute(sql: "PRAGMA synchronous = NORMAL")
            try db.execute(sql: "PRAGMA wal_autocheckpoint = 0")
            // In KiB. Holds all but the last pages on the way to any of ten million replicas; taken as pages are read.
            try db.execute(sql: "PRAGMA cache_size = -16384")
            try db.execute(sql: "PRAGMA journal_size_limit = \(Checkpoints.maxBytes)")
            if let traced {
                db.trace { event in
                    if case .statement(let statement) = event { traced(statement.sql) }
                }
            }
        }
        return configuration
    }

    // MARK: Becoming present

    public func replica(_ id: ReplicaID) async throws -> Replica? {
        try await read(isOneStatement: true) { try $0.record(id).replica(id) }
    }

    public func replicas(_ ids: [ReplicaID]) async throws -> [Replica?] {
        // A request that comes alone is looked up alone.
        try await read(isOneStatement: ids.count == 1) { transaction in try ids.map { try transaction.record($0).replica($0) } }
    }

    public func claim(_ id: ReplicaID, leasing terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?) {
        let hasQuery = queries.query(for: id) != nil
        return try await write { [maxQueued, maxQueuedPerOrigin] transaction in
            try transaction.claim(
                id, leasing: terms, maxQueued: maxQueued, maxQueuedPerOrigin: maxQueuedPerOrigin, hasQuery: hasQuery)
        }
    }

    public func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws {
        try gate.enter()
        defer { gate.leave() }
        queries.keep(query, for: id)
    }

    public func query(for id: ReplicaID) async throws -> FetchQuery? {
        try gate.enter()
        defer { gate.leave() }
        return queries.query(for: id)
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

    public func lease(_ terms: LeaseTerms) async throws -> LeaseOutcome {
        try await write { [maxQueued] in try $0.lease(terms, maxErrors: maxQueued) }
    }

    public func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try await read { try $0.firstLane(of: pools, passingOver: lanes)?.due }
    }

    public func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease {
        try await write { try $0.extend(lease, duration: duration) }
    }

    public func confirm(_ lease: CopyLease) async throws {
        if recent.isNewest(lease) {
            try gate.enter()
            gate.leave()
        } else {
            try await read(isOneStatement: true) { try $0.confirm(lease) }
        }
    }

    public func finish(_ lease: CopyLease, _ result: CopyResult, leasing terms: LeaseTerms?) async throws -> LeaseOutcome? {
        try await write { [maxQueued, queries] transaction in
            try transaction.finish(lease, result, maxErrors: maxQueued)
            // Before the change is told: whoever hears of it may keep another query.
            if result.endsCopy { queries.drop(lease.id) }
            return try terms.map { try transaction.lease($0, maxErrors: maxQueued) }
        }
    }

    // MARK: Being used and going away

    public func touch(_ uses: [ReplicaUse]) async throws {
        try await inBatches(uses) { uses in try await write { try $0.touch(uses) } }
    }

    public func describe(_ id: ReplicaID, _ object: StoredObject) async throws {
        try await write { try $0.describe(id, object) }
    }

    public func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        var marked: [ReplicaID] = []
        try await inBatches(ids, patience: Self.patience) { ids in
            marked += try await write { try $0.mark(ids, unusedSince: unusedSince) }
        }
        return marked
    }

    public func beginRemovals(_ wanted: [WantedRemoval], duration: Duration) async throws -> [Removal?] {
        var removals: [Removal?] = []
        try await inBatches(wanted, patience: Self.patience) { wanted in
            removals += try await write { [queries] transaction in
                try wanted.map { wanted in
                    let removal = try transaction.beginRemoval(wanted.id, wanted.condition, duration: duration)
                    if removal != nil { queries.drop(wanted.id) }
                    return removal
                }
            }
        }
        return removals
    }

    public func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal] {
        var confirmed: [Removal] = []
        try await inBatches(removals) { removals in confirmed += try await write { try $0.confirm(removals, duration: duration) } }
        return confirmed
    }

    public func endRemovals(_ ended: [Removal]) async throws -> [RemovalEnd] {
        var ends: [RemovalEnd] = []
        try await inBatches(ended, patience: Self.patience) { ended in
            ends += try await write { [removals] transaction in
                try ended.map { removal in
                    // On the writer's queue, before an object can be recorded that was looked up earlier.
                    removals.note(removal.id)
                    return try transaction.endRemoval(removal)
                }
            }
        }
        return ends
    }

    public func handBack(_ removal: Removal) async throws {
        try await write { try $0.handBack(removal) }
    }

    public func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        var forgotten = 0
        let end = ContinuousClock.now + Self.patience
        while true {
            let part = min(StatePage.length(limit) - forgotten, Self.batch)
            let count = try await write { try $0.forgetErrors(before: before, limit: part) }
            forgotten += count
            guard count == part, forgotten < StatePage.length(limit) else { return forgotten }
            await checkpoints.makeRoom(until: end)
        }
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

    package func changes(of interest: ChangeInterest) async -> AsyncStream<ReplicaChange> {
        broadcaster.stream(of: interest)
    }

    /// Waits for the calls in progress; later ones throw ``StateError/Code/unavailable``.
    public func close() async {
        guard await gate.close() else { return }
        queries.dropAll()
        broadcaster.finish()
        notices.finish()
        await withCheckedContinuation { continuation in
            // Closing blocks its thread while SQLite writes the log back into the file.
            DispatchQueue.global().async { [pool, checkpoints] in
                // If it fails, the file is recovered from the log when it is opened again.
                checkpoints.stop()
                try? pool.close()
                try? checkpoints.close()
                continuation.resume()
            }
        }
        lock.withLock { $0 = nil }
    }
}
