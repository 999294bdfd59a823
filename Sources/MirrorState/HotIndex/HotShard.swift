import MirrorCore
import Synchronization

/// A part of ``HotMemory``: the records of some replicas under one lock.
final class HotShard: Sendable {
    /// How many targets of one replica are remembered: anybody can spell a replica's target in thousands of ways.
    private static let maxTargets = 16

    /// The result of remembering a replica.
    enum Outcome {
        case remembered
        /// Something has been invalidated since the epoch, or the record is too large.
        case outdated
        /// A different object is remembered under the name.
        case contradicted
    }

    /// The low bits of a record's number in ``TargetHints``: its number in the shard's ring. The shard's number is above them.
    static let ringBits = 26

    private let ring: Mutex<HotRing>
    private let hints: TargetHints
    private let place: UInt32
    private let invalidations = Atomic<UInt64>(0)

    /// - Parameter number: Below 64.
    init(bytes: Int, hints: TargetHints, number: Int) {
        ring = Mutex(HotRing(bytes: min(bytes, 8 << Self.ringBits)))
        self.hints = hints
        place = UInt32(number) << Self.ringBits
    }

    var count: Int { ring.withLock { $0.count } }
    /// The bytes of the records.
    var bytes: Int { ring.withLock { $0.bytes } }
    var allocatedBytes: Int { ring.withLock { $0.allocatedBytes } }
    var longestChain: Int { ring.withLock { $0.longestChain } }

    /// Counts invalidations: anything that was read in an earlier epoch may be out of date.
    var epoch: UInt64 { invalidations.load(ordering: .acquiring) }

    /// - Parameter objectKey: Called only if the replica is remembered.
    func object(_ key: HotKey, _ objectKey: () -> ObjectKey) -> StoredObject? {
        ring.withLock { ring in
            ring.newest(key).map { record in
                record.visit()
                return record.object(objectKey())
            }
        }
    }

    /// - Parameter answer: The answer for one target, with the target's hash; `nil` remembers only the replica.
    func remember(_ key: HotKey, _ object: StoredObject, _ answer: (HotAnswer, hash: UInt32)? = nil, readIn epoch: UInt64) -> Outcome {
        ring.withLock { ring in
            guard self.epoch == epoch else { return .outdated }
            var object = object
            if let known = ring.newest(key)?.object(object.key) {
                guard known.hasSameBytes(as: object) else { return .contradicted }
                object.lastUsed = max(known.lastUsed, object.lastUsed)
                object.representation = object.representation ?? known.representation
                ring.setLastUsed(key, object.lastUsed)
                if answer == nil { return .remembered }
            }
            guard let content = HotRecord.Content(key, object, answer?.0, hash: answer?.hash ?? 0) else { return .outdated }
            if let answer { ring.replaced(key, by: answer.0, most: Self.maxTargets - 1).forEach { ring.remove($0, moved) } }
            guard let number = ring.append(content, moved) else { return .outdated }
            if let answer { hints.insert(answer.hash, place | number) }
            return .remembered
        }
    }

    /// Calls `body` with the record of a target.
    ///
    /// - Parameter isThere: Whether the hint that led here is still valid; called under the lock. If so, it leads to a record.
    /// - Returns: Whether there is one, and `body` used it.
    func find(
        _ number: UInt32, _ target: UnsafeRawBufferPointer, _ variant: UInt32, isThere: () -> Bool, _ body: (HotRecord) -> Bool
    ) -> Bool {
        ring.withLock { ring in
            guard isThere(), let record = ring.record(number), record.answers(target, variant), body(record) else { return false }
            record.visit()
            return true
        }
    }

    /// Moves `lastUsed` forward, if the replica is remembered.
    func touch(_ key: HotKey, at time: Timestamp, now: Timestamp) {
        ring.withLock { ring in
            guard let record = ring.newest(key) else { return }
            // A time in the future is from before the clock was set back.
            ring.setLastUsed(key, max(min(record.lastUsed, now), time))
        }
    }

    /// Adds the pool's header fields to an object, if it is remembered.
    func describe(_ key: HotKey, _ object: StoredObject) {
        ring.withLock { ring in
            guard var known = ring.newest(key)?.object(object.key), known.isSameObject(as: object) else { return }
            known.representation = object.representation
            guard let content = HotRecord.Content(key, known) else { return }
            // Only the newest record is read; those with a target stay behind it.
            for number in ring.numbers(key) where ring.record(number)?.hasTarget == false { ring.remove(number, moved) }
            _ = ring.append(content, moved)
        }
    }

    /// - Returns: Whether it was remembered.
    @discardableResult
    func forget(_ key: HotKey) -> Bool {
        ring.withLock { ring in
            invalidations.add(1, ordering: .acquiringAndReleasing)
            let numbers = ring.numbers(key)
            for number in numbers { ring.remove(number, moved) }
            return !numbers.isEmpty
        }
    }

    func forgetAll() {
        ring.withLock { ring in
            invalidations.add(1, ordering: .acquiringAndReleasing)
            ring.removeAll(moved)
        }
    }

    private func moved(_ hash: UInt32, _ record: UInt32, _ new: UInt32) {
        hints.replace(hash, place | record, by: new == 0 ? 0 : place | new)
    }
}

extension HotRecord {
    /// Writes only if needed: a hit changes at most one byte.
    fileprivate func visit() { if !isVisited { isVisited = true } }
}

extension HotRing {
    /// The newest record of a replica.
    fileprivate func newest(_ key: HotKey) -> HotRecord? {
        var found: HotRecord?
        forEach(key) { record, _ in
            found = record
            return false
        }
        return found
    }

    fileprivate func numbers(_ key: HotKey) -> [UInt32] {
        var numbers: [UInt32] = []
        forEach(key) { _, number in
            numbers.append(number)
            return true
        }
        return numbers
    }

    /// The records that one for this answer replaces: those without an answer, the previous one for the target, and the oldest of too many.
    fileprivate func replaced(_ key: HotKey, by answer: HotAnswer, most: Int) -> [UInt32] {
        var (numbers, kept): ([UInt32], Int) = ([], 0)
        answer.target.withUnsafeBytes { target in
            forEach(key) { record, number in
                if !record.hasTarget || record.answers(target, answer.variant) || kept == most { numbers.append(number) } else { kept += 1 }
                return true
            }
        }
        return numbers
    }

    fileprivate func setLastUsed(_ key: HotKey, _ time: Timestamp) {
        forEach(key) { record, _ in
            record.lastUsed = time
            return true
        }
    }
}

extension StoredObject {
    /// Whether the other one has the same key and bytes; times are ignored.
    func hasSameBytes(as other: StoredObject) -> Bool {
        key == other.key && size == other.size && sha256 == other.sha256
    }
}
