package import Logging
import MirrorCore
package import MirrorState
import Synchronization

/// Keeps pools within `maxBytes`: a copy reserves its bytes first, and the least recently used replicas go until there is room.
///
/// Copies of other processes are seen once they are present; a pool may be exceeded by what they have under way.
package final class PoolSpace: Sendable {
    private let state: any StateStore
    private let remover: ReplicaRemover
    private let metrics: EngineMetrics
    private let logger: Logger
    /// Sums of what origins, pools and the state say: 128 bits, because those of 64 could be too small.
    private let reserved = Mutex<[PoolID: Int128]>([:])

    package init(state: any StateStore, remover: ReplicaRemover, metrics: EngineMetrics, logger: Logger) {
        self.state = state
        self.remover = remover
        self.metrics = metrics
        self.logger = logger
    }

    /// Bytes that a copy under way holds; given back by ``release()``.
    struct Reservation: Sendable {
        fileprivate let space: PoolSpace
        fileprivate let pool: PoolID
        fileprivate let bytes: Int64

        func release() {
            space.reserved.withLock { $0[pool, default: 0] -= Int128(bytes) }
        }
    }

    /// - Throws: ``CopyError`` when the artifact alone is larger than the pool may be, or when nothing is left that could go.
    func reserve(_ bytes: Int64, in pool: Pool) async throws -> Reservation {
        let reservation = Reservation(space: self, pool: pool.id, bytes: bytes)
        reserved.withLock { $0[pool.id, default: 0] += Int128(bytes) }
        do {
            if let limit = pool.maxBytes { try await makeRoom(bytes, within: limit, of: pool) }
        } catch {
            reservation.release()
            throw error
        }
        return reservation
    }

    /// Removes the least recently used replicas until `bytes` are free again.
    ///
    /// - Returns: How many were removed: none when the pool holds less than that in all, so that one artifact too large for the disk does not
    ///   empty the pool for nothing.
    func evict(_ bytes: Int64, from pool: Pool) async throws -> Int {
        guard try await state.totals(of: pool.id).bytes >= bytes else { return 0 }
        var freed: Int128 = 0
        var count = 0
        while freed < bytes {
            let oldest = try await state.leastRecentlyUsed(in: pool.id, after: nil, limit: 16)
            guard !oldest.isEmpty else { return count }
            for replica in oldest where freed < bytes {
                guard case .present(let object) = replica.status, try await evict(replica.id) else { continue }
                freed += Int128(object.size)
                count += 1
            }
        }
        return count
    }

    private func evict(_ id: ReplicaID) async throws -> Bool {
        guard try await remover.remove(id, unusedSince: nil) else { return false }
        metrics.countOverCap(pool: id.pool)
        logger.info("evicted to make room", metadata: ["replica": "\(id)"])
        return true
    }

    private func makeRoom(_ bytes: Int64, within limit: Int64, of pool: Pool) async throws {
        guard bytes <= limit else {
            throw CopyError(.tooLarge, isTransient: false, "the artifact is larger than its pool may be (maxBytes)")
        }
        while try await isFull(pool.id, limit) {
            let oldest = try await state.leastRecentlyUsed(in: pool.id, after: nil, limit: 16)
            // Where the copies under way alone are too much, nothing that could go would make room for them all.
            guard !oldest.isEmpty, reserved.withLock({ $0[pool.id, default: 0] }) <= limit else {
                throw CopyError(.storage, isTransient: true, "the pool is full with copies under way")
            }
            for replica in oldest {
                guard try await isFull(pool.id, limit) else { return }
                _ = try await evict(replica.id)
            }
        }
    }

    private func isFull(_ pool: PoolID, _ limit: Int64) async throws -> Bool {
        Int128(try await state.totals(of: pool).bytes) + reserved.withLock { $0[pool, default: 0] } > limit
    }
}
