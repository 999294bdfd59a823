import Logging
import MirrorCore
import MirrorState
import MirrorStorage

/// A copy that lacks nothing but to be published: what can be verified beforehand is verified, and one call makes it visible.
///
/// A value, so that what has the right to publish it (``CopyPublisher``, by a lease) can do so between steps of its own. Whoever has one calls
/// ``publish(by:)`` once at most, tells the engine how that ended (``CopyEngine/wasPublished(_:as:)``, ``CopyEngine/way(after:of:)``), and then
/// ``release()``.
struct PreparedCopy: Sendable {
    /// What becomes visible.
    enum Content: Sendable {
        /// An upload that has all of its bytes.
        case upload(any ObjectUpload, sha256: Digest)
        /// What the pool's service copies when it is told to: an object of another bucket or pool, or what a URL leads to.
        ///
        /// - Parameter stated: Bytes of it, where the origin states them.
        case ofService(ServiceSource, stated: Int64?)
        /// The object that is there already.
        case inTheWay
    }

    /// An object was stored before the copy was asked for, and is to be replaced.
    struct OlderObject: Error {}

    /// How far apart the clocks of two processes may be.
    static let clockTolerance = Duration.seconds(10)

    let attempt: CopyAttempt
    let content: Content
    let condition: WriteCondition
    /// What is copied; of an object that is there already, what was copied and not published.
    let copy: UnpublishedCopy
    /// In the pool; `nil` where nothing is added to it.
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
    /// - Throws: `StorageError`; ``OlderObject``; ``CopyError`` where an object was there and is gone; `CancellationError`.
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

    /// Has the service make its copy, which is visible then, and goes again where it is not what it was made from.
    private func copied(from source: ServiceSource) async throws -> ObjectInfo {
        let (key, store, origin) = (ObjectKey(attempt.artifact), attempt.pool.store, attempt.origin)
        var info =
            switch source {
            case .bucket(let source): try await store.copy(key, from: source, metadata: copy.metadata, condition: condition)
            case .url(let source):
                try await store.pull(key, from: source, metadata: copy.metadata, condition: condition) { try await origin.confirm(source) }
            }
        // Not every service keeps it.
        let sha256 = info.metadata.sha256 ?? copy.metadata.sha256
        guard info.size == source.size, copy.metadata.sha256 ?? sha256 == sha256 else {
            await uncancelled { _ = try? await store.delete(key) }
            throw StorageError(.checksumMismatch, "the service's copy is not the object that it was made from", operation: "copy")
        }
        info.metadata.sha256 = sha256
        return info
    }

    /// The object that is there, where it was stored since the job was queued: by an earlier attempt, or by somebody else.
    ///
    /// One from before may be from before a purge, too: published late by a process that had lost its lease, or still to be deleted by a service that
    /// deletes late. Where the clocks are too close together to tell, the bytes decide.
    private func adopted(at clock: any WallClock) async throws -> ObjectInfo {
        do {
            let object = try await attempt.pool.store.head(ObjectKey(attempt.artifact))
            let queuedAt = attempt.queuedAt
            let earliest = copy.isSame(as: object) ? queuedAt - Self.clockTolerance : queuedAt + Self.clockTolerance
            // What was stored at a time to come was stored before the clock was put back.
            guard (earliest...max(earliest, clock.now + Self.clockTolerance)).contains(object.metadata.stored) else { throw OlderObject() }
            return object
        } catch let error as StorageError where error.code == .notFound {
            throw CopyError(.storage, isTransient: true, "the pool no longer has the object that it had")
        }
    }

    /// Gives back the room that the copy has held.
    func release() {
        room?.release()
    }
}
