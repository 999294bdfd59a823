import MirrorCore
import Synchronization

/// Which replica an object belongs to whose key a client asks for, where the mirror serves the objects: the key does not tell the artifact.
///
/// Holds those that clients were redirected to last, in memory alone: a client that asks for a key was redirected to it, mostly just before.
final class ReplicaKeys: Sendable {
    private let ids: Mutex<RecentEntries<Int, ReplicaID>>

    /// - Parameter capacity: Replicas that are held, at most.
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
