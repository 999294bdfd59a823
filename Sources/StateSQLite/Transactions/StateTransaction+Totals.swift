import GRDB
import MirrorState

/// The totals of each pool. They change with the replicas, in the same transactions.
extension StateTransaction {
    /// How many replicas are counted in one transaction: as many as take well below a millisecond.
    static let counted = 500

    func add(_ difference: TotalsRow, to pool: String) throws {
        let values: [any DatabaseValueConvertible] = [pool] + difference.values.map { $0 as any DatabaseValueConvertible }
        try db.cachedStatement(sql: Self.addition).execute(arguments: StatementArguments(values))
    }

    /// Totals by pool.
    struct Counted {
        var totals: [String: TotalsRow] = [:]
        /// The last row among them; `nil` if there was none.
        var last: Int64?
    }

    /// Counts the replicas after a row, up to a limit. After the last one, it subtracts what the file has as the totals.
    ///
    /// - Returns: Whether there are more.
    mutating func count(after last: Int64) throws -> Bool {
        var counted = Counted()
        let statement = try db.cachedStatement(sql: Self.count)
        let rows = try Columns.fetchCursor(
            statement, arguments: ["after": last, "limit": Self.counted, "cost": StateLimits.recordBytes])
        while let row = try rows.next() {
            guard let pool = row.text(0), let number = row.integer(7) else { throw RecordRow.damaged("name") }
            counted.totals[pool] = TotalsRow(row)
            counted.last = max(counted.last ?? number, number)
        }
        if counted.last == nil {
            let totals = try db.cachedStatement(
                sql: "SELECT pool, objects, bytes, pending, errors, pending_bytes, error_bytes FROM totals")
            let rows = try Columns.fetchCursor(totals)
            while let row = try rows.next() {
                guard let pool = row.text(0) else { throw RecordRow.damaged("totals") }
                counted.totals[pool] = TotalsRow(row).negated
            }
        }
        note(counted)
        return counted.last != nil
    }

    /// Changes when another connection writes to the file.
    func version() throws -> Int64? { try Int64.fetchOne(db.cachedStatement(sql: "PRAGMA data_version")) }

    /// Deletes a row that cannot be read.
    ///
    /// - Parameter number: Its `rowid`.
    mutating func drop(row number: Int64) throws {
        let statement = try db.cachedStatement(sql: Self.count)
        let arguments: StatementArguments = ["after": number &- 1, "limit": 1, "cost": StateLimits.recordBytes]
        let counted = try statement.first(arguments) { row in row.text(0).map { (pool: $0, difference: TotalsRow(row).negated) } }
        guard let counted else { throw RecordRow.damaged("name") }
        try add(counted.difference, to: counted.pool)
        note(counted.difference, to: counted.pool, ofRow: number)
        try db.execute(sql: "DELETE FROM replicas WHERE rowid = ?", arguments: [number])
        try Schema.fillLanes(db)
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
