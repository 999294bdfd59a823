import MirrorCore
import Synchronization

/// Counts the looks into each pool that have not ended, whether anybody waits for them or not: so many in one pool, and no more.
final class LookCount: Sendable {
    private let limit: Int
    private let counts = Mutex<[PoolID: Int]>([:])

    init(limit: Int) {
        self.limit = limit
    }

    /// - Returns: Whether one more may begin; then ``end(in:)`` is to follow.
    func begin(in pool: PoolID) -> Bool {
        counts.withLock { counts in
            guard counts[pool, default: 0] < limit else { return false }
            counts[pool, default: 0] += 1
            return true
        }
    }

    func end(in pool: PoolID) {
        counts.withLock { $0[pool, default: 0] -= 1 }
    }
}
