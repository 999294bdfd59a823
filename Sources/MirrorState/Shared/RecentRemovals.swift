import DequeModule
package import MirrorCore
import Synchronization

/// The removals that ended last, for a store that one process changes: what was seen in a pool before one of them may be gone.
///
/// Bounded: of removals that are no longer remembered it says that anything may have been removed by them.
package final class RecentRemovals: Sendable {
    private struct State {
        /// Numbers of the removals that ended last. By hash, because names can be long; two replicas with one hash cost a second look.
        var ended: [Int: Int64] = [:]
        /// Oldest first. What has been removed again since has another number.
        var order = Deque<(hash: Int, number: Int64)>()
        var last: Int64 = 0
        /// Of the newest removal that is no longer remembered.
        var forgotten: Int64 = 0
    }

    private let state = Mutex(State())
    private let capacity: Int

    package init(capacity: Int = 10_000) {
        self.capacity = capacity
    }

    package func moment() -> PoolMoment {
        PoolMoment(number: state.withLock { $0.last })
    }

    /// To be called before others can see that the removal has ended.
    package func note(_ id: ReplicaID) {
        state.withLock { state in
            state.last += 1
            state.ended[id.hashValue] = state.last
            state.order.append((id.hashValue, state.last))
            while state.order.count > capacity, let (hash, number) = state.order.popFirst() {
                state.forgotten = number
                if state.ended[hash] == number { state.ended[hash] = nil }
            }
        }
    }

    /// Whether the replica was not removed since then.
    package func isUntouched(_ id: ReplicaID, since moment: PoolMoment) -> Bool {
        state.withLock { state in
            state.forgotten <= moment.number && state.ended[id.hashValue] ?? 0 <= moment.number
        }
    }
}
