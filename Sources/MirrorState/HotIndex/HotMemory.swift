import MirrorCore
import Synchronization

/// Present, unmarked replicas in memory, and how requests for them are answered: flat records instead of objects, so that a million fit.
///
/// Its memory grows up to its limit; then unused records are dropped (``HotRing``). A replica that is only requested by name has one record of
/// some 110 bytes. Once a target has been requested for it, that record is replaced by one with the target's bytes. Every other target has its
/// own record.
package final class HotMemory: Sendable {
    /// Enough for a million replicas.
    package static let standardLimit = 256 << 20
    /// The range of limits, in bytes: a hint has 26 bits for a record in each of 64 shards.
    package static let limits = 0...(16 << 30)

    private let shards: [HotShard]
    private let hints: TargetHints
    /// Numbers are never reused. There are no more pools than are configured.
    private let numbers = Mutex<[PoolID: UInt16]>([:])
    private let epochs = Atomic<Int>(0)

    /// - Parameter limit: In bytes, for everything.
    package init(limit: Int) {
        let limit = min(max(limit, Self.limits.lowerBound), Self.limits.upperBound)
        let count = limit >= 64 << 20 ? 64 : limit >= 4 << 20 ? 16 : 1
        // A hint takes 8 bytes and a record 200 to 250, so few sets are full.
        let hints = TargetHints(bytes: limit / 17, parts: count)
        self.hints = hints
        shards = (0..<count).map { HotShard(bytes: (limit - limit / 17) / count, hints: hints, number: $0) }
    }

    /// The number of records.
    package var count: Int { shards.reduce(0) { $0 + $1.count } }
    /// The bytes of the records, without free space.
    package var bytes: Int { shards.reduce(0) { $0 + $1.bytes } }
    /// The bytes allocated from the system, whether written to or not.
    package var allocatedBytes: Int { shards.reduce(hints.allocatedBytes) { $0 + $1.allocatedBytes } }

    /// For tests: the most records that one lookup of a replica passes.
    var longestChain: Int { shards.reduce(0) { max($0, $1.longestChain) } }

    // MARK: By replica

    /// - Returns: `nil` if there are too many pools.
    func key(_ id: ReplicaID) -> HotKey? {
        number(of: id.pool).map { HotKey(name: id.artifact.nameHashWords, pool: $0) }
    }

    /// - Parameter hash: Of the artifact's name, in hexadecimal digits.
    func key(_ hash: String, in pool: PoolID) -> HotKey? {
        guard let bytes = Hex.decode(hash), bytes.count == MemoryLayout<SIMD4<UInt64>>.size else { return nil }
        return number(of: pool).map { HotKey(name: bytes.withUnsafeBytes { $0.loadUnaligned(as: SIMD4<UInt64>.self) }, pool: $0) }
    }

    private func number(of pool: PoolID) -> UInt16? {
        numbers.withLock { numbers in
            if let known = numbers[pool] { return known }
            guard let number = UInt16(exactly: numbers.count) else { return nil }
            numbers[pool] = number
            return number
        }
    }

    func place(of key: HotKey) -> Int { Int(key.hash & UInt64(shards.count - 1)) }

    func shard(_ key: HotKey) -> HotShard { shards[place(of: key)] }

    func epoch(in place: Int) -> UInt64 { shards[place].epoch }

    func forgetAll() { for shard in shards { shard.forgetAll() } }

    // MARK: By target

    /// A new number for the settings that answers are made with from now on. No answer that is remembered here has it yet.
    package func beginEpoch() -> Int {
        let (_, epoch) = epochs.add(1, ordering: .acquiringAndReleasing)
        // Records keep sixteen bits of it.
        if UInt16(truncatingIfNeeded: epoch) == 0 { forgetAll() }
        return epoch
    }

    /// The hash of a target's bytes, including its prefix; the hashes of its variants are derived from it. Keyed by the process's random seed, so
    /// that nobody can prepare targets that collide.
    package struct TargetHash {
        private let hasher: Hasher

        package init(_ target: UnsafeRawBufferPointer) {
            var hasher = Hasher()
            hasher.combine(bytes: target)
            self.hasher = hasher
        }

        func value(_ variant: UInt32) -> UInt32 {
            var hasher = hasher
            hasher.combine(variant)
            return UInt32(truncatingIfNeeded: hasher.finalize())
        }
    }

    /// Calls `body` with the record for a target, under its shard's lock. Targets are compared byte by byte; `body` compares prefixes.
    ///
    /// - Parameter body: Must be quick, and must not use this memory. Returns whether it used the record.
    /// - Returns: Whether there was a record, and `body` used it.
    package func find(
        _ target: UnsafeRawBufferPointer, _ hash: TargetHash, variant: UInt32, _ body: (HotRecord) -> Bool
    ) -> Bool {
        let hash = hash.value(variant)
        let number = hints.find(hash)
        guard number > 0 else { return false }
        let (place, record) = (Int(number >> HotShard.ringBits), number & (1 << HotShard.ringBits - 1))
        // The record may be gone by now, and another one may begin anywhere in its space.
        return shards[place].find(record, target, variant, isThere: { hints.find(hash) == number }, body)
    }

    func remember(_ key: HotKey, _ object: StoredObject, _ answer: HotAnswer, readIn epoch: UInt64) -> HotShard.Outcome {
        let hash = (answer.prefix + answer.target).withUnsafeBytes { TargetHash($0).value(answer.variant) }
        return shard(key).remember(key, object, (answer, hash), readIn: epoch)
    }
}
