import Logging
package import MirrorCore
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension GCSStore {
    package func delete(_ key: ObjectKey) async throws {
        try await delete(name: name(of: key))
    }

    /// - Parameter generation: The object must still be this one; `nil` for whatever is there.
    func delete(name: String, generation: String? = nil) async throws {
        var call = GCSCall("delete", .DELETE, key: name)
        if let generation { call.headers.append(("x-goog-if-generation-match", generation)) }
        do {
            _ = try await client.send(call)
        } catch let error as StorageError where error.code == .notFound && (error.cause as? GCSFailure)?.code != "NoSuchBucket" {
            // It is gone, as was wanted.
        }
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await delete(keys, inBatchesOf: BatchDeletion.maxKeys) { try await deleteBatch($0) }
    }

    /// - SeeAlso: Cloud Storage, XML API, "Delete multiple objects".
    private func deleteBatch(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        let batch = BatchDeletion(keys, name: name(of:))
        let call = GCSCall(
            "delete", .POST, query: [("delete", nil)], headers: [("content-type", "application/xml")],
            body: .bytes([ByteBuffer(string: batch.document())]))
        let document: XMLTree
        do {
            document = try await client.document(call, limit: BatchDeletion.maxAnswer)
        } catch let error as StorageError where error.code == .unsupported {
            client.logger.info(
                "the service does not delete in batches; objects are deleted one by one", metadata: ["bucket": "\(client.bucket)"])
            return try await deleteOneByOne(keys)
        }
        return batch.failures(in: document, bucket: client.bucket, gone: ["NoSuchKey"]) {
            GCSFailure(status: 200, headers: [:], document: $0)
        }
    }
}
