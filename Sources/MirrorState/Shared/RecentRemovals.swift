import DequeModule
package import MirrorCore
import Synchronization

/// The most recent removals that have ended, for a store that only one process changes: an object that was seen in a pool before one of them may be gone.
///
/// Bounded: removals that are no longer remembered may have removed anything.
package final class RecentRemovals: Sendable {
    private struct State {
        /// The numbers of the most recent removals. By hash, because names can be long; two replicas with the same hash cost a second lookup.
        var ended: [Int: Int64] = [:]
        /// Oldest first. Replicas that have been removed again since have another number.
        var order = Deque<(hash: Int, number: Int64)>()
        var last: Int64 = 0
        /// The number of the newest removal that is no longer remembered.
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

    /// Call it before others can see that the removal has ended.
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

    /// Whether the replica has not been removed since then.
    package func isUntouched(_ id: ReplicaID, since moment: PoolMoment) -> Bool {
        state.withLock { state in
            state.forgotten <= moment.number && state.ended[id.hashValue] ?? 0 <= moment.number
        }
    }
}
