import Logging
import MirrorCore
import MirrorState
import Synchronization

/// Takes replicas out of full pools, the least recently used first, and none that a reader may be on the way to (decision 0016).
///
/// A replica is marked first: from then on nobody is redirected to it without the mark being cleared. Once the grace is over it is on standby: it is
/// deleted when its bytes are needed, and not before. What was used within the grace, or within a minute, is not marked.
final class Evictor: Sendable {
    static let page = 100

    /// What was marked in a pool, as far as this process knows.
    private struct Marked {
        /// The last one in the order of use: those before it are marked.
        var last: Replica?
        var bytes: Int128 = 0
    }

    private let state: any StateStore
    private let remover: ReplicaRemover
    private let uses: UseRecorder
    private let metrics: EngineMetrics
    private let logger: Logger
    private let marked = Mutex<[PoolID: Marked]>([:])
    /// One pass over a pool at a time.
    private let passes = KeyedLock<PoolID>()

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

    /// Whether so many bytes are on standby.
    func has(_ bytes: Int128, in pool: Pool) async throws -> Bool {
        try await standby(bytes, in: pool).bytes >= bytes
    }

    /// Deletes what is on standby until `missing` says that no bytes have to go any more, or nothing is left.
    ///
    /// - Parameter missing: Asked again after each pass, since others free room and take it, too.
    func free(in pool: Pool, until missing: @Sendable () async throws -> Int128) async throws {
        try await passes.withLock(pool.id) {
            while true {
                let bytes = try await missing()
                guard bytes > 0 else { return }
                let found = try await standby(bytes, in: pool)
                guard try await remove(found.replicas, in: pool) > 0 else { return }
            }
        }
    }

    /// - Returns: Bytes that were freed.
    private func remove(_ replicas: [Standby], in pool: Pool) async throws -> Int128 {
        guard !replicas.isEmpty else { return 0 }
        let removed = Set(try await remover.remove(replicas.map { ($0.id, $0.markedAt) }, in: pool))
        var freed: Int128 = 0
        for replica in replicas where removed.contains(replica.id) {
            freed += replica.bytes
            metrics.countOverCap(pool: pool.id)
            logger.info("evicted to make room", metadata: ["replica": "\(replica.id)"])
        }
        marked.withLock { marked in
            if let known = marked[pool.id] { marked[pool.id]?.bytes = max(known.bytes - freed, 0) }
        }
        return freed
    }

    private struct Standby {
        let id: ReplicaID
        let markedAt: Timestamp
        let bytes: Int128
    }

    /// The first of those on standby that have so many bytes together, or all of them.
    private func standby(_ bytes: Int128, in pool: Pool) async throws -> (replicas: [Standby], bytes: Int128) {
        var found: [Standby] = []
        var sum: Int128 = 0
        var last: Replica?
        // The clock of this node may be another than the one that marks are of.
        let now = try await state.time(in: pool.id)
        while true {
            let replicas = try await state.leastRecentlyUsed(in: pool.id, after: last, limit: Self.page)
            let before = found.count
            for replica in replicas {
                guard case .present(let object) = replica.status, let markedAt = object.markedAt, markedAt + pool.grace <= now
                else { continue }
                found.append(Standby(id: replica.id, markedAt: markedAt, bytes: Int128(object.size)))
                sum += Int128(object.size)
                if sum >= bytes { return (found, sum) }
            }
            // They were marked in the order of their use: behind a page without any there are hardly more.
            guard found.count > before, replicas.count == Self.page else { return (found, sum) }
            last = replicas.last
        }
    }

    // MARK: Marking

    /// Sees to it that so many bytes are marked, as far as there are replicas that were not used lately.
    func mark(_ bytes: Int128, in pool: Pool) async throws {
        guard marked.withLock({ $0[pool.id]?.bytes ?? 0 }) < bytes else { return }
        await uses.flush()
        try await passes.withLock(pool.id) {
            // Whoever was used after this may have a use that is not written yet.
            let unusedSince = try await state.time(in: pool.id) - pool.quietTime - uses.coarseness
            while true {
                let known = marked.withLock { $0[pool.id] ?? Marked() }
                let replicas = try await state.leastRecentlyUsed(in: pool.id, after: known.last, limit: Self.page)
                let next = Self.next(replicas, bytes, known, unusedSince: unusedSince)
                marked.withLock { $0[pool.id] = next.marked }
                if !next.unmarked.isEmpty { _ = try await state.mark(next.unmarked, unusedSince: unusedSince) }
                guard next.isWholePage, replicas.count == Self.page else { return }
            }
        }
    }

    /// How far a page of replicas is to be marked.
    private static func next(
        _ replicas: [Replica], _ bytes: Int128, _ known: Marked, unusedSince: Timestamp
    ) -> (marked: Marked, unmarked: [ReplicaID], isWholePage: Bool) {
        var marked = known
        var unmarked: [ReplicaID] = []
        for replica in replicas {
            guard marked.bytes < bytes, case .present(let object) = replica.status, object.lastUsed <= unusedSince else {
                return (marked, unmarked, false)
            }
            marked.last = replica
            marked.bytes += Int128(object.size)
            if object.markedAt == nil { unmarked.append(replica.id) }
        }
        return (marked, unmarked, true)
    }

    /// Counts anew what is marked: other processes mark and delete, and whoever was used again is marked no more.
    func recount(_ pool: Pool) { marked.withLock { $0[pool.id] = nil } }
}
