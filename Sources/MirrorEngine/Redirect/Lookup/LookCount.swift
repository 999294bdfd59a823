import MirrorCore
import Synchronization

/// Limits the number of lookups that run in each pool, whether anybody still waits for them or not.
final class LookCount: Sendable {
    private let limit: Int
    private let counts = Mutex<[PoolID: Int]>([:])

    init(limit: Int) {
        self.limit = limit
    }

    /// - Returns: Whether one more may begin; if so, ``end(in:)`` must follow.
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
