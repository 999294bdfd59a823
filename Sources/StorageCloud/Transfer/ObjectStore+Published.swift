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

extension CloudStore {
    /// Publishes an object, with retries.
    ///
    /// - Parameter metadata: As the service will return it.
    /// - Parameter body: Makes the request; returns the entity tag, which is empty if the service does not state it.
    package func publishing(
        _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, _ body: () async throws -> String
    ) async throws -> ObjectInfo {
        var before: ObjectInfo?
        let etag = try await retries.run { _ in
            do {
                return ObjectFields.quoted(try await body())
            } catch let error as StorageError {
                // An earlier request, whose answer was lost, may have published it.
                let found = try await published(key, size: size, metadata, despite: error)
                before = found
                return found.etag
            }
        }
        if let before { return before }
        return try await info(of: key, size: size, etag: etag, metadata)
    }

    /// What is known of an object that has just been published.
    ///
    /// - Parameter etag: Empty if the service does not state it; the object has one.
    package func info(of key: ObjectKey, size: Int64, etag: String, _ metadata: ObjectMetadata) async throws -> ObjectInfo {
        if !etag.isEmpty { return ObjectInfo(key: key, size: size, etag: etag, lastModified: client.now, metadata: metadata) }
        do {
            var info = try await retries.run { _ in try await head(key) }
            info.metadata.sha256 = metadata.sha256
            return info
        } catch let error as StorageError where error.code == .notFound {
            // It has been deleted since.
            let etag = "\"\(metadata.sha256?.hex.prefix(32) ?? "deleted")\""
            return ObjectInfo(key: key, size: size, etag: etag, lastModified: client.now, metadata: metadata)
        }
    }
}

extension ObjectMetadata {
    /// Whether both belong to the same upload: they have the same time and digest.
    package func isOfUpload(_ other: ObjectMetadata) -> Bool { stored == other.stored && sha256 == other.sha256 }
}
