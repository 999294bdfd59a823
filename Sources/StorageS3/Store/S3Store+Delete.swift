import Logging
package import MirrorCore
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension S3Store {
    /// Keys of one request.
    private static let maxBatch = 1_000

    package func delete(_ key: ObjectKey) async throws {
        do {
            _ = try await client.send(S3Call("delete", .DELETE, key: name(of: key)))
        } catch let error as StorageError where error.code == .notFound && (error.cause as? S3Failure)?.code != "NoSuchBucket" {
            // A service that says so of what is absent.
        }
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        var failures: [ObjectKey: StorageError] = [:]
        for start in stride(from: 0, to: keys.count, by: Self.maxBatch) {
            let batch = Array(keys[start..<min(start + Self.maxBatch, keys.count)])
            failures.merge(try await deleteBatch(batch)) { first, _ in first }
        }
        return failures
    }

    private func deleteBatch(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        var text = "<Delete xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\"><Quiet>true</Quiet>"
        for key in keys { text += "<Object><Key>\(Markup.escape(name(of: key)))</Key></Object>" }
        text += "</Delete>"
        let call = S3Call.sending("delete", subresource: "delete", text, method: .POST, type: nil)
        let document: XMLTree
        do {
            document = try await client.document(call, limit: 4 << 20)
        } catch let error as StorageError where error.code == .unsupported {
            logger.info("the service does not delete in batches; objects are deleted one by one", metadata: ["bucket": "\(client.bucket)"])
            return try await deleteOneByOne(keys)
        }
        let known = Dictionary(keys.map { (name(of: $0), $0) }) { first, _ in first }
        var failures: [ObjectKey: StorageError] = [:]
        for entry in document.all("Error") {
            guard let key = entry["Key"].flatMap({ known[$0.text] }) else { continue }
            let failure = S3Failure(status: 200, headers: [:], document: entry)
            if failure.code == "NoSuchKey" || failure.code == "NotFound" { continue }
            failures[key] = failure.storageError(call: "delete", bucket: client.bucket, subject: "object \(key)")
        }
        return failures
    }
}
