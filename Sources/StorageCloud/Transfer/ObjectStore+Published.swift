package import MirrorCore
package import MirrorStorage

extension ObjectStore {
    /// The object whose publication was refused because it exists: an earlier request may have published it, and its answer was lost.
    ///
    /// The first attempt can be refused for this reason, too: the HTTP client itself repeats a request when a kept connection closes.
    ///
    /// - Parameter metadata: Of the upload: its time and the digest are what nobody else's object has. A service may have dropped the rest.
    /// - Throws: `error`, unless this has happened; what looking at the object fails with.
    package func published(
        _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, despite error: StorageError
    ) async throws -> ObjectInfo {
        guard error.code == .preconditionFailed, let info = try await own(key, size: size, metadata, despite: error) else { throw error }
        return info
    }

    /// The object at `key`, if it is the one that was sent.
    ///
    /// - Parameter metadata: As for ``published(_:size:_:despite:)``.
    /// - Returns: `nil` for somebody else's.
    /// - Throws: `error` if there is none; what looking at the object fails with.
    package func own(
        _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, despite error: StorageError
    ) async throws -> ObjectInfo? {
        let info: ObjectInfo
        do {
            info = try await head(key)
        } catch let other as StorageError where other.code == .notFound {
            throw error
        }
        return info.size == size && info.metadata.isOfUpload(metadata) ? info : nil
    }
}

extension ObjectMetadata {
    /// Whether they were sent with the same upload as others: they have its time and its digest.
    package func isOfUpload(_ other: ObjectMetadata) -> Bool { stored == other.stored && sha256 == other.sha256 }
}
