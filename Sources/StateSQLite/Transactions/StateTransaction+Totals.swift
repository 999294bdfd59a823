import GRDB
import MirrorState

/// The totals of each pool. They change with the replicas, in the same transactions.
extension StateTransaction {
    /// A row of their table: objects, bytes, pending, errors, bytes of what is pending, bytes of errors.
    typealias TotalsRow = [Int64]

    /// How many replicas are counted at a time.
    private static let counted = 10_000

    /// - Parameter cost: For each pending replica and each error among them.
    func add(_ totals: PoolTotals, cost: Int, to pool: String) throws {
        try add(
            [
                Int64(totals.objects), totals.bytes, Int64(totals.pending), Int64(totals.errors), Int64(totals.pending * cost),
                Int64(totals.errors * cost),
            ], to: pool)
    }

    func add(_ difference: TotalsRow, to pool: String) throws {
        let values: [any DatabaseValueConvertible] = [pool] + difference.map { $0 as any DatabaseValueConvertible }
        try db.cachedStatement(sql: Self.addition).execute(arguments: StatementArguments(values))
    }

    /// What must be added to the totals, by pool, so that they agree with the replicas. Reads all replicas.
    ///
    /// Replicas and totals are read as of one moment, and totals are only ever added to. So the difference may be added later, whatever was
    /// written in the meantime.
    ///
    /// - Parameter isWanted: Whether to go on; asked now and then.
    /// - Returns: `nil` if it was no longer wanted.
    func missingTotals(while isWanted: () -> Bool) throws -> [String: TotalsRow]? {
        let statement = try db.cachedStatement(sql: Self.count)
        var missing: [String: TotalsRow] = [:]
        var last = Int64.min
        var isAtEnd = false
        while !isAtEnd {
            guard isWanted() else { return nil }
            isAtEnd = true
            let rows = try Columns.fetchCursor(
                statement, arguments: ["after": last, "limit": Self.counted, "cost": StateLimits.recordBytes])
            while let row = try rows.next() {
                guard let pool = row.text(0), let number = row.integer(7) else { throw RecordRow.damaged("name") }
                Self.add(row, to: &missing[pool, default: Self.nothing], &+)
                last = max(last, number)
                isAtEnd = false
            }
        }
        let rows = try Columns.fetchCursor(db, sql: "SELECT pool, objects, bytes, pending, errors, pending_bytes, error_bytes FROM totals")
        while let row = try rows.next() {
            guard let pool = row.text(0) else { throw RecordRow.damaged("totals") }
            Self.add(row, to: &missing[pool, default: Self.nothing], &-)
        }
        return missing.filter { $0.value != Self.nothing }
    }

    /// Deletes a row that cannot be read.
    ///
    /// - Parameter number: Its `rowid`.
    func drop(row number: Int64) throws {
        let statement = try db.cachedStatement(sql: Self.count)
        let arguments: StatementArguments = ["after": number &- 1, "limit": 1, "cost": StateLimits.recordBytes]
        let counted = try statement.first(arguments) { row -> (pool: String, difference: TotalsRow)? in
            guard let pool = row.text(0) else { return nil }
            var difference = Self.nothing
            Self.add(row, to: &difference, &-)
            return (pool, difference)
        }
        guard let counted else { throw RecordRow.damaged("name") }
        try add(counted.difference, to: counted.pool)
        try db.execute(sql: "DELETE FROM replicas WHERE rowid = ?", arguments: [number])
        try Schema.fillLanes(db)
    }

    private static let nothing = TotalsRow(repeating: 0, count: 6)

    /// - Parameter row: A pool, and its totals.
    private static func add(_ row: Columns, to totals: inout TotalsRow, _ combine: (Int64, Int64) -> Int64) {
        for column in totals.indices { totals[column] = combine(totals[column], row.integer(column + 1) ?? 0) }
    }

    /// In the order of the table, which is the fastest, but not of any index.
    private static let count = """
        SELECT pool, sum(status = 2), sum(CASE status WHEN 2 THEN size END), sum(status = 1), sum(status = 3),
            sum(CASE status WHEN 1 THEN length(url) + :cost END), sum(CASE status WHEN 3 THEN length(url) + :cost END), max(number)
        FROM (SELECT rowid AS number, pool, status, size, url FROM replicas WHERE rowid > :after ORDER BY rowid LIMIT :limit)
        GROUP BY pool
        """

    /// A sum of bytes that would overflow stays as it is: sizes come from a pool's answer, and an absurd one must not stop the rest.
    private static let addition = """
        INSERT INTO totals (pool, objects, bytes, pending, errors, pending_bytes, error_bytes) VALUES (?, ?, ?, ?, ?, ?, ?)
        ON CONFLICT (pool) DO UPDATE SET objects = objects + excluded.objects,
        bytes = CASE typeof(bytes + excluded.bytes) WHEN 'integer' THEN bytes + excluded.bytes ELSE bytes END,
        pending = pending + excluded.pending, errors = errors + excluded.errors,
        pending_bytes = pending_bytes + excluded.pending_bytes, error_bytes = error_bytes + excluded.error_bytes
        """
}
