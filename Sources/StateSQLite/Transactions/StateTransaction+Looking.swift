import GRDB
import MirrorCore
import MirrorState

/// The calls of ``StateStore`` that only read.
extension StateTransaction {
    /// A lane in which jobs wait, and which of them is due first.
    struct LaneHead {
        let pool: String
        let lane: String
        let due: Timestamp
        let sequence: Int64
    }

    /// The lane of several pools whose first job is due first: one step down an index for each pool and for each lane that is passed over.
    func firstLane(of pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) throws -> LaneHead? {
        var first: LaneHead?
        for pool in pools {
            guard let head = try firstLane(of: pool.description, passingOver: lanes) else { continue }
            if let found = first, (found.due, found.sequence) < (head.due, head.sequence) { continue }
            first = head
        }
        return first
    }

    private func firstLane(of pool: String, passingOver lanes: Set<CopyLane>) throws -> LaneHead? {
        let statement = try db.cachedStatement(
            sql: "SELECT lane, due, sequence FROM lanes INDEXED BY lanes_by_due WHERE pool = ? ORDER BY due, sequence")
        return try statement.first([pool]) { row -> LaneHead? in
            guard let lane = row.text(0), let due = row.time(1), let sequence = row.integer(2) else { throw RecordRow.damaged("lane") }
            return lanes.contains(CopyLane(written: lane)) ? nil : LaneHead(pool: pool, lane: lane, due: due, sequence: sequence)
        }
    }

    /// The row of a job.
    struct JobRow {
        /// Its `rowid`.
        let number: Int64
        /// `nil` if it cannot be read, or is not pending although the index says so.
        let replica: (id: ReplicaID, record: ReplicaRecord)?
    }

    func firstJob(in lane: LaneHead) throws -> JobRow {
        let job = try db.cachedStatement(sql: Self.selectJob).first([lane.pool, lane.lane]) { row -> JobRow? in
            guard let number = row.integer(0) else { return nil }
            guard let url = row.text(1), let id = try? RecordRow.id(pool: lane.pool, url: url), row.text(2) == id.artifact.nameHash,
                let record = try? decode(row, of: id, from: 3), record.job != nil
            else { return JobRow(number: number, replica: nil) }
            return JobRow(number: number, replica: (id, record))
        }
        guard let job else { throw RecordRow.damaged("copy job") }
        return job
    }

    private static let selectJob = """
        SELECT rowid, url, hash, \(RecordRow.columns) FROM replicas INDEXED BY jobs_by_lane WHERE status = 1 AND pool = ? AND lane = ?
        ORDER BY due, sequence LIMIT 1
        """

    func confirm(_ lease: CopyLease) throws {
        guard try record(lease.id).job?.token == lease.token else { throw StateError.stale(lease) }
    }

    func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) throws -> [Replica] {
        var start = (lastUsed: Int64.min, hash: "")
        if let after {
            guard case .present(let object) = after.status else { return [] }
            start = (object.lastUsed.milliseconds, after.id.artifact.nameHash)
        }
        return try replicas(
            "INDEXED BY present_by_use WHERE status = 2 AND pool = ? AND (last_used, hash) > (?, ?) ORDER BY last_used, hash",
            [pool.description, start.lastUsed, start.hash], limit: limit)
    }

    func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) throws -> [Replica] {
        let limit = StatePage.length(limit)
        var found: [Replica] = []
        for name in try pool.map({ [$0.description] }) ?? Schema.pools(db) {
            var hash = ""
            if let after {
                if name < after.pool.description { continue }
                if name == after.pool.description { hash = after.artifact.nameHash }
            }
            guard found.count < limit else { break }
            found += try replicas(in: name, state: state, after: hash, limit: limit - found.count)
        }
        return found
    }

    private func replicas(in pool: String, state: Replica.State?, after hash: String, limit: Int) throws -> [Replica] {
        guard let state else {
            return try replicas("INDEXED BY replicas_by_name WHERE pool = ? AND hash > ? ORDER BY hash", [pool, hash], limit: limit)
        }
        return try replicas(
            "INDEXED BY replicas_by_status WHERE pool = ? AND status = ? AND hash > ? ORDER BY hash",
            [pool, Schema.status(of: state), hash], limit: limit)
    }

    func abandonedRemovals(in pool: PoolID, limit: Int) throws -> [ReplicaID] {
        // The index is named, because without statistics SQLite would scan the whole pool in the order of its names.
        try replicas(
            "INDEXED BY replicas_by_status WHERE status = 4 AND pool = ? AND (token IS NULL OR due <= ?) ORDER BY hash",
            [pool.description, now.milliseconds], limit: limit
        ).map(\.id)
    }

    /// Errors that could have been tried again before that time, the earliest first.
    func errors(before time: Timestamp, limit: Int) throws -> [ReplicaID] {
        // The index is named for the same reason.
        try replicas(
            "INDEXED BY errors_by_retry WHERE status = 3 AND retry_at < ? ORDER BY retry_at, pool, hash", [time.milliseconds], limit: limit
        ).map(\.id)
    }

    /// Whether a job may be queued for a replica.
    func hasRoom(for id: ReplicaID, maxQueued: Int, maxQueuedPerOrigin: Int) throws -> Bool {
        // Each pending replica has exactly one job, so the totals contain the number of jobs.
        let statement = try db.cachedStatement(
            sql: """
                SELECT (SELECT sum(pending) FROM totals), (SELECT jobs FROM lanes WHERE pool = ?1 AND lane = ?2),
                    (SELECT pending_bytes FROM totals WHERE pool = ?1)
                """)
        return try statement.first([id.pool.description, CopyLane(of: id.artifact).description]) { row -> Bool? in
            let (queued, ofOrigin, bytes) = (row.integer(0) ?? 0, row.integer(1) ?? 0, row.integer(2) ?? 0)
            return queued < maxQueued && ofOrigin < maxQueuedPerOrigin && bytes <= StateLimits.queuedBytes - StateLimits.cost(of: id)
        } ?? false
    }

    func lanes(in pool: PoolID, limit: Int) throws -> [LaneTotals] {
        let statement = try db.cachedStatement(sql: "SELECT lane, jobs FROM lanes WHERE pool = ? ORDER BY jobs DESC, lane LIMIT ?")
        let rows = try Columns.fetchCursor(statement, arguments: [pool.description, StatePage.length(limit)])
        var found: [LaneTotals] = []
        while let row = try rows.next() {
            guard let lane = row.text(0), let jobs = row.integer(1) else { throw RecordRow.damaged("lane") }
            found.append(LaneTotals(lane: CopyLane(written: lane), jobs: Int(jobs)))
        }
        return found
    }

    /// The errors of one pool that can be tried again soonest.
    func oldestErrors(of pool: PoolID, limit: Int) throws -> [ReplicaID] {
        try replicas(
            "INDEXED BY errors_by_pool WHERE status = 3 AND pool = ? ORDER BY retry_at, hash", [pool.description], limit: limit
        ).map(\.id)
    }

    /// The cost of a pool's errors; see ``StateLimits``.
    func errorBytes(in pool: PoolID) throws -> Int {
        try Int.fetchOne(db.cachedStatement(sql: "SELECT error_bytes FROM totals WHERE pool = ?"), arguments: [pool.description]) ?? 0
    }

    func totals(of pool: PoolID) throws -> PoolTotals {
        let statement = try db.cachedStatement(sql: "SELECT objects, bytes, pending, errors FROM totals WHERE pool = ?")
        return try statement.first([pool.description]) { row -> PoolTotals? in
            guard var totals = row.totals(from: 0) else { throw RecordRow.damaged("totals") }
            totals.bytes = max(0, totals.bytes)
            return totals
        } ?? PoolTotals()
    }

    /// Passes over rows that cannot be read: one must not keep the sweep, or an operator, from the others.
    ///
    /// - Parameter selection: SQL from this file; values are in `arguments`.
    private func replicas(_ selection: String, _ arguments: [any DatabaseValueConvertible], limit: Int) throws -> [Replica] {
        let limit = StatePage.length(limit)
        let statement = try db.cachedStatement(sql: "SELECT pool, url, \(RecordRow.columns) FROM replicas \(selection)")
        let rows = try Columns.fetchCursor(statement, arguments: StatementArguments(arguments))
        var found: [Replica] = []
        while found.count < limit, let row = try rows.next() {
            if let replica = readable(row) { found.append(replica) }
        }
        return found
    }

    private func readable(_ row: Columns) -> Replica? {
        guard let pool = row.text(0), let url = row.text(1), let id = try? RecordRow.id(pool: pool, url: url) else { return nil }
        return try? decode(row, of: id, from: 2).replica(id)
    }
}
