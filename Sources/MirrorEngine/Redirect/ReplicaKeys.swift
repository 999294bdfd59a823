import MirrorCore
import Synchronization

/// Finds the replica that an object key belongs to, for pools whose objects the mirror serves: a key does not contain the artifact's name.
///
/// Holds the replicas that clients were redirected to most recently, in memory only: a client that asks for a key has usually just been redirected to
/// it.
final class ReplicaKeys: Sendable {
    private let ids: Mutex<RecentEntries<Int, ReplicaID>>

    /// - Parameter capacity: The maximum number of replicas.
    init(capacity: Int = 100_000) {
        ids = Mutex(RecentEntries(capacity: capacity))
    }

    func remember(_ id: ReplicaID, as key: ObjectKey) {
        let hash = Self.hash(key, id.pool)
        ids.withLock { $0.insert(id, for: hash) }
    }

    func replica(of key: ObjectKey, in pool: PoolID) -> ReplicaID? {
        let hash = Self.hash(key, pool)
        guard let id = ids.withLock({ $0[hash] }) else { return nil }
        return id.pool == pool && ObjectKey(id.artifact) == key ? id : nil
    }

    private static func hash(_ key: ObjectKey, _ pool: PoolID) -> Int {
        var hasher = Hasher()
        hasher.combine(key)
        hasher.combine(pool)
        return hasher.finalize()
    }
}
