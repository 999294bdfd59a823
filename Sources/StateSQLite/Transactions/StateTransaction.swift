import GRDB
import MirrorCore
import MirrorState

/// One transaction on the tables: loads records, stores them with their totals, and collects the changes to be published after the commit.
struct StateTransaction {
    let db: Database
    let now: Timestamp
    private(set) var changes: [ReplicaChange] = []
    /// The newest tokens of jobs that were leased, put back or ended; `nil` if nobody holds a lease any more.
    private(set) var tokens: [(id: ReplicaID, token: Int64?)] = []
    /// Whether the totals are being counted; then the rows are noted that change them.
    private let notesRows: Bool
    private(set) var changedRows: [(row: Int64, pool: String, difference: TotalsRow)] = []
    private(set) var counted: Counted?

    init(_ db: Database, at now: Timestamp, notesRows: Bool = false) {
        self.db = db
        self.now = now
        self.notesRows = notesRows
    }

    // MARK: Records

    func record(_ id: ReplicaID) throws -> ReplicaRecord {
        let statement = try db.cachedStatement(sql: Self.select)
        return try statement.first([id.pool.description, id.artifact.nameHash]) { try decode($0, of: id) } ?? ReplicaRecord()
    }

    /// - Returns: `nil` for one that cannot be read.
    func readable(_ id: ReplicaID) throws -> ReplicaRecord? {
        do {
            return try record(id)
        } catch let error as StateError where error.code == .corrupt {
            return nil
        }
    }

    /// - Parameter offset: Where the record's columns begin in the row.
    func decode(_ row: Columns, of id: ReplicaID, from offset: Int = 0) throws(StateError) -> ReplicaRecord {
        var record = try RecordRow.decode(row, of: id, from: offset)
        record.clampWaits(at: now)
        return record
    }

    /// Applies one transition to a record and stores it.
    ///
    /// - Parameter isToldOf: Whether the change is published.
    mutating func store(_ record: ReplicaRecord, replacing old: ReplicaRecord, _ id: ReplicaID, isToldOf: Bool) throws {
        let name: [(any DatabaseValueConvertible)?] = [id.pool.description, id.artifact.nameHash]
        var row = try notesRows ? row(of: id) : nil
        if record.status == nil {
            try db.cachedStatement(sql: Self.delete).execute(arguments: StatementArguments(name))
        } else {
            try db.cachedStatement(sql: Self.upsert).execute(
                arguments: StatementArguments(name + [id.artifact.description] + RecordRow.encode(record, of: id)))
            if notesRows, row == nil { row = db.lastInsertedRowID }
        }
        let (left, entered) = (old.job?.lane(of: id), record.job?.lane(of: id))
        for lane in Set([left, entered].compactMap(\.self)) {
            try updateLane(lane, in: id.pool.description, jobs: (lane == entered ? 1 : 0) - (lane == left ? 1 : 0))
        }
        var difference = PoolTotals()
        difference.count(from: old.status, to: record.status)
        if difference != PoolTotals() {
            let difference = TotalsRow(difference, cost: StateLimits.cost(of: id))
            try add(difference, to: id.pool.description)
            if let row { note(difference, to: id.pool.description, ofRow: row) }
        }
        if old.job?.token != record.job?.token { tokens.append((id, record.job?.token)) }
        if isToldOf { changes.append(.replica(id, record.replica(id))) }
    }

    /// Its `rowid`.
    func row(of id: ReplicaID) throws -> Int64? {
        let statement = try db.cachedStatement(sql: "SELECT rowid FROM replicas WHERE pool = ? AND hash = ?")
        return try Int64.fetchOne(statement, arguments: [id.pool.description, id.artifact.nameHash])
    }

    mutating func note(_ difference: TotalsRow, to pool: String, ofRow row: Int64) {
        if notesRows { changedRows.append((row, pool, difference)) }
    }

    mutating func note(_ counted: Counted) { self.counted = counted }

    /// Stores what a lease has changed in the job of a pending replica, which is not published. Writing the whole row would write all of its indexes.
    mutating func storeLease(_ record: ReplicaRecord, replacing old: ReplicaRecord, _ id: ReplicaID) throws {
        guard let job = record.job, let lane = old.job?.lane(of: id), lane == job.lane(of: id) else {
            return try store(record, replacing: old, id, isToldOf: false)
        }
        try db.cachedStatement(sql: Self.updateJob).execute(
            arguments: [
                job.dueAt.milliseconds, job.wait.wholeMilliseconds, job.attempts, job.token, job.worker, id.pool.description,
                id.artifact.nameHash,
            ])
        try updateLane(lane, in: id.pool.description, jobs: 0)
        if old.job?.token != job.token { tokens.append((id, job.token)) }
    }

    /// Stores the mark of a present replica, and reports it: writing the whole row would cost about twice as much.
    mutating func storeMark(_ record: ReplicaRecord, _ id: ReplicaID) throws {
        guard case .present(let object) = record.status else { return }
        try db.cachedStatement(sql: "UPDATE replicas SET marked_at = ? WHERE pool = ? AND hash = ?")
            .execute(arguments: [object.markedAt?.milliseconds, id.pool.description, id.artifact.nameHash])
        changes.append(.replica(id, record.replica(id)))
    }

    /// Stores what has changed in the removal of a replica under removal, which is not published.
    func storeRemoval(_ record: ReplicaRecord, _ id: ReplicaID) throws {
        guard let removal = record.removal else { return }
        try db.cachedStatement(sql: "UPDATE replicas SET due = ?, wait = ?, token = ?, is_repeated = ? WHERE pool = ? AND hash = ?")
            .execute(
                arguments: [
                    removal.dueAt.milliseconds, removal.wait.wholeMilliseconds, removal.token, removal.isRepeated, id.pool.description,
                    id.artifact.nameHash,
                ])
    }

    /// Records which job of a lane is due first, if any, and how many jobs there are.
    ///
    /// - Parameter jobs: The difference in their number.
    private func updateLane(_ lane: CopyLane, in pool: String, jobs: Int) throws {
        try db.cachedStatement(sql: Self.upsertLane).execute(arguments: [pool, lane.description, jobs])
        if db.changesCount == 0 {
            try db.cachedStatement(sql: "DELETE FROM lanes WHERE pool = ? AND lane = ?").execute(arguments: [pool, lane.description])
        }
    }

    /// Numbers that no job, lease or removal of this file has had before.
    ///
    /// - Returns: The first of them.
    func nextNumber(of count: Int64 = 1) throws -> Int64 {
        // With RETURNING it would be one statement, but a slower one: SQLite makes a table of its own for what it returns.
        try db.cachedStatement(sql: "UPDATE counters SET value = value + ? WHERE name = 'number'").execute(arguments: [count])
        let statement = try db.cachedStatement(sql: "SELECT value FROM counters WHERE name = 'number'")
        guard let last = try Int64.fetchOne(statement) else { throw RecordRow.damaged("counter") }
        return last - count + 1
    }

    // MARK: SQL

    private static let select = "SELECT \(RecordRow.columns) FROM replicas WHERE pool = ? AND hash = ?"
    private static let delete = "DELETE FROM replicas WHERE pool = ? AND hash = ?"

    private static let updateJob =
        "UPDATE replicas SET due = ?, wait = ?, attempts = ?, token = ?, worker = ? WHERE pool = ? AND hash = ?"

    /// Changes nothing if the lane has no job.
    private static let upsertLane = """
        INSERT INTO lanes (pool, lane, due, sequence, jobs)
        SELECT pool, lane, due, sequence, ?3 FROM replicas INDEXED BY jobs_by_lane WHERE status = 1 AND pool = ?1 AND lane = ?2
        ORDER BY due, sequence LIMIT 1
        ON CONFLICT (pool, lane) DO UPDATE SET due = excluded.due, sequence = excluded.sequence, jobs = jobs + excluded.jobs
        """

    private static let upsert: String = {
        let names = RecordRow.columns.split(separator: ", ")
        return """
            INSERT INTO replicas (pool, hash, url, \(RecordRow.columns)) VALUES (\(Array(repeating: "?", count: names.count + 3).joined(separator: ", ")))
            ON CONFLICT (pool, hash) DO UPDATE SET \(names.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            """
    }()
}
