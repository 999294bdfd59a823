import Synchronization

/// Counts the totals again while the process serves, a few replicas at a time and between other writes: a reader that counted all of them would keep
/// the log from beginning again.
///
/// Replicas are counted in the order of their rows. Of a row that changes later, the change is counted, too. Everything is called on the writer's
/// queue, after commits and in their order.
final class TotalsCount: Sendable {
    private struct State {
        var isRunning = false
        /// The row up to which all have been counted.
        var last = Int64.min
        /// What has been counted, without what the file says.
        var missing: [String: TotalsRow] = [:]

        mutating func add(_ totals: TotalsRow, to pool: String) { missing[pool, default: .nothing].add(totals) }
    }

    private let state = Mutex(State())

    var isRunning: Bool { state.withLock { $0.isRunning } }

    /// The row after which to go on.
    var last: Int64 { state.withLock { $0.last } }

    func begin() { state.withLock { $0 = State(isRunning: true) } }

    func note(_ transaction: StateTransaction) {
        state.withLock { state in
            guard state.isRunning else { return }
            for change in transaction.changedRows where change.row <= state.last { state.add(change.difference, to: change.pool) }
            guard let counted = transaction.counted else { return }
            for (pool, totals) in counted.totals { state.add(totals, to: pool) }
            if let last = counted.last { state.last = last } else { state.isRunning = false }
        }
    }

    /// Ends the count, after the last replica or before.
    ///
    /// - Returns: By pool, what must be added to the totals so that they agree with the replicas. Totals are only ever added to, so that it may be added
    ///   later, whatever was written in the meantime.
    @discardableResult
    func end() -> [String: TotalsRow] {
        state.withLock { state in
            defer { state = State() }
            return state.missing.filter { $0.value != .nothing }
        }
    }
}
