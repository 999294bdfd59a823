import Logging
package import MirrorCore
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension GCSStore {
    /// Keys of one request.
    private static let maxBatch = 1_000

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
        var failures: [ObjectKey: StorageError] = [:]
        for start in stride(from: 0, to: keys.count, by: Self.maxBatch) {
            let batch = Array(keys[start..<min(start + Self.maxBatch, keys.count)])
            failures.merge(try await deleteBatch(batch)) { first, _ in first }
        }
        return failures
    }

    /// - SeeAlso: Cloud Storage, XML API, "Delete multiple objects".
    private func deleteBatch(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        var text = "<Delete><Quiet>true</Quiet>"
        for key in keys { text += "<Object><Key>\(Markup.escape(name(of: key)))</Key></Object>" }
        text += "</Delete>"
        let call = GCSCall(
            "delete", .POST, query: [("delete", nil)], headers: [("content-type", "application/xml")],
            body: .bytes([ByteBuffer(string: text)]))
        let document: XMLTree
        do {
            document = try await client.document(call, limit: 4 << 20)
        } catch let error as StorageError where error.code == .unsupported {
            client.logger.info(
                "the service does not delete in batches; objects are deleted one by one", metadata: ["bucket": "\(client.bucket)"])
            return try await deleteOneByOne(keys)
        }
        let known = Dictionary(keys.map { (name(of: $0), $0) }) { first, _ in first }
        var failures: [ObjectKey: StorageError] = [:]
        for entry in document.all("Error") {
            guard let key = entry["Key"].flatMap({ known[$0.text] }) else { continue }
            let failure = GCSFailure(status: 200, headers: [:], document: entry)
            if failure.code == "NoSuchKey" { continue }
            failures[key] = failure.storageError(call: "delete", bucket: client.bucket, subject: "object \(key)")
        }
        return failures
    }
}
