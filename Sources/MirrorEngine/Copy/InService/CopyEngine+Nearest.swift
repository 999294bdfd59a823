import MirrorCore
import MirrorNet
import MirrorStorage

/// Chooses the source for a copy by the pool's service.
extension CopyEngine {
    /// Prepares a copy from the cheapest source, and of those that cost the same from the nearest: by the service from the origin's bucket or from another
    /// pool, or carried from the origin.
    ///
    /// The origin's bucket is preferred if it is no farther away, because the mirror does not remove the artifact there during the copy.
    func prepareFromNearest(_ attempt: CopyAttempt, _ condition: WriteCondition) async throws -> PreparedCopy {
        let replica = try await replica(for: attempt)
        let head: (response: OriginResponse, copySource: CopySource?)?
        do {
            head = try await self.head(for: attempt)
        } catch {
            // A copy of a replica does not need it.
            guard let replica, !Task.isCancelled else { throw error }
            return try await prepare(attempt, from: replica, condition)
        }
        let origin = head?.copySource.flatMap { isUsable($0, for: attempt) ? $0 : nil }
        if let replica, isPreferred(replica, to: origin, in: head?.copySource?.region, for: attempt) {
            return try await prepare(attempt, from: replica, condition)
        }
        if let head, let origin { return try await prepare(attempt, from: origin, head.response, condition) }
        do {
            return try await carry(attempt, condition, size: head?.response.totalSize, orPull: head?.response.statedDigests ?? [])
        } catch {
            // The replica costs more, but an artifact does not change.
            guard let replica, !Task.isCancelled, error is CopyError || error is OutboundError else { throw error }
            return try await prepare(attempt, from: replica, condition)
        }
    }

    /// Whether a replica is copied, and not what the origin has: whichever is cheaper at list prices.
    ///
    /// - Parameter origin: The origin's object, if the service can copy it.
    /// - Parameter region: Of the origin's bucket; `nil` if it is not known.
    private func isPreferred(
        _ replica: ReplicaSources.Source, to origin: CopySource?, in region: String?, for attempt: CopyAttempt
    ) -> Bool {
        let traffic = replicas.traffic()
        if let there = traffic.between(replica.pool, attempt.pool.id), let here = traffic.fromOrigin(in: region, to: attempt.pool.id),
            there != here
        {
            return there < here
        }
        return origin.map { attempt.isNear(replica.place) && !attempt.isNear($0) } ?? true
    }

    private func isUsable(_ source: CopySource, for attempt: CopyAttempt) -> Bool {
        attempt.pool.store.canCopy(from: source) && !refusals.contains(.bucket(source), of: attempt, at: clock.instant)
    }

    /// A replica in another pool that the service can copy.
    ///
    /// - Returns: `nil` if there is none, or if that cannot be found out in time.
    private func replica(for attempt: CopyAttempt) async throws -> ReplicaSources.Source? {
        guard attempt.pool.store.capabilities.features.contains(.serverSideCopy) else { return nil }
        let pools = replicas.pools(for: attempt)
        guard !pools.isEmpty else { return nil }
        let found = try await leaving(after: Self.headLimit, by: clock) {
            try await replicas.nearest(for: attempt, in: pools) { isUsable($0, for: attempt) }
        }
        return found ?? nil
    }

    private func prepare(
        _ attempt: CopyAttempt, from replica: ReplicaSources.Source, _ condition: WriteCondition
    ) async throws -> PreparedCopy {
        // The origin may have been disallowed since the copy was requested.
        try attempt.origin.origin.check()
        var metadata = replica.metadata
        metadata.upstreamURL = attempt.artifact.description
        metadata.stored = clock.now
        return try await prepareInService(attempt, .bucket(replica.place), metadata, replica: replica.pool, stated: nil, condition)
    }

    private func prepare(
        _ attempt: CopyAttempt, from source: CopySource, _ head: OriginResponse, _ condition: WriteCondition
    ) async throws -> PreparedCopy {
        try refusePage(head, of: attempt)
        return try await prepareInService(
            attempt, .bucket(source), head.metadata(of: attempt.artifact, stored: clock.now), replica: nil, stated: head.totalSize,
            condition)
    }
}
