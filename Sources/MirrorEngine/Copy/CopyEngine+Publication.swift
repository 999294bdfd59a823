import Logging
import MirrorCore
import MirrorState
import MirrorStorage

/// What comes of a copy once it was to be published.
extension CopyEngine {
    func wasPublished(_ prepared: PreparedCopy, as object: StoredObject) {
        guard case .ofService(let source, _) = prepared.content else { return }
        refusals.succeeded(source, of: prepared.attempt)
        metrics.countCopiedInService(bytes: object.size, pool: prepared.attempt.pool.id, isReplica: prepared.replica != nil)
    }

    /// What is prepared next, after a copy was not published.
    ///
    /// - Throws: What ends the attempt: `error`, or what it means for the copy.
    func way(after error: any Error, of prepared: PreparedCopy) async throws -> CopyWay {
        switch prepared.content {
        case .upload(let upload, _):
            await abort(upload)
            guard let error = error as? StorageError else { throw error }
            // The upload is gone: if the object has to be replaced, what was fetched is fetched again.
            if error.code == .preconditionFailed, prepared.condition == .absent { return .adopting(prepared.copy) }
            throw try await ending(error, of: prepared)
        case .ofService(let source, let stated):
            guard let error = error as? StorageError else { throw error }
            if error.code == .full { throw try await ending(error, of: prepared) }
            if error.code == .preconditionFailed, prepared.condition == .absent, try await isPresent(prepared.attempt) {
                return .adopting(prepared.copy)
            }
            refuse(source, error, prepared)
            // It was visible, and may still be there.
            let condition: WriteCondition = error.code == .checksumMismatch ? .none : prepared.condition
            // Unless the object is there already, what the service does not carry is carried through here, whatever the reason; what it does not copy
            // from another pool it may copy from somewhere else.
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
                "the pool's service does not copy from this place; for some minutes all its bytes pass through this process"
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

    /// The pool takes less than it seemed to: what was not used for longest goes all the same, and the next attempt finds room.
    func makeRoom(in pool: Pool, _ room: PoolSpace.Reservation, _ error: StorageError) async throws -> CopyError {
        // Where the pool does not say how much it lacks, it is as much as the copy has taken.
        let bytes = error.missingBytes ?? max(room.bytes.reserved, 1)
        guard try await space.makeRoom(bytes, in: pool) else { return PoolSpace.noRoom(pool, cause: error) }
        return CopyError(.storage, isTransient: true, "the pool is full", cause: error)
    }

    /// Removes what was uploaded. A copy that was cancelled does not wait for long: its job is to be handed back while there is time for that.
    func abort(_ upload: any ObjectUpload) async {
        let limit = Task.isCancelled ? Self.abortLimit : nil
        await uncancelled { [clock] in _ = try? await leaving(after: limit, by: clock) { await upload.abort() } }
    }

    private static let abortLimit = Duration.milliseconds(250)
}
