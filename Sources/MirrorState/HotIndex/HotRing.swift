import MirrorSystem

/// Records one after the other in a ring of bytes: a new one takes the space of the oldest.
///
/// CLOCK: if the oldest record was used since the hand last passed it, it moves to the front instead, so that unused records are dropped. There is
/// no list to maintain, no gap to fill, and a record may have any length. The space of a dead record is freed when the hand passes it.
///
/// The records of a replica are in one chain, which begins at the bucket of its key.
struct HotRing: ~Copyable, Sendable {
    /// How many records may move to the front for a new one. The next is dropped, used or not, so that making space takes a bounded time.
    private static let maxSpared = 16
    /// The average number of ring bytes per bucket.
    private static let bytesPerBucket = 192

    /// Called when the record of a target's hash gets another number, or none (0).
    typealias Moved = (_ hash: UInt32, _ record: UInt32, _ new: UInt32) -> Void

    private let memory: ZeroedMemory
    private let capacity: Int
    private let buckets: Int
    /// Where the next record goes, where the oldest one is, and the bytes between them, live or dead.
    private var (head, tail, used) = (0, 0, 0)
    private(set) var count = 0
    /// The bytes of live records.
    private(set) var bytes = 0

    /// - Parameter bytes: The maximum memory.
    init(bytes: Int) {
        let buckets = max(1, bytes / (Self.bytesPerBucket + MemoryLayout<UInt32>.size))
        let capacity = max(0, bytes - buckets * MemoryLayout<UInt32>.size) & ~7
        memory = ZeroedMemory(bytes: capacity > 0 ? capacity + buckets * MemoryLayout<UInt32>.size : 0)
        self.capacity = memory.start == nil ? 0 : capacity
        self.buckets = buckets
    }

    var allocatedBytes: Int { memory.allocatedBytes }

    /// For tests: the most records that one lookup passes.
    var longestChain: Int {
        guard let start = memory.start else { return 0 }
        return (0..<buckets).reduce(0) { longest, bucket in
            var (number, length) = ((start + capacity + bucket * MemoryLayout<UInt32>.size).load(as: UInt32.self), 0)
            while let record = record(number) { (number, length) = (record.link.load(as: UInt32.self), length + 1) }
            return max(longest, length)
        }
    }

    /// - Parameter number: Not 0.
    func record(_ number: UInt32) -> HotRecord? {
        let offset = (Int(number) - 1) << 3
        guard let start = memory.start, number > 0, offset < capacity else { return nil }
        return HotRecord(start + offset)
    }

    /// Calls `body` with each record of a replica until it returns `false`.
    func forEach(_ key: HotKey, _ body: (HotRecord, _ number: UInt32) -> Bool) {
        guard let place = bucket(of: key) else { return }
        var number = place.load(as: UInt32.self)
        while let record = record(number) {
            let next = record.link.load(as: UInt32.self)
            if record.key == key, !body(record, number) { return }
            number = next
        }
    }

    /// - Returns: The number of the new record; `nil` if it is too large for the ring.
    mutating func append(_ content: HotRecord.Content, _ moved: Moved) -> UInt32? {
        let length = content.length
        guard length <= min(capacity / 4, Int(UInt16.max) << 3), let bucket = bucket(of: content.key) else { return nil }
        var spared = 0
        while !hasRoom(length) { dropOldest(&spared, moved) }
        let number = UInt32(head >> 3) + 1
        guard let record = record(number) else { return nil }
        record.write(content)
        record.link.storeBytes(of: bucket.load(as: UInt32.self), as: UInt32.self)
        bucket.storeBytes(of: number, as: UInt32.self)
        take(length)
        count += 1
        bytes += length
        return number
    }

    mutating func remove(_ number: UInt32, _ moved: Moved) {
        guard let record = record(number), record.isLive else { return }
        let (offset, length) = ((Int(number) - 1) << 3, record.length)
        die(record, number, moved)
        // The space of the newest record can be reused at once.
        guard offset + length == head, used >= length else { return }
        head = offset
        used -= length
    }

    mutating func removeAll(_ moved: Moved) {
        while used > 0 {
            guard let record = record(UInt32(tail >> 3) + 1) else { return }
            if record.isLive { die(record, UInt32(tail >> 3) + 1, moved) }
            release(record.length)
        }
    }

    // MARK: -

    private func bucket(of key: HotKey) -> UnsafeMutableRawPointer? {
        memory.start.map { $0 + capacity + Int(((key.hash >> 32) * UInt64(buckets)) >> 32) * MemoryLayout<UInt32>.size }
    }

    /// Where the number of a record is stored: in its bucket or in another record.
    private func reference(to number: UInt32, _ key: HotKey) -> UnsafeMutableRawPointer? {
        var place = bucket(of: key)
        while let here = place, here.load(as: UInt32.self) != number { place = record(here.load(as: UInt32.self))?.link }
        return place
    }

    /// Whether this many bytes are free at the head. If the end of the ring has too few, the head moves to the beginning.
    private mutating func hasRoom(_ length: Int) -> Bool {
        if used == 0 { (head, tail) = (0, 0) }
        if used == 0 || head > tail {
            guard capacity - head < length else { return true }
            // The rest at the end is skipped.
            record(UInt32(head >> 3) + 1)?.fill(capacity - head)
            take(capacity - head)
        }
        return used < capacity && tail - head >= length
    }

    private mutating func take(_ length: Int) {
        head += length
        if head == capacity { head = 0 }
        used += length
    }

    private mutating func release(_ length: Int) {
        tail += length
        if tail == capacity { tail = 0 }
        used -= length
    }

    private mutating func die(_ record: HotRecord, _ number: UInt32, _ moved: Moved) {
        reference(to: number, record.key)?.storeBytes(of: record.link.load(as: UInt32.self), as: UInt32.self)
        if record.hasTarget { moved(record.targetHash, number, 0) }
        record.die()
        count -= 1
        bytes -= record.length
    }

    private mutating func dropOldest(_ spared: inout Int, _ moved: Moved) {
        let number = UInt32(tail >> 3) + 1
        guard let record = record(number) else { return }
        let length = record.length
        guard record.isLive, record.isVisited, spared < Self.maxSpared, let reference = reference(to: number, record.key) else {
            if record.isLive { die(record, number, moved) }
            return release(length)
        }
        spared += 1
        record.isVisited = false
        let hash = record.hasTarget ? record.targetHash : nil
        release(length)
        // There always is: the record's own space, or as much at the beginning.
        guard hasRoom(length), let place = self.record(UInt32(head >> 3) + 1) else { return die(record, number, moved) }
        let new = UInt32(head >> 3) + 1
        place.move(from: record, length)
        reference.storeBytes(of: new, as: UInt32.self)
        if let hash { moved(hash, number, new) }
        take(length)
    }
}
