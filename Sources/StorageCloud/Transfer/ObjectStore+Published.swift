package import MirrorCore
package import MirrorStorage

extension ObjectStore {
    /// The object whose publication was refused because it exists: an earlier request may have published it, but its answer was lost.
    ///
    /// Even the first attempt can be refused for this reason: the HTTP client itself repeats a request if a kept connection closes.
    ///
    /// - Parameter metadata: The upload's metadata: its time and digest distinguish its object from all others. A service may have dropped the rest.
    /// - Throws: `error`, unless this has happened; errors of looking at the object.
    package func published(
        _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, despite error: StorageError
    ) async throws -> ObjectInfo {
        guard error.code == .preconditionFailed, let info = try await own(key, size: size, metadata, despite: error) else { throw error }
        return info
    }

    /// The object at `key`, if this upload created it.
    ///
    /// - Parameter metadata: As for ``published(_:size:_:despite:)``.
    /// - Returns: `nil` if another upload created it.
    /// - Throws: `error` if there is no object; errors of looking at it.
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
    /// Whether both belong to the same upload: they have the same time and digest.
    package func isOfUpload(_ other: ObjectMetadata) -> Bool { stored == other.stored && sha256 == other.sha256 }
}
