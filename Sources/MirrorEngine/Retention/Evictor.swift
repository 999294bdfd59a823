import Logging
import MirrorCore
import MirrorState
import Synchronization

/// Deletes replicas from full pools, the least recently used first, and none that a client may have just been redirected to (decision 0016).
///
/// A replica is marked first: from then on, a redirect to it clears the mark. When the grace has ended, it is on standby: it is deleted when its
/// space is needed, and not before. A replica that was used within the grace, or within a minute, is not marked.
final class Evictor: Sendable {
    static let page = 100

    /// What is marked in a pool, according to this process.
    private struct Marked {
        /// The last marked replica in the order of use; all before it are marked, too.
        var last: Replica?
        var amount = PoolAmount()
        /// Unmarked replicas before ``last`` that are worth more than those that were marked.
        var spared: [Candidate] = []
    }

    /// A replica that may be marked.
    private struct Candidate {
        let id: ReplicaID
        let object: StoredObject
        /// What it is expected to save, in dollars per byte.
        let worth: Double
    }

    /// How many of the least recently used are compared by what they are worth.
    static let sample = 64

    private let state: any StateStore
    private let remover: ReplicaRemover
    private let uses: UseRecorder
    private let metrics: EngineMetrics
    private let logger: Logger
    private let marked = Mutex<[PoolID: Marked]>([:])
    /// Allows one pass over a pool at a time.
    private let passes = FairSemaphore<PoolID>(limit: 1)

    init(
        state: any StateStore, remover: ReplicaRemover, uses: UseRecorder, metrics: EngineMetrics, logger: Logger
    ) {
        self.state = state
        self.remover = remover
        self.uses = uses
        self.metrics = metrics
        self.logger = logger
    }

    // MARK: Deleting

    /// Whether the pool has that much on standby.
    func has(_ amount: PoolAmount, in pool: Pool) async throws -> Bool {
        try await standby(amount, in: pool).amount.covers(amount)
    }

    /// Deletes replicas on standby until `missing` returns nothing, or none are left.
    ///
    /// - Parameter missing: How much must be freed; called again after each pass, because other tasks also free and take room.
    func free(in pool: Pool, until missing: @Sendable () async throws -> PoolAmount) async throws {
        try await passes.withPermit(pool.id) {
            while true {
                let amount = try await missing()
                guard !amount.isNothing else { return }
                let found = try await standby(amount, in: pool)
                guard try await remove(found.replicas, in: pool) else { return }
            }
        }
    }

    /// - Returns: Whether anything was freed.
    private func remove(_ replicas: [Standby], in pool: Pool) async throws -> Bool {
        guard !replicas.isEmpty else { return false }
        let removed = Set(try await remover.remove(replicas.map { ($0.id, $0.markedAt, $0.bytes) }, in: pool))
        var freed = PoolAmount()
        for replica in replicas where removed.contains(replica.id) {
            freed = freed + replica.amount
            metrics.countOverCap(pool: pool.id)
            logger.info("evicted to make room", metadata: ["replica": "\(replica.id)"])
        }
        marked.withLock { marked in
            if let known = marked[pool.id] { marked[pool.id]?.amount = (known.amount - freed).union(PoolAmount()) }
        }
        return freed.replicas > 0
    }

    private struct Standby {
        let id: ReplicaID
        let markedAt: Timestamp
        let bytes: Int64
        let amount: PoolAmount
    }

    /// The first replicas on standby that add up to `amount`, or all of them if there is less.
    private func standby(_ amount: PoolAmount, in pool: Pool) async throws -> (replicas: [Standby], amount: PoolAmount) {
        var found: [Standby] = []
        var sum = PoolAmount()
        var last: Replica?
        // The clock of this node may differ from the one that set the marks.
        let now = try await state.time(in: pool.id)
        while true {
            let replicas = try await state.leastRecentlyUsed(in: pool.id, after: last, limit: Self.page)
            let before = found.count
            for replica in replicas {
                guard case .present(let object) = replica.status, let markedAt = object.markedAt, markedAt + pool.grace <= now
                else { continue }
                found.append(Standby(id: replica.id, markedAt: markedAt, bytes: object.size, amount: .of(object)))
                sum = sum + .of(object)
                if sum.covers(amount) { return (found, sum) }
            }
            // Replicas are marked in the order of their use: after a page without any, there are hardly any more.
            guard found.count > before, replicas.count == Self.page else { return (found, sum) }
            last = replicas.last
        }
    }

    // MARK: Marking

    /// Marks replicas until `amount` is marked, or until only recently used ones are left.
    func mark(_ amount: PoolAmount, in pool: Pool) async throws {
        guard marked.withLock({ !($0[pool.id] ?? Marked()).amount.covers(amount) }) else { return }
        await uses.flush()
        try await passes.withPermit(pool.id) {
            // A replica that was used after this time may have a use that is not written yet.
            let now = try await state.time(in: pool.id)
            let unusedSince = now - pool.quietTime - uses.coarseness
            if try await markLeastWorth(amount, in: pool, unusedSince: unusedSince, at: now) { return }
            while true {
                let known = marked.withLock { $0[pool.id] ?? Marked() }
                let replicas = try await state.leastRecentlyUsed(in: pool.id, after: known.last, limit: Self.page)
                let next = Self.next(replicas, amount, known, unusedSince: unusedSince)
                marked.withLock { $0[pool.id] = next.marked }
                if !next.unmarked.isEmpty { _ = try await state.mark(next.unmarked, unusedSince: unusedSince) }
                guard next.isWholePage, replicas.count == Self.page else { return }
            }
        }
    }

    /// Marks replicas by what they are worth: of the least recently used, again and again the one that is expected to save least for its size.
    ///
    /// - Returns: `false` if the pool's policy does not say what they are worth.
    private func markLeastWorth(_ amount: PoolAmount, in pool: Pool, unusedSince: Timestamp, at now: Timestamp) async throws -> Bool {
        let retention = pool.retention
        guard try await retention.worth(of: [], in: pool, at: now) != nil else { return false }
        var known = marked.withLock { $0[pool.id] ?? Marked() }
        var isAtEnd = false
        while !known.amount.covers(amount) {
            if known.spared.count < Self.sample, !isAtEnd {
                let replicas = try await state.leastRecentlyUsed(in: pool.id, after: known.last, limit: Self.page)
                var found: [(id: ReplicaID, object: StoredObject)] = []
                isAtEnd = replicas.count < Self.page
                for replica in replicas {
                    guard case .present(let object) = replica.status, object.lastUsed <= unusedSince else {
                        isAtEnd = true
                        break
                    }
                    known.last = replica
                    if object.markedAt == nil { found.append((replica.id, object)) } else { known.amount = known.amount + .of(object) }
                }
                let worth = try await retention.worth(of: found, in: pool, at: now) ?? []
                known.spared += zip(found, worth).map { Candidate(id: $0.id, object: $0.object, worth: $1) }
                continue
            }
            // The first of equal ones was not used for the longest time.
            guard let least = known.spared.prefix(Self.sample).indices.min(by: { known.spared[$0].worth < known.spared[$1].worth }) else {
                break
            }
            let candidate = known.spared.remove(at: least)
            // One that was used since it was looked at stays.
            if try await state.mark([candidate.id], unusedSince: unusedSince).isEmpty { continue }
            known.amount = known.amount + .of(candidate.object)
        }
        let reached = known
        marked.withLock { $0[pool.id] = reached }
        return true
    }

    /// How much of a page of replicas must be marked.
    private static func next(
        _ replicas: [Replica], _ amount: PoolAmount, _ known: Marked, unusedSince: Timestamp
    ) -> (marked: Marked, unmarked: [ReplicaID], isWholePage: Bool) {
        var marked = known
        var unmarked: [ReplicaID] = []
        for replica in replicas {
            guard !marked.amount.covers(amount), case .present(let object) = replica.status, object.lastUsed <= unusedSince else {
                return (marked, unmarked, false)
            }
            marked.last = replica
            marked.amount = marked.amount + .of(object)
            if object.markedAt == nil { unmarked.append(replica.id) }
        }
        return (marked, unmarked, true)
    }

    /// Forgets what is known to be marked, so that it is counted again: other processes mark and delete, and a use clears a mark.
    func recount(_ pool: Pool) { marked.withLock { $0[pool.id] = nil } }
}
