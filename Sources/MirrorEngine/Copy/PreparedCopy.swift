import Logging
import MirrorCore
import MirrorState
import MirrorStorage

/// A copy that is ready to be published: everything that can be verified beforehand is verified, and one call makes it visible.
///
/// It is a value, so that ``CopyPublisher``, which holds the lease, can publish it between its own steps. The owner calls ``publish(by:)`` at most
/// once, tells the engine the outcome (``CopyEngine/wasPublished(_:as:)``, ``CopyEngine/way(after:of:)``), and then ``release()``.
struct PreparedCopy: Sendable {
    /// What becomes visible.
    enum Content: Sendable {
        /// An upload that has all its bytes.
        case upload(any ObjectUpload, sha256: Digest)
        /// What the pool's service will copy when told to: an object of another bucket or pool, or the content of a URL.
        ///
        /// - Parameter stated: Its size in bytes, if the origin states it.
        case ofService(ServiceSource, stated: Int64?)
        /// The object that the pool already has.
        case inTheWay
    }

    /// The existing object was stored before the copy was requested, and must be replaced.
    struct OlderObject: Error {}

    /// How far apart the clocks of two processes may be.
    static let clockTolerance = Duration.seconds(10)

    let attempt: CopyAttempt
    let content: Content
    let condition: WriteCondition
    /// What is copied. If an object is there already: the copy that could not be published.
    let copy: UnpublishedCopy
    /// The room taken in the pool; `nil` if nothing is added to it.
    let room: PoolSpace.Reservation?
    /// The pool whose replica is copied; `nil` for the origin's artifact.
    let replica: PoolID?

    /// For the log: where the bytes come from, unless they are there already.
    var provenance: Logger.Metadata {
        if case .inTheWay = content { return [:] }
        guard let replica else { return ["source": "origin"] }
        return ["source": "replica", "from": "\(replica)"]
    }

    /// Makes the object visible, in one step.
    ///
    /// - Throws: `StorageError`; ``OlderObject``; ``CopyError`` if the object that was there has gone; `CancellationError`.
    func publish(by clock: any WallClock) async throws -> StoredObject {
        let info: ObjectInfo
        switch content {
        case .upload(let upload, let sha256):
            info = try await upload.complete(size: copy.size, sha256: sha256, condition: condition)
        case .ofService(let source, _):
            info = try await copied(from: source)
        case .inTheWay:
            info = try await adopted(at: clock)
        }
        return StoredObject(info, lastUsed: clock.now)
    }

    /// Tells the service to make its copy, which is visible at once. It is deleted again if it differs from its source.
    private func copied(from source: ServiceSource) async throws -> ObjectInfo {
        let (key, store, origin) = (ObjectKey(attempt.artifact), attempt.pool.store, attempt.origin)
        var info =
            switch source {
            case .bucket(let source): try await store.copy(key, from: source, metadata: copy.metadata, condition: condition)
            case .url(let source):
                try await store.pull(key, from: source, metadata: copy.metadata, condition: condition) { try await origin.confirm(source) }
            }
        // Not every service keeps the SHA-256.
        let sha256 = info.metadata.sha256 ?? copy.metadata.sha256
        guard info.size == source.size, copy.metadata.sha256 ?? sha256 == sha256 else {
            await uncancelled { _ = try? await store.delete(key) }
            throw StorageError(.checksumMismatch, "the service's copy is not the object that it was made from", operation: "copy")
        }
        info.metadata.sha256 = sha256
        return info
    }

    /// The object that is already there, if it was stored after the job was queued: by an earlier attempt, or by another process.
    ///
    /// An older object may be from before a purge: published late by a process that had lost its lease, or not yet deleted by a service that deletes
    /// late. If the times are too close to tell, given ``clockTolerance``, the bytes decide.
    private func adopted(at clock: any WallClock) async throws -> ObjectInfo {
        do {
            let object = try await attempt.pool.store.head(ObjectKey(attempt.artifact))
            let queuedAt = attempt.queuedAt
            let earliest = copy.isSame(as: object) ? queuedAt - Self.clockTolerance : queuedAt + Self.clockTolerance
            // A time in the future means that the object was stored before the clock was set back.
            guard (earliest...max(earliest, clock.now + Self.clockTolerance)).contains(object.metadata.stored) else { throw OlderObject() }
            return object
        } catch let error as StorageError where error.code == .notFound {
            throw CopyError(.storage, isTransient: true, "the pool no longer has the object that it had")
        }
    }

    /// Gives back the room that the copy holds.
    func release() {
        room?.release()
    }
}
