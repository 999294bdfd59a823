import CoreMetrics
import MirrorCore
package import MirrorState
import NIOCore
import Synchronization

/// Finished answers to hot redirect requests, by the exact bytes of the request's target and, where that names no pool, by the chosen one.
///
/// Filled by the slow path when it has answered a hit, emptied by the ``HotIndex``: an entry is here only while the index would give the
/// same answer, by the settings that hold. Bounded in bytes; when it is full something else goes.
package final class FastPathTable: Sendable {
    final class Entry: Sendable {
        let target: [UInt8]
        let choice: PoolChoice
        /// Up to the value of `Date`.
        let head: [UInt8]
        let body: [UInt8]
        let id: ReplicaID
        let size: Int64
        /// Whether HEAD is answered the same: a signed location works for GET alone.
        let answersHead: Bool
        let hits: Counter
        let egressAvoided: Counter
        /// `nil` for a target that names its pool.
        let choices: Counter?
        /// The answer is given before this time only, because its location ends some time after.
        fileprivate let notAfter: Timestamp
        /// The same by the time that passes: nobody is to get a location that has ended because the time of day was set back.
        fileprivate let end: NIODeadline
        /// Milliseconds; the last use that was handed on to be recorded.
        let lastUsed: Atomic<Int64>

        /// - Parameter now: The time of day, and the time that passes, to which `notAfter` belongs.
        init(
            target: [UInt8], choice: PoolChoice, head: [UInt8], body: [UInt8], id: ReplicaID, size: Int64, answersHead: Bool = true,
            hits: Counter, egressAvoided: Counter, choices: Counter? = nil, notAfter: Timestamp?,
            at now: (time: Timestamp, instant: NIODeadline), lastUsed: Timestamp
        ) {
            self.target = target
            self.choice = choice
            self.head = head
            self.body = body
            self.id = id
            self.size = size
            self.answersHead = answersHead
            self.hits = hits
            self.egressAvoided = egressAvoided
            self.choices = choices
            self.notAfter = notAfter ?? Timestamp(milliseconds: .max)
            end = notAfter.map { now.instant + TimeAmount(now.time.duration(to: $0)) } ?? .distantFuture
            self.lastUsed = Atomic(lastUsed.milliseconds)
        }

        /// About what the entry costs in memory.
        fileprivate var cost: Int { target.count * 2 + head.count + body.count + 512 }
    }

    private struct Index {
        /// Anybody can spell the target of one replica in thousands of ways, each of which comes and goes by itself.
        var hashes: [ReplicaID: Set<Int>] = [:]
        var bytes = 0
        var epoch = 0
    }

    private let shards: [Shard]
    private let index = Mutex(Index())
    private let maxBytes: Int

    /// - Parameter maxBytes: About how much memory the entries may take.
    package init(maxBytes: Int = 32 << 20) {
        self.maxBytes = maxBytes
        shards = (0..<16).map { _ in Shard() }
    }

    package var count: Int { shards.reduce(0) { $0 + $1.entries.withLock { $0.count } } }

    /// What ``find(_:at:choose:)`` has found.
    enum Found {
        case entry(Entry)
        /// Nothing for the pool that was chosen, if one could be.
        case nothing(PoolChoice?)
    }

    /// - Parameter choose: Chooses the pool. Called unless there is an answer to a target that names its pool: such requests do not pay for those
    ///   that name none, and nobody has to read the target.
    func find(
        _ target: UnsafeRawBufferPointer, at now: (time: Timestamp, instant: NIODeadline), choose: () -> PoolChoice?
    ) -> Found {
        let hasher = Self.hasher(target)
        if let entry = find(target, .named, hasher, at: now) { return .entry(entry) }
        guard let choice = choose() else { return .nothing(nil) }
        guard let entry = find(target, choice, hasher, at: now) else { return .nothing(choice) }
        return .entry(entry)
    }

    private func find(
        _ target: UnsafeRawBufferPointer, _ choice: PoolChoice, _ hasher: Hasher, at now: (time: Timestamp, instant: NIODeadline)
    ) -> Entry? {
        let hash = Self.hash(hasher, choice)
        guard let entry = shards[hash & 15].entries.withLock({ $0[hash] }), now.time < entry.notAfter, now.instant < entry.end
        else { return nil }
        // Two targets with one 64-bit keyed hash: next to impossible, and then the slow path answers.
        let isSame = entry.target.withUnsafeBytes { known in
            guard known.count == target.count, entry.choice == choice else { return false }
            for index in 0..<known.count where known[index] != target[index] { return false }
            return true
        }
        return isSame ? entry : nil
    }

    /// Changes with the settings that answers depend on.
    var epoch: Int { index.withLock { $0.epoch } }

    /// Drops everything, and refuses what is made by the settings that held until now.
    func beginEpoch() {
        index.withLock { index in
            index.epoch += 1
            clear(&index)
        }
    }

    /// Adds an entry unless something was invalidated since `token` was taken from `hotIndex`, or settings have changed since `epoch`.
    func insert(_ entry: Entry, token: HotIndex.Token, hotIndex: HotIndex, epoch: Int) {
        let hash = Self.hash(entry.target.withUnsafeBytes(Self.hasher), entry.choice)
        index.withLock { index in
            // Under the lock that `invalidate` takes: see HotIndex.isCurrent.
            guard epoch == index.epoch, hotIndex.isCurrent(token) else { return }
            if let old = remove(hash) { forget(old, hash, &index) }
            while index.bytes + entry.cost > maxBytes, let (oldHash, old) = removeAny() { forget(old, oldHash, &index) }
            guard index.bytes + entry.cost <= maxBytes else { return }
            shards[hash & 15].entries.withLock { $0[hash] = entry }
            index.hashes[entry.id, default: []].insert(hash)
            index.bytes += entry.cost
        }
    }

    package func invalidate(_ invalidation: HotIndex.Invalidation) {
        index.withLock { index in
            switch invalidation {
            case .everything: clear(&index)
            case .replica(let id):
                for hash in index.hashes.removeValue(forKey: id) ?? [] {
                    if let old = remove(hash) { index.bytes -= old.cost }
                }
            }
        }
    }

    private func clear(_ index: inout Index) {
        for shard in shards { shard.entries.withLock { $0 = [:] } }
        index = Index(epoch: index.epoch)
    }

    private func remove(_ hash: Int) -> Entry? {
        shards[hash & 15].entries.withLock { $0.removeValue(forKey: hash) }
    }

    /// Takes an entry that chance chooses: the order of a dictionary is random.
    private func removeAny() -> (Int, Entry)? {
        for shard in shards.shuffled() {
            if let found = shard.entries.withLock({ entries in entries.popFirst().map { ($0.key, $0.value) } }) { return found }
        }
        return nil
    }

    private func forget(_ entry: Entry, _ hash: Int, _ index: inout Index) {
        index.bytes -= entry.cost
        index.hashes[entry.id]?.remove(hash)
        if index.hashes[entry.id]?.isEmpty == true { index.hashes[entry.id] = nil }
    }

    /// Keyed by the process's random seed, so that nobody can prepare targets that collide.
    private static func hasher(_ target: UnsafeRawBufferPointer) -> Hasher {
        var hasher = Hasher()
        hasher.combine(bytes: target)
        return hasher
    }

    private static func hash(_ target: Hasher, _ choice: PoolChoice) -> Int {
        var hasher = target
        if choice != .named { hasher.combine(choice) }
        return hasher.finalize()
    }

    private final class Shard: Sendable {
        let entries = Mutex<[Int: Entry]>([:])
    }
}
