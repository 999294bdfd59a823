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

    init(_ db: Database, at now: Timestamp) {
        self.db = db
        self.now = now
    }

    // MARK: Records

    func record(_ id: ReplicaID) throws -> ReplicaRecord {
        let statement = try db.cachedStatement(sql: Self.select)
        guard let row = try Row.fetchOne(statement, arguments: [id.pool.description, id.artifact.nameHash]) else {
            return ReplicaRecord()
        }
        return try decode(row, of: id)
    }

    /// - Parameter offset: Where the record's columns begin in the row.
    func decode(_ row: Row, of id: ReplicaID, from offset: Int = 0) throws(StateError) -> ReplicaRecord {
        var record = try RecordRow.decode(row, of: id, from: offset)
        record.clampWaits(at: now)
        return record
    }

    /// Applies one transition to a record and stores it.
    ///
    /// - Parameter isToldOf: Whether the change is published.
    mutating func store(_ record: ReplicaRecord, replacing old: ReplicaRecord, _ id: ReplicaID, isToldOf: Bool) throws {
        let name: [(any DatabaseValueConvertible)?] = [id.pool.description, id.artifact.nameHash]
        if record.status == nil {
            try db.cachedStatement(sql: Self.delete).execute(arguments: StatementArguments(name))
        } else {
            try db.cachedStatement(sql: Self.upsert).execute(
                arguments: StatementArguments(name + [id.artifact.description] + RecordRow.encode(record, of: id)))
        }
        let (left, entered) = (old.job?.lane(of: id), record.job?.lane(of: id))
        for lane in Set([left, entered].compactMap(\.self)) {
            try updateLane(lane, in: id.pool.description, jobs: (lane == entered ? 1 : 0) - (lane == left ? 1 : 0))
        }
        var difference = PoolTotals()
        difference.count(from: old.status, to: record.status)
        if difference != PoolTotals() { try add(difference, cost: StateLimits.cost(of: id), to: id.pool.description) }
        if old.job?.token != record.job?.token { tokens.append((id, record.job?.token)) }
        if isToldOf { changes.append(.replica(id, record.replica(id))) }
    }

    /// Records which job of a lane is due first, if any, and how many jobs there are.
    ///
    /// - Parameter jobs: The difference in their number.
    private func updateLane(_ lane: CopyLane, in pool: String, jobs: Int) throws {
        let place: StatementArguments = [pool, lane.description]
        guard let head = try Row.fetchOne(db.cachedStatement(sql: Self.selectHead), arguments: place) else {
            return try db.cachedStatement(sql: "DELETE FROM lanes WHERE pool = ? AND lane = ?").execute(arguments: place)
        }
        guard let due = head.integer(0), let sequence = head.integer(1) else { throw RecordRow.damaged("copy job") }
        try db.cachedStatement(sql: Self.upsertLane).execute(arguments: place + [due, sequence, jobs])
    }

    /// A number that no job, lease or removal of this file has had before.
    func nextNumber() throws -> Int64 {
        let statement = try db.cachedStatement(sql: "UPDATE counters SET value = value + 1 WHERE name = 'number' RETURNING value")
        guard let number = try Int64.fetchOne(statement) else { throw RecordRow.damaged("counter") }
        return number
    }

    // MARK: Opening

    /// Lets the leases and removals of the previous process expire now, and continues with tokens far above all that it can have used.
    ///
    /// The reason: with `synchronous=NORMAL` a power failure may undo the last transactions, and with them the newest tokens. Far fewer than a
    /// million fit into the write-ahead log between two checkpoints.
    func takeOver() throws {
        try db.execute(sql: "UPDATE counters SET value = value + 1000000 WHERE name = 'number'")
        for pool in try String.fetchAll(db, sql: "SELECT pool FROM totals") {
            try db.execute(
                sql: "UPDATE replicas SET due = ? WHERE status = 1 AND pool = ? AND due > ? AND token IS NOT NULL",
                arguments: [now.milliseconds, pool, now.milliseconds])
        }
        try db.execute(sql: "UPDATE replicas SET token = NULL WHERE status = 4")
        try db.execute(sql: "DELETE FROM computing")
        try clampTimes()
        try Schema.countBytes(db)
    }

    /// Corrects times in the future, recorded before the clock was set back; see ``ReplicaRecord/clampWaits(at:)``. Scans all replicas.
    func clampTimes() throws {
        let statements = [
            "SET due = :now + coalesce(wait, 0) WHERE status IN (1, 4) AND due > :now + coalesce(wait, 0)",
            "SET queued_at = :now WHERE status = 1 AND queued_at > :now",
            "SET retry_at = :now + coalesce(wait, 0) WHERE status = 3 AND retry_at > :now + coalesce(wait, 0)",
            "SET last_used = :now WHERE status = 2 AND last_used > :now",
            "SET marked_at = :now WHERE status = 2 AND marked_at > :now",
        ]
        for statement in statements { try db.execute(sql: "UPDATE replicas \(statement)", arguments: ["now": now.milliseconds]) }
        try Schema.fillLanes(db)
    }

    /// Recounts the totals by a scan of all replicas.
    ///
    /// - Returns: Whether they were right.
    func reconcileTotals() throws -> Bool {
        let counted = try allTotals(
            """
            SELECT pool, sum(status = 2), sum(CASE status WHEN 2 THEN size ELSE 0 END), sum(status = 1), sum(status = 3)
            FROM replicas GROUP BY pool
            """)
        guard try counted != allTotals("SELECT pool, objects, bytes, pending, errors FROM totals") else { return true }
        try db.execute(sql: "DELETE FROM totals")
        for (pool, totals) in counted { try add(totals, cost: 0, to: pool) }
        return false
    }

    /// The totals that are not zero.
    private func allTotals(_ query: String) throws -> [String: PoolTotals] {
        var all: [String: PoolTotals] = [:]
        for row in try Row.fetchAll(db, sql: query) {
            guard let pool = row.text(0), let totals = row.totals(from: 1) else { throw RecordRow.damaged("totals") }
            if totals != PoolTotals() { all[pool] = totals }
        }
        return all
    }

    /// - Parameter cost: For each pending replica and each error among them.
    private func add(_ totals: PoolTotals, cost: Int, to pool: String) throws {
        try db.cachedStatement(sql: Self.addTotals).execute(arguments: [
            pool, totals.objects, totals.bytes, totals.pending, totals.errors, totals.pending * cost, totals.errors * cost,
        ])
    }

    // MARK: SQL

    private static let select = "SELECT \(RecordRow.columns) FROM replicas WHERE pool = ? AND hash = ?"
    private static let delete = "DELETE FROM replicas WHERE pool = ? AND hash = ?"

    private static let selectHead = """
        SELECT due, sequence FROM replicas INDEXED BY jobs_by_lane WHERE status = 1 AND pool = ? AND lane = ? ORDER BY due, sequence LIMIT 1
        """

    private static let upsertLane = """
        INSERT INTO lanes (pool, lane, due, sequence, jobs) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT (pool, lane) DO UPDATE SET due = excluded.due, sequence = excluded.sequence, jobs = jobs + excluded.jobs
        """

    private static let upsert: String = {
        let names = RecordRow.columns.split(separator: ", ")
        return """
            INSERT INTO replicas (pool, hash, url, \(RecordRow.columns)) VALUES (\(Array(repeating: "?", count: names.count + 3).joined(separator: ", ")))
            ON CONFLICT (pool, hash) DO UPDATE SET \(names.map { "\($0) = excluded.\($0)" }.joined(separator: ", "))
            """
    }()

    private static let addTotals = """
        INSERT INTO totals (pool, objects, bytes, pending, errors, pending_bytes, error_bytes) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (pool) DO UPDATE SET objects = objects + excluded.objects, bytes = bytes + excluded.bytes,
        pending = pending + excluded.pending, errors = errors + excluded.errors,
        pending_bytes = pending_bytes + excluded.pending_bytes, error_bytes = error_bytes + excluded.error_bytes
        """
}
