import GRDB
import MirrorCore
import MirrorState

/// The columns of the row at which a statement stands, until its next step. GRDB's `Row` would first make a dictionary of their names.
///
/// They are read as values of any type, never by a cast that traps: a damaged file must not end the process.
struct Columns: DatabaseValueConvertible, StatementColumnConvertible {
    private let statement: SQLiteStatement

    /// - Parameter index: GRDB asks for one column, and gets all.
    init(sqliteStatement: SQLiteStatement, index: CInt) { statement = sqliteStatement }

    static func fromStatement(_ statement: SQLiteStatement, atUncheckedIndex index: CInt) -> Columns? {
        Columns(sqliteStatement: statement, index: index)
    }

    // Required of what stands in a column, and never called.
    var databaseValue: DatabaseValue { .null }
    static func fromDatabaseValue(_ value: DatabaseValue) -> Columns? { nil }

    func value(_ column: Int) -> DatabaseValue { DatabaseValue(sqliteStatement: statement, index: CInt(column)) }

    func integer(_ column: Int) -> Int64? {
        guard case .int64(let value) = value(column).storage else { return nil }
        return value
    }

    func text(_ column: Int) -> String? {
        guard case .string(let value) = value(column).storage else { return nil }
        return value
    }

    func bytes(_ column: Int) -> [UInt8]? {
        guard case .blob(let value) = value(column).storage else { return nil }
        return Array(value)
    }

    func number(_ column: Int) -> Double? {
        switch value(column).storage {
        case .double(let value): value
        case .int64(let value): Double(value)
        default: nil
        }
    }

    /// A number of milliseconds; zero if there is none.
    func duration(_ column: Int) -> Duration { .milliseconds(integer(column) ?? 0) }

    func time(_ column: Int) -> Timestamp? { integer(column).map { Timestamp(milliseconds: $0) } }

    /// Four columns: objects, bytes, pending, errors.
    func totals(from column: Int) -> PoolTotals? {
        guard let objects = integer(column), let bytes = integer(column + 1), let pending = integer(column + 2),
            let errors = integer(column + 3)
        else { return nil }
        return PoolTotals(objects: Int(objects), bytes: bytes, pending: Int(pending), errors: Int(errors))
    }
}

extension Statement {
    /// Runs the statement until a row is what is looked for.
    ///
    /// - Parameter read: Runs no other statement, and keeps no columns.
    /// - Returns: The first value that `read` makes of a row; `nil` if there is none.
    func first<Value>(_ arguments: StatementArguments = [], _ read: (Columns) throws -> Value?) throws -> Value? {
        let rows = try Columns.fetchCursor(self, arguments: arguments)
        // The statement is reset when the cursor ends.
        defer { withExtendedLifetime(rows) {} }
        while let row = try rows.next() {
            if let value = try read(row) { return value }
        }
        return nil
    }
}
