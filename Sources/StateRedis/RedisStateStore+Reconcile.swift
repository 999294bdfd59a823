import Logging
package import MirrorCore
package import MirrorState
import RedisClient

extension RedisStateStore {
    /// Replicas that one script counts: that takes some tenths of a millisecond.
    private static let countedAtOnce: Int64 = 500

    /// Recounts the bytes of a pool, and drops the counts of replicas that are gone and consumers that are long gone.
    ///
    /// It is correct even while others change or count the pool. ``leastRecentlyUsed(in:after:limit:)`` calls it now and then.
    ///
    /// - Returns: By how much the bytes were wrong: not because of evictions, but where there should never be a difference.
    @discardableResult
    package func reconcile(_ pool: PoolID) async throws(StateError) -> Int64 {
        while true {
            let values = try await run(.reconcile, in: pool, [], [.integer(Self.countedAtOnce)]).array ?? []
            guard values.count == 2, let isLast = values[0].integer, let wrong = Self.milliseconds(values[1]) else {
                throw .unexpected("reconcile")
            }
            guard isLast == 1 else { continue }
            if wrong != 0 {
                logger.warning(
                    "the bytes of a pool were wrong in Redis and were counted again",
                    metadata: ["pool": "\(pool)", "by": .stringConvertible(wrong)])
            }
            return wrong
        }
    }
}
