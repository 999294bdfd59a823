import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension GCSStore {
    /// Stores an object that is in memory.
    ///
    /// - Parameter metadata: As the service will return them.
    func put(
        _ chunks: [ByteBuffer], at key: ObjectKey, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let hashes = ObjectHashes(chunks)
        var headers = MetadataFields.gcs.objectHeaders(metadata) + condition.generation
        headers.append((ObjectHashes.fieldName, hashes.fieldValue))
        let call = GCSCall("put", .PUT, key: name(of: key), headers: headers, body: .bytes(chunks))
        return try await publishing(key, size: call.body.length, metadata) {
            let answer = try await client.send(call)
            guard ObjectHashes(answer.headers).agrees(with: hashes) else {
                // The service says that it has stored different bytes.
                try await delete(name: name(of: key), generation: answer.generation)
                throw CloudErrors.gcs.error(.checksumMismatch, "what the service has is not what was sent", call.name)
            }
            return answer.headers.first(name: "etag") ?? ""
        }
    }

    /// Publishes an upload under a key: a copy within the bucket, with the condition and the metadata that the upload could not have.
    ///
    /// - Parameter metadata: As the service will return them.
    func publish(
        _ object: TemporaryObject, at key: ObjectKey, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let source = "\(PercentCoding.encode(client.bucket))/\(PercentCoding.encode(path: object.name))"
        var headers = MetadataFields.gcs.objectHeaders(metadata) + condition.generation
        headers += [("x-goog-copy-source", source), ("x-goog-metadata-directive", "REPLACE")]
        let call = GCSCall("publish", .PUT, key: name(of: key), headers: headers)
        return try await publishing(key, size: object.size, metadata) {
            let document = try await client.document(call)
            guard document.name == "CopyObjectResult" else {
                throw CloudErrors.gcs.odd("the service's answer is not the result of a copy", call.name)
            }
            return document["ETag"]?.text ?? ""
        }
    }

    /// Deletes uploads that are no longer needed, for a limited time, even in a cancelled task. The bucket's lifecycle rule removes the rest.
    func discard(_ names: Set<String>) async {
        guard !names.isEmpty else { return }
        await cleaningUp(by: client.clock) {
            for name in names {
                do { try await retries.run { _ in try await delete(name: name) } } catch {}
            }
        }
    }
}
