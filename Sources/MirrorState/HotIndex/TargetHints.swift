import MirrorSystem
import Synchronization

/// Where the record of a target may be: a record's number for each hash of a target, in sets of eight.
///
/// These are only hints: the caller compares the target's bytes with those of the record. If a set is full, a new hint replaces another,
/// whose record can then be found only by its replica.
final class TargetHints: Sendable {
    private let parts: [Part]

    /// - Parameter bytes: Approximately how much memory they may take.
    init(bytes: Int, parts count: Int) {
        parts = (0..<count).map { _ in Part(bytes: bytes / count) }
    }

    /// The number of a record, or 0.
    func find(_ hash: UInt32) -> UInt32 { part(hash).slots.withLock { $0.find(hash) } }

    func insert(_ hash: UInt32, _ record: UInt32) { part(hash).slots.withLock { $0.insert(hash, record) } }

    /// The record has moved, or is gone (0). A hint to another record stays.
    func replace(_ hash: UInt32, _ record: UInt32, by new: UInt32) { part(hash).slots.withLock { $0.replace(hash, record, by: new) } }

    var allocatedBytes: Int { parts.reduce(0) { $0 + $1.slots.withLock { $0.allocatedBytes } } }

    private func part(_ hash: UInt32) -> Part { parts[Int(hash) & (parts.count - 1)] }

    private final class Part: Sendable {
        let slots: Mutex<Slots>

        init(bytes: Int) {
            slots = Mutex(Slots(bytes: bytes))
        }
    }

    /// Each slot holds a hash above a record's number; 0 is empty.
    private struct Slots: ~Copyable, Sendable {
        private static let setLength = 8

        private let memory: ZeroedMemory
        private let sets: Int

        init(bytes: Int) {
            let sets = bytes / (Self.setLength * MemoryLayout<UInt64>.size)
            memory = ZeroedMemory(bytes: sets * Self.setLength * MemoryLayout<UInt64>.size)
            self.sets = memory.start == nil ? 0 : sets
        }

        var allocatedBytes: Int { memory.allocatedBytes }

        /// The low bits select the part, the high ones the set.
        private func set(_ hash: UInt32) -> UnsafeMutablePointer<UInt64>? {
            let set = Int((UInt64(hash) * UInt64(sets)) >> 32)
            return memory.start.map { $0.assumingMemoryBound(to: UInt64.self) + set * Self.setLength }
        }

        func find(_ hash: UInt32) -> UInt32 {
            guard let set = set(hash) else { return 0 }
            for index in 0..<Self.setLength where UInt32(set[index] >> 32) == hash { return UInt32(truncatingIfNeeded: set[index]) }
            return 0
        }

        mutating func insert(_ hash: UInt32, _ record: UInt32) {
            guard let set = set(hash) else { return }
            var place = Int(record) & (Self.setLength - 1)
            for index in 0..<Self.setLength where set[index] == 0 { place = index }
            for index in 0..<Self.setLength where set[index] != 0 && UInt32(set[index] >> 32) == hash { place = index }
            set[place] = UInt64(hash) << 32 | UInt64(record)
        }

        mutating func replace(_ hash: UInt32, _ record: UInt32, by new: UInt32) {
            guard let set = set(hash) else { return }
            for index in 0..<Self.setLength where set[index] == UInt64(hash) << 32 | UInt64(record) {
                set[index] = new == 0 ? 0 : UInt64(hash) << 32 | UInt64(new)
            }
        }
    }
}
