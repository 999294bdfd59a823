import MirrorCore
import Synchronization

/// Present, unmarked replicas in memory, and how requests for them are answered: flat records instead of objects, so that a million fit.
///
/// Takes memory as it is filled, up to its limit; then who is not asked for goes (``HotRing``). A replica of which only the name is asked for has one
/// record of some 110 bytes, and one whose target has been asked for has one with the target's bytes instead. Every other way to ask
/// has a record of its own.
package final class HotMemory: Sendable {
    /// Enough for a million replicas.
    package static let standardLimit = 256 << 20
    /// What a limit may be: hints have 26 bits for a record in each of 64 shards.
    package static let limits = 0...(16 << 30)

    private let shards: [HotShard]
    private let hints: TargetHints
    /// Numbers are for good. There are no more pools than are configured.
    private let numbers = Mutex<[PoolID: UInt16]>([:])
    private let epochs = Atomic<Int>(0)

    /// - Parameter limit: Bytes, all included.
    package init(limit: Int) {
        let limit = min(max(limit, Self.limits.lowerBound), Self.limits.upperBound)
        let count = limit >= 64 << 20 ? 64 : limit >= 4 << 20 ? 16 : 1
        // A hint has 8 bytes, and records have 200 to 250: few sets are full.
        let hints = TargetHints(bytes: limit / 17, parts: count)
        self.hints = hints
        shards = (0..<count).map { HotShard(bytes: (limit - limit / 17) / count, hints: hints, number: $0) }
    }

    /// Records.
    package var count: Int { shards.reduce(0) { $0 + $1.count } }
    /// Of the records, without the room that was left by others.
    package var bytes: Int { shards.reduce(0) { $0 + $1.bytes } }
    /// What was asked of the system, whether it was written to or not.
    package var allocatedBytes: Int { shards.reduce(hints.allocatedBytes) { $0 + $1.allocatedBytes } }

    // MARK: By replica

    /// - Returns: `nil` when there are too many pools.
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

    /// A number for the settings that answers are made by from now on, which no answer has yet that is remembered here, whoever remembers them.
    package func beginEpoch() -> Int {
        let (_, epoch) = epochs.add(1, ordering: .acquiringAndReleasing)
        // Records have sixteen bits of it.
        if UInt16(truncatingIfNeeded: epoch) == 0 { forgetAll() }
        return epoch
    }

    /// The hash of a target's bytes, with those of its prefix, from which that of each of its variants is made: keyed by the process's random seed, so that nobody can prepare
    /// targets that collide.
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

    /// Calls `body` with the record for a target, under its shard's lock. Targets are compared byte by byte; prefixes are for `body` to compare.
    ///
    /// - Parameter body: Must be quick, and not use this. Says whether the record was of use.
    /// - Returns: Whether there was one, and of use.
    package func find(
        _ target: UnsafeRawBufferPointer, _ hash: TargetHash, variant: UInt32, _ body: (HotRecord) -> Bool
    ) -> Bool {
        let hash = hash.value(variant)
        let number = hints.find(hash)
        guard number > 0 else { return false }
        let (place, record) = (Int(number >> HotShard.ringBits), number & (1 << HotShard.ringBits - 1))
        // The record may be gone by now, and another one begin anywhere in its room.
        return shards[place].find(record, target, variant, isThere: { hints.find(hash) == number }, body)
    }

    func remember(_ key: HotKey, _ object: StoredObject, _ answer: HotAnswer, readIn epoch: UInt64) -> HotShard.Outcome {
        let hash = (answer.prefix + answer.target).withUnsafeBytes { TargetHash($0).value(answer.variant) }
        return shard(key).remember(key, object, (answer, hash), readIn: epoch)
    }
}
