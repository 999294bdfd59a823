import Logging
package import MirrorCore
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension S3Store {
    package func delete(_ key: ObjectKey) async throws {
        do {
            _ = try await client.send(S3Call("delete", .DELETE, key: name(of: key)))
        } catch let error as StorageError where error.code == .notFound && (error.cause as? S3Failure)?.code != "NoSuchBucket" {
            // Some services answer like this for an absent object.
        }
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await delete(keys, inBatchesOf: BatchDeletion.maxKeys) { try await deleteBatch($0) }
    }

    private func deleteBatch(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        let batch = BatchDeletion(keys, name: name(of:))
        let text = batch.document(namespace: "http://s3.amazonaws.com/doc/2006-03-01/")
        let call = S3Call.sending("delete", subresource: "delete", text, method: .POST, type: nil)
        let document: XMLTree
        do {
            document = try await client.document(call, limit: BatchDeletion.maxAnswer)
        } catch let error as StorageError where error.code == .unsupported {
            logger.info("the service does not delete in batches; objects are deleted one by one", metadata: ["bucket": "\(client.bucket)"])
            return try await deleteOneByOne(keys)
        }
        return batch.failures(in: document, bucket: client.bucket, gone: ["NoSuchKey", "NotFound"]) {
            S3Failure(status: 200, headers: [:], document: $0)
        }
    }
}
