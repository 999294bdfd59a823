import DequeModule
import MirrorCore
import Synchronization

/// The replicas whose records this process is reading or has read, by their hashes: what the servers report about keys contains no URL.
///
/// Bounded in number and bytes. For a replica that was dropped, only the hash can be passed on.
final class KnownReplicas: Sendable {
    fileprivate struct Name: Hashable {
        let hash: String
        let pool: PoolID

    }

    fileprivate struct State {
        /// Replicas whose answer is still to come, and the number of calls that wait for it.
        var asked: [Name: (id: ReplicaID, calls: Int)] = [:]
        var kept: [Name: ReplicaID] = [:]
        var bytes = 0
        /// The names in `kept`, oldest first.
        var order = Deque<Name>()
    }

    private let state = Mutex(State())
    private let maxCount: Int
    private let maxBytes: Int

    init(maxCount: Int = 100_000, maxBytes: Int = 64 << 20) {
        self.maxCount = maxCount
        self.maxBytes = maxBytes
    }

    /// Call it before a replica is read, so that nothing that is reported meanwhile is missed.
    ///
    /// - Parameter hash: Of the artifact's name.
    func begin(_ id: ReplicaID, hash: String) {
        let name = Name(hash: hash, pool: id.pool)
        state.withLock { $0.asked[name, default: (id, 0)].calls += 1 }
    }

    /// - Parameter hash: Of the artifact's name.
    /// - Parameter isKept: Whether the replica may be remembered.
    func end(_ id: ReplicaID, hash: String, isKept: Bool) {
        let name = Name(hash: hash, pool: id.pool)
        state.withLock { state in
            if let asked = state.asked.removeValue(forKey: name), asked.calls > 1 { state.asked[name] = (asked.id, asked.calls - 1) }
            guard isKept, state.kept.updateValue(id, forKey: name) == nil else { return }
            state.order.append(name)
            state.bytes += id.artifact.description.utf8.count
            state.drop(maxCount: maxCount, maxBytes: maxBytes)
        }
    }

    func replica(_ hash: String, in pool: PoolID) -> ReplicaID? {
        let name = Name(hash: hash, pool: pool)
        return state.withLock { $0.kept[name] ?? $0.asked[name]?.id }
    }
}

extension KnownReplicas.State {
    fileprivate mutating func drop(maxCount: Int, maxBytes: Int) {
        while kept.count > maxCount || bytes > maxBytes, let name = order.popFirst() {
            guard let id = kept.removeValue(forKey: name) else { continue }
            bytes -= id.artifact.description.utf8.count
        }
    }
}
