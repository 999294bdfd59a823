import MirrorCore
import MirrorState
import MirrorStorage

/// Finds replicas of an artifact in other pools that the pool's service can copy by itself.
///
/// Marked replicas are skipped, because they may be deleted at any moment; being copied does not count as a use, which would clear the mark.
struct ReplicaSources: Sendable {
    /// A replica to copy.
    struct Source: Sendable {
        let pool: PoolID
        let place: CopySource
        /// As its pool keeps it, with the digest from the state if there is one.
        let metadata: ObjectMetadata
    }

    let pools: PoolTable
    let state: any StateStore
    /// What the bytes cost on their way, at the moment.
    var traffic: @Sendable () -> TrafficPrices = { TrafficPrices() }

    /// The pools whose objects the attempt's pool can copy.
    func pools(for attempt: CopyAttempt) -> [Pool] {
        guard pools.all.count > 1 else { return [] }
        let (key, store) = (ObjectKey(attempt.artifact), attempt.pool.store)
        return pools.all.filter { pool in
            guard pool.id != attempt.pool.id, let place = pool.store.copySource(of: key, size: 0, etag: nil) else { return false }
            return store.canCopy(from: place)
        }
    }

    /// The nearest replica that can be copied: one in the pool's region, else the one whose bytes cost least on their way.
    ///
    /// - Parameter pools: The pools to search.
    /// - Parameter isUsable: Called before the replica's pool is asked.
    /// - Throws: `CancellationError`. A pool that does not answer, or whose state is not available, counts as having no replica.
    func nearest(for attempt: CopyAttempt, in pools: [Pool], isUsable: (CopySource) -> Bool) async throws -> Source? {
        let traffic = traffic()
        var (near, far): ([(Pool, StoredObject)], [(Pool, StoredObject)]) = ([], [])
        func price(_ pool: Pool) -> Double { traffic.between(pool.id, attempt.pool.id) ?? .infinity }
        for pool in pools.sorted(by: { price($0) < price($1) }) {
            guard let object = try await object(of: attempt.artifact, in: pool),
                let place = pool.store.copySource(of: object.key, size: object.size, etag: nil), isUsable(place)
            else { continue }
            if attempt.isNear(place) { near.append((pool, object)) } else { far.append((pool, object)) }
        }
        for (pool, object) in near + far {
            if let source = try await source(object, in: pool, known: attempt.origin.knownDigest) { return source }
        }
        return nil
    }

    /// The object of a replica that is present and not marked.
    private func object(of artifact: ArtifactURL, in pool: Pool) async throws -> StoredObject? {
        do {
            guard case .present(let object) = try await state.replica(ReplicaID(artifact: artifact, pool: pool.id))?.status,
                object.markedAt == nil
            else { return nil }
            return object
        } catch is StateError {
            return nil
        }
    }

    /// - Parameter known: The digest in the artifact's URL.
    /// - Returns: `nil` if the pool does not confirm that it has this very object, or if that does not have the SHA-256 in the artifact's URL.
    private func source(_ object: StoredObject, in pool: Pool, known: Digest?) async throws -> Source? {
        let info: ObjectInfo
        do {
            info = try await pool.store.head(object.key)
        } catch is StorageError {
            return nil
        }
        var metadata = info.metadata
        metadata.sha256 = object.sha256 ?? info.metadata.sha256
        guard info.size == object.size, info.metadata.sha256 ?? metadata.sha256 == metadata.sha256, !info.etag.isEmpty,
            known?.algorithm != .sha256 || known == metadata.sha256,
            let place = pool.store.copySource(of: object.key, size: info.size, etag: info.etag)
        else { return nil }
        return Source(pool: pool.id, place: place, metadata: metadata)
    }
}

extension CopyAttempt {
    /// Whether the object to copy is in the pool's region.
    func isNear(_ source: CopySource) -> Bool {
        pool.store.copySource(of: ObjectKey(artifact), size: 0, etag: nil)?.region == source.region
    }
}
