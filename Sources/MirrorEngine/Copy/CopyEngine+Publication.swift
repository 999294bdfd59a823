import Logging
import MirrorCore
import MirrorState
import MirrorStorage
import Retention

/// What happens after an attempt to publish a copy.
extension CopyEngine {
    func wasPublished(_ prepared: PreparedCopy, as object: StoredObject) {
        guard case .ofService(let source, _) = prepared.content else { return }
        refusals.succeeded(source, of: prepared.attempt)
        let pool = prepared.attempt.pool.id
        metrics.countCopiedInService(bytes: object.size, pool: pool, isReplica: prepared.replica != nil)
        if let replica = prepared.replica, let price = replicas.traffic().between(replica, pool) {
            metrics.countEgress(dollars: price * Double(object.size) / PoolPrices.gibibyte, pool: pool)
        }
    }

    /// What to prepare next, after a copy could not be published.
    ///
    /// - Throws: The error that ends the attempt: `error`, or its meaning for the copy.
    func way(after error: any Error, of prepared: PreparedCopy) async throws -> CopyWay {
        switch prepared.content {
        case .upload(let upload, _):
            await abort(upload)
            guard let error = error as? StorageError else { throw error }
            // The upload is gone: if the object has to be replaced, the bytes are fetched again.
            if error.code == .preconditionFailed, prepared.condition == .absent { return .adopting(prepared.copy) }
            throw try await ending(error, of: prepared)
        case .ofService(let source, let stated):
            guard let error = error as? StorageError else { throw error }
            if error.code == .full { throw try await ending(error, of: prepared) }
            if error.code == .preconditionFailed, prepared.condition == .absent, try await isPresent(prepared.attempt) {
                return .adopting(prepared.copy)
            }
            refuse(source, error, prepared)
            // The wrong copy was visible, and may still be there.
            let condition: WriteCondition = error.code == .checksumMismatch ? .none : prepared.condition
            // Whatever the reason: unless the object is there already, an origin's artifact passes through this process instead. A replica of another
            // pool is replaced by another source.
            return prepared.replica == nil ? .carrying(condition, size: stated) : .copying(condition)
        case .inTheWay:
            guard error is PreparedCopy.OlderObject else { throw error }
            logger.info(
                "the pool has an object from before this copy was requested; it is replaced",
                metadata: ["artifact": "\(prepared.attempt.artifact.redacted)", "pool": "\(prepared.attempt.pool.id)"])
            return .copying(.none)
        }
    }

    private func ending(_ error: StorageError, of prepared: PreparedCopy) async throws -> any Error {
        guard error.code == .full, let room = prepared.room else { return error }
        return try await makeRoom(in: prepared.attempt.pool, room, error)
    }

    private func isPresent(_ attempt: CopyAttempt) async throws -> Bool {
        do {
            _ = try await attempt.pool.store.head(ObjectKey(attempt.artifact))
            return true
        } catch let error as StorageError where error.code == .notFound {
            return false
        }
    }

    private func refuse(_ source: ServiceSource, _ error: StorageError, _ prepared: PreparedCopy) {
        let attempt = prepared.attempt
        metrics.countError(error)
        let isWholePlace = refusals.insert(source, of: attempt, because: error.code, at: clock.instant)
        let message: Logger.Message =
            switch (prepared.replica == nil, isWholePlace) {
            case (true, true):
                "the pool's service does not copy from this source; for some minutes all its bytes pass through this process"
            case (true, false):
                "the pool's service does not copy this object; its bytes pass through this process"
            case (false, true):
                "the pool's service does not copy from this other pool; for some minutes artifacts come from elsewhere"
            case (false, false):
                "the pool's service does not copy this object of another pool; the artifact comes from elsewhere"
            }
        let metadata: Logger.Metadata = [
            "pool": "\(attempt.pool.id)", "place": "\(source.place)", "artifact": "\(attempt.artifact.redacted)", "error": "\(error)",
        ]
        logger.notice(message, metadata: metadata.merging(prepared.provenance) { known, _ in known })
    }

    /// The pool has less room than it seemed to: deletes the least recently used replicas, so that the next attempt finds room.
    func makeRoom(in pool: Pool, _ room: PoolSpace.Reservation, _ error: StorageError) async throws -> CopyError {
        // If the pool does not say how much it lacks, assume as much as the copy has taken.
        let bytes = error.missingBytes ?? max(room.bytes.reserved, 1)
        guard try await space.makeRoom(bytes, in: pool) else { return PoolSpace.noRoom(pool, cause: error) }
        return CopyError(.storage, isTransient: true, "the pool is full", cause: error)
    }

    /// Removes what was uploaded. A cancelled copy does not wait long, because its job must be handed back in time.
    func abort(_ upload: any ObjectUpload) async {
        let limit = Task.isCancelled ? Self.abortLimit : nil
        await uncancelled { [clock] in _ = try? await leaving(after: limit, by: clock) { await upload.abort() } }
    }

    private static let abortLimit = Duration.milliseconds(250)
}
