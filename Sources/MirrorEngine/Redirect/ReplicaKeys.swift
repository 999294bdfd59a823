import MirrorCore
import Synchronization

/// Which replica an object belongs to whose key a client asks for, where the mirror serves the objects: the key does not tell the artifact.
///
/// Holds those that clients were redirected to last, in memory alone: a client that asks for a key was redirected to it, mostly just before.
final class ReplicaKeys: Sendable {
    /// Two halves, of which the older one is dropped when the newer one is full.
    private struct State {
        var newer: [Int: ReplicaID] = [:]
        var older: [Int: ReplicaID] = [:]
    }

    private let state = Mutex(State())
    private let capacity: Int

    /// - Parameter capacity: Replicas that are held, at most.
    init(capacity: Int = 100_000) {
        self.capacity = capacity
    }

    func remember(_ id: ReplicaID, as key: ObjectKey) {
        let hash = Self.hash(key, id.pool)
        state.withLock { state in
            guard state.newer[hash] == nil else { return }
            if state.newer.count >= capacity / 2 { state = State(older: state.newer) }
            state.newer[hash] = id
        }
    }

    func replica(of key: ObjectKey, in pool: PoolID) -> ReplicaID? {
        let hash = Self.hash(key, pool)
        guard let id = state.withLock({ $0.newer[hash] ?? $0.older[hash] }) else { return nil }
        return id.pool == pool && ObjectKey(id.artifact) == key ? id : nil
    }

    private static func hash(_ key: ObjectKey, _ pool: PoolID) -> Int {
        var hasher = Hasher()
        hasher.combine(key)
        hasher.combine(pool)
        return hasher.finalize()
    }
}
