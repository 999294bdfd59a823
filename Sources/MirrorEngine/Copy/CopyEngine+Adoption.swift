import MirrorCore
import MirrorStorage

/// A copy was not published, because the pool has an object in its place.
struct ObjectInTheWay: Error {
    /// Bytes of the copy.
    let size: Int64
    /// Of the copy.
    let metadata: ObjectMetadata

    /// Whether the object holds the bytes of the copy, as far as anybody says.
    fileprivate func isSame(as object: ObjectInfo) -> Bool {
        guard object.size == size else { return false }
        if let sha256 = metadata.sha256, let other = object.metadata.sha256 { return sha256 == other }
        // A weak one says nothing of bytes.
        return metadata.upstreamETag?.hasPrefix("\"") ?? false && metadata.upstreamETag == object.metadata.upstreamETag
    }
}

extension CopyEngine {
    /// How far apart the clocks of two processes may be.
    static let clockTolerance = Duration.seconds(10)

    /// Makes the object that is there already the replica, where it was stored since the job was queued: by an earlier attempt, or by somebody else.
    ///
    /// One from before may be from before a purge, too: published late by a process that had lost its lease, or still to be deleted by a service that
    /// deletes late. Where the clocks are too close together to tell, the bytes decide.
    ///
    /// - Returns: `nil` when the object is to be replaced.
    func adopt(
        _ artifact: ArtifactURL, insteadOf copy: ObjectInTheWay, queuedAt: Timestamp, in pool: Pool, publish: Publication
    ) async throws -> StoredObject? {
        struct OlderObject: Error {}
        do {
            return try await publish { [clock] in
                do {
                    let object = try await pool.store.head(ObjectKey(artifact))
                    let earliest = copy.isSame(as: object) ? queuedAt - Self.clockTolerance : queuedAt + Self.clockTolerance
                    // What was stored at a time to come was stored before the clock was put back.
                    guard (earliest...max(earliest, clock.now + Self.clockTolerance)).contains(object.metadata.stored) else {
                        throw OlderObject()
                    }
                    return StoredObject(object, lastUsed: clock.now)
                } catch let error as StorageError where error.code == .notFound {
                    throw CopyError(.storage, isTransient: true, "the pool had an object and has it no more")
                }
            }
        } catch is OlderObject {
            return nil
        }
    }
}
