import MirrorCore
import Synchronization

/// A part of a ``HotIndex``: present, unmarked replicas under one lock, at most `capacity` of them.
///
/// When it is full, CLOCK (second chance) decides which replica to drop: close to least recently used, at the cost of one bit per lookup.
final class HotShard: Sendable {
    /// Hashes and compares the canonical URL once instead of each of its components.
    struct Key: Hashable {
        let id: ReplicaID

        /// The approximate number of bytes for remembering a replica.
        var cost: Int { id.artifact.description.utf8.count + 512 }

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
        var bytes = 0
        /// Counts invalidations: anything that was read in an earlier epoch may be out of date.
        var epoch: UInt64 = 0

        mutating func replaceOne(by slot: Slot) {
            passReferenced()
            let dropped = slots[hand].key
            positions[dropped] = nil
            positions[slot.key] = hand
            slots[hand] = slot
            bytes += slot.key.cost - dropped.cost
            hand = (hand + 1) % slots.count
        }

        mutating func dropOne() {
            passReferenced()
            drop(at: hand)
            hand = slots.isEmpty ? 0 : (hand + 1) % slots.count
        }

        private mutating func passReferenced() {
            while slots[hand].isReferenced {
                slots[hand].isReferenced = false
                hand = (hand + 1) % slots.count
            }
        }

        mutating func drop(at position: Int) {
            let dropped = slots[position].key
            positions[dropped] = nil
            bytes -= dropped.cost
            // The last one moves into the gap: slots have none.
            let last = slots.removeLast()
            if position < slots.count {
                slots[position] = last
                positions[last.key] = position
            }
            if hand >= slots.count { hand = 0 }
        }
    }

    /// The result of remembering a replica.
    enum Outcome {
        case remembered
        /// Something has been invalidated since the epoch.
        case outdated
        /// A different object is remembered under the name.
        case contradicted
    }

    /// The average if all of them are remembered; names can be many times as long.
    private static let bytesPerReplica = 1_024

    private let capacity: Int
    private let maxBytes: Int
    private let state = Mutex(State())

    init(capacity: Int) {
        self.capacity = max(1, capacity)
        maxBytes = max(64 << 10, self.capacity * Self.bytesPerReplica)
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
            if state.slots.isEmpty || (state.slots.count < capacity && state.bytes + key.cost <= maxBytes) {
                state.positions[key] = state.slots.count
                state.slots.append(slot)
                state.bytes += key.cost
            } else {
                state.replaceOne(by: slot)
                while state.bytes > maxBytes, state.slots.count > 1 { state.dropOne() }
            }
            return .remembered
        }
    }

    /// Moves `lastUsed` forward, if the replica is remembered.
    func touch(_ key: Key, at time: Timestamp, now: Timestamp) {
        state.withLock { state in
            guard let position = state.positions[key] else { return }
            // What lies in the future was remembered before the clock was put back.
            let known = min(state.slots[position].object.lastUsed, now)
            state.slots[position].object.lastUsed = max(known, time)
        }
    }

    /// Adds the pool's header fields to an object, if it is remembered.
    func describe(_ key: Key, _ object: StoredObject) {
        state.withLock { state in
            guard let position = state.positions[key], state.slots[position].object.isSameObject(as: object) else { return }
            state.slots[position].object.representation = object.representation
        }
    }

    func forget(_ key: Key) {
        state.withLock { state in
            state.epoch += 1
            if let position = state.positions[key] { state.drop(at: position) }
        }
    }

    func forgetAll() {
        state.withLock { state in
            state.epoch += 1
            state.positions.removeAll()
            state.slots.removeAll()
            state.hand = 0
            state.bytes = 0
        }
    }
}

extension StoredObject {
    /// Whether the other one has the same key and bytes; times are ignored.
    func hasSameBytes(as other: StoredObject) -> Bool {
        key == other.key && size == other.size && sha256 == other.sha256
    }
}
