import DequeModule
import MirrorCore
import Synchronization

/// The replicas whose records this process is reading, or has read or claimed, by their hashes: what the servers report about keys contains no URL.
///
/// Bounded in number and bytes. For a replica that was dropped, only the hash can be passed on.
final class KnownReplicas: Sendable {
    fileprivate struct Name: Hashable {
        let hash: String
        let pool: PoolID

        /// An artifact is in few pools.
        func hash(into hasher: inout Hasher) { hasher.combine(hash) }
    }

    fileprivate struct Entry {
        let id: ReplicaID
        /// How many calls wait for an answer about it.
        var calls = 0
        /// Whether it is remembered beyond these calls.
        var isKept = false
    }

    fileprivate struct State {
        var entries: [Name: Entry] = [:]
        /// How many are kept, and the bytes of their names.
        var count = 0
        var bytes = 0
        /// Those that are kept, oldest first.
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
        state.withLock { $0.entries[name, default: Entry(id: id)].calls += 1 }
    }

    /// - Parameter hash: Of the artifact's name.
    /// - Parameter isKept: Whether the replica may be remembered.
    func end(_ id: ReplicaID, hash: String, isKept: Bool) {
        let name = Name(hash: hash, pool: id.pool)
        state.withLock { state in
            state.end(name, isKept: isKept)
            state.drop(maxCount: maxCount, maxBytes: maxBytes)
        }
    }

    func replica(_ hash: String, in pool: PoolID) -> ReplicaID? {
        let name = Name(hash: hash, pool: pool)
        return state.withLock { $0.entries[name]?.id }
    }
}

extension KnownReplicas.State {
    fileprivate mutating func end(_ name: KnownReplicas.Name, isKept: Bool) {
        guard let index = entries.index(forKey: name) else { return }
        entries.values[index].calls -= 1
        let entry = entries.values[index]
        if isKept, !entry.isKept {
            entries.values[index].isKept = true
            order.append(name)
            count += 1
            bytes += entry.id.artifact.description.utf8.count
        } else if entry.calls == 0, !entry.isKept {
            entries.remove(at: index)
        }
    }

    fileprivate mutating func drop(maxCount: Int, maxBytes: Int) {
        while count > maxCount || bytes > maxBytes, let name = order.popFirst() {
            guard let index = entries.index(forKey: name) else { continue }
            entries.values[index].isKept = false
            let entry = entries.values[index]
            count -= 1
            bytes -= entry.id.artifact.description.utf8.count
            if entry.calls == 0 { entries.remove(at: index) }
        }
    }
}
