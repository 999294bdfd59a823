import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension GCSStore {
    /// How a request that publishes ended.
    private enum Published {
        case now(etag: String)
        /// An earlier request did, and its answer was lost.
        case before(ObjectInfo)
    }

    /// Stores an object that is in memory.
    ///
    /// - Parameter metadata: As the service will return them.
    func put(
        _ chunks: [ByteBuffer], at key: ObjectKey, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let hashes = ObjectHashes(chunks)
        var headers = MetadataFields.gcs.objectHeaders(metadata) + condition.headers
        headers.append((ObjectHashes.fieldName, hashes.fieldValue))
        let call = GCSCall("put", .PUT, key: name(of: key), headers: headers, body: .bytes(chunks))
        let size = chunks.reduce(0) { $0 + Int64($1.readableBytes) }
        let published: Published = try await retries.run { _ in
            try await publishing(key, size: size, metadata) {
                let answer = try await client.send(call)
                guard ObjectHashes(answer.headers).agrees(with: hashes) else {
                    // The service says that it has stored different bytes.
                    try await delete(name: name(of: key), generation: answer.generation)
                    throw CloudErrors.gcs.error(.checksumMismatch, "what the service has is not what was sent", call.name)
                }
                return answer.headers.first(name: "etag") ?? ""
            }
        }
        return try await info(of: key, size: size, published, metadata)
    }

    /// Publishes an upload under a key: a copy within the bucket, with the condition and the metadata that the upload could not have.
    ///
    /// - Parameter metadata: As the service will return them.
    func publish(
        _ object: TemporaryObject, at key: ObjectKey, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let source = "\(PercentCoding.encode(client.bucket))/\(PercentCoding.encode(path: object.name))"
        var headers = MetadataFields.gcs.objectHeaders(metadata) + condition.headers
        headers += [("x-goog-copy-source", source), ("x-goog-metadata-directive", "REPLACE")]
        let call = GCSCall("publish", .PUT, key: name(of: key), headers: headers)
        let published: Published = try await retries.run { _ in
            try await publishing(key, size: object.size, metadata) {
                let document = try await client.document(call)
                guard document.name == "CopyObjectResult" else {
                    throw CloudErrors.gcs.odd("the service's answer is not the result of a copy", call.name)
                }
                return document["ETag"]?.text ?? ""
            }
        }
        return try await info(of: key, size: object.size, published, metadata)
    }

    /// - Parameter body: Returns the entity tag; empty if the service does not state it.
    private func publishing(
        _ key: ObjectKey, size: Int64, _ metadata: ObjectMetadata, _ body: () async throws -> String
    ) async throws -> Published {
        do {
            return .now(etag: ObjectFields.quoted(try await body()))
        } catch let error as StorageError {
            return .before(try await published(key, size: size, metadata, despite: error))
        }
    }

    private func info(of key: ObjectKey, size: Int64, _ published: Published, _ metadata: ObjectMetadata) async throws -> ObjectInfo {
        switch published {
        case .before(let info): return info
        case .now(let etag) where !etag.isEmpty:
            return ObjectInfo(key: key, size: size, etag: etag, lastModified: client.now, metadata: metadata)
        case .now:
            do {
                return try await retries.run { _ in try await head(key) }
            } catch let error as StorageError where error.code == .notFound {
                // Somebody has deleted it since.
                let etag = "\"\(metadata.sha256?.hex.prefix(32) ?? "deleted")\""
                return ObjectInfo(key: key, size: size, etag: etag, lastModified: client.now, metadata: metadata)
            }
        }
    }

    /// Deletes uploads that nobody needs any more, for a limited time, also in a cancelled task. What remains is for the bucket's lifecycle rule.
    func discard(_ names: Set<String>) async {
        guard !names.isEmpty else { return }
        await cleaningUp(by: client.clock) {
            for name in names {
                do { try await retries.run { _ in try await delete(name: name) } } catch {}
            }
        }
    }
}
