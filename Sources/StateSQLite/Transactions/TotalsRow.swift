import MirrorState

/// A row of the totals, or a difference: objects, bytes, pending, errors, bytes of what is pending, bytes of errors.
struct TotalsRow: Equatable {
    static let nothing = TotalsRow(values: [Int64](repeating: 0, count: 6))

    private(set) var values: [Int64]

    /// - Parameter cost: Of each pending replica and each error among them.
    init(_ totals: PoolTotals, cost: Int) {
        values = [
            Int64(totals.objects), totals.bytes, Int64(totals.pending), Int64(totals.errors), Int64(totals.pending * cost),
            Int64(totals.errors * cost),
        ]
    }

    /// - Parameter row: Has a pool before them.
    init(_ row: Columns) { values = Self.nothing.values.indices.map { row.integer($0 + 1) ?? 0 } }

    private init(values: [Int64]) { self.values = values }

    // What a damaged file says may not fit.

    mutating func add(_ other: TotalsRow) { for index in values.indices { values[index] &+= other.values[index] } }

    var negated: TotalsRow { TotalsRow(values: values.map { 0 &- $0 }) }
}
