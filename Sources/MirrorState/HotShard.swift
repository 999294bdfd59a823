import MirrorCore
import Synchronization

/// A part of a ``HotIndex``: present, unmarked replicas under one lock, at most `capacity` of them.
///
/// Who is dropped when it is full: CLOCK (second chance), near to least recently used at the price of one bit per look-up.
final class HotShard: Sendable {
    /// Hashes and compares the canonical URL once instead of each of its parts.
    struct Key: Hashable {
        let id: ReplicaID

        static func == (lhs: Key, rhs: Key) -> Bool {
            lhs.id.artifact.description == rhs.id.artifact.description && lhs.id.pool == rhs.id.pool
        }

        func hash(into hasher: inout Hasher) {
            hasher.combine(id.artifact.description)
            hasher.combine(id.pool.region)
        }
    }

    private struct Slot {
        let key: Key
        var object: StoredObject
        var isReferenced: Bool
    }

    private struct State {
        var positions: [Key: Int] = [:]
        var slots: [Slot] = []
        var hand = 0
        /// Counts invalidations: what was read in an earlier epoch may be out of date.
        var epoch: UInt64 = 0
    }

    /// What became of remembering.
    enum Outcome {
        case remembered
        /// Something was invalidated since the epoch.
        case outdated
        /// Another object is remembered under the name.
        case contradicted
    }

    private let capacity: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = max(1, capacity)
    }

    var count: Int { state.withLock { $0.slots.count } }
    var epoch: UInt64 { state.withLock { $0.epoch } }

    func object(_ key: Key) -> StoredObject? {
        state.withLock { state in
            guard let position = state.positions[key] else { return nil }
            state.slots[position].isReferenced = true
            return state.slots[position].object
        }
    }

    func remember(_ key: Key, _ object: StoredObject, readIn epoch: UInt64) -> Outcome {
        state.withLock { state in
            guard state.epoch == epoch else { return .outdated }
            if let position = state.positions[key] {
                guard state.slots[position].object.hasSameBytes(as: object) else { return .contradicted }
                state.slots[position].object.lastUsed = max(state.slots[position].object.lastUsed, object.lastUsed)
                return .remembered
            }
            let slot = Slot(key: key, object: object, isReferenced: false)
            if state.slots.count < capacity {
                state.positions[key] = state.slots.count
                state.slots.append(slot)
            } else {
                while state.slots[state.hand].isReferenced {
                    state.slots[state.hand].isReferenced = false
                    state.hand = (state.hand + 1) % state.slots.count
                }
                state.positions[state.slots[state.hand].key] = nil
                state.positions[key] = state.hand
                state.slots[state.hand] = slot
                state.hand = (state.hand + 1) % state.slots.count
            }
            return .remembered
        }
    }

    /// Moves `lastUsed` forward where the replica is remembered.
    func touch(_ key: Key, at time: Timestamp) {
        state.withLock { state in
            guard let position = state.positions[key] else { return }
            state.slots[position].object.lastUsed = max(state.slots[position].object.lastUsed, time)
        }
    }

    /// Adds what the pool says of an object that is remembered.
    func describe(_ key: Key, _ object: StoredObject) {
        state.withLock { state in
            guard let position = state.positions[key], state.slots[position].object.isSameObject(as: object) else { return }
            state.slots[position].object.representation = object.representation
        }
    }

    func forget(_ key: Key) {
        state.withLock { state in
            state.epoch += 1
            guard let position = state.positions.removeValue(forKey: key) else { return }
            // The last one moves into the gap: slots have none.
            let last = state.slots.removeLast()
            if position < state.slots.count {
                state.slots[position] = last
                state.positions[last.key] = position
            }
            if state.hand >= state.slots.count { state.hand = 0 }
        }
    }

    func forgetAll() {
        state.withLock { state in
            state.epoch += 1
            state.positions.removeAll()
            state.slots.removeAll()
            state.hand = 0
        }
    }
}

extension StoredObject {
    /// Whether the other one has the same key and bytes; times are left aside.
    func hasSameBytes(as other: StoredObject) -> Bool {
        key == other.key && size == other.size && sha256 == other.sha256
    }
}
