import Logging
package import MirrorCore
package import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

extension AzureStore {
    /// The number of deletions in one request.
    private static let maxBatch = 256
    /// The maximum size of the answer to a batch, in bytes.
    private static let maxBatchAnswer = 4 << 20

    package func delete(_ key: ObjectKey) async throws { try await delete(key, ifMatch: nil) }

    /// - Parameter ifMatch: The entity tag that the object must still have; otherwise it stays.
    func delete(_ key: ObjectKey, ifMatch: String?) async throws {
        var call = deletion(of: key)
        if let ifMatch { call.headers.append(("if-match", ifMatch)) }
        try await sendDeletion(call)
    }

    /// Snapshots that someone else made are deleted with the blob, which could not be deleted otherwise.
    private func deletion(of key: ObjectKey) -> AzureCall {
        AzureCall("delete", .DELETE, key: name(of: key), headers: [("x-ms-delete-snapshots", "include")])
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await delete(keys, inBatchesOf: Self.maxBatch) { try await deleteBatch($0) }
    }

    private func deleteBatch(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        guard keys.count > 1 else { return try await deleteOneByOne(keys) }
        let boundary = "batch_\(RandomBytes.hex(16))"
        let calls = keys.map(deletion)
        let credentials = try await client.currentCredentials(for: "delete")
        var text = ""
        for (number, call) in calls.enumerated() {
            let (signed, target) = try client.signed(call, credentials, isPart: true)
            text += "--\(boundary)\r\ncontent-type: application/http\r\ncontent-transfer-encoding: binary\r\ncontent-id: \(number)\r\n\r\n"
            text += "DELETE \(target) HTTP/1.1\r\n"
            for (name, value) in signed.headers { text += "\(name): \(value)\r\n" }
            text += "content-length: 0\r\n\r\n"
        }
        text += "--\(boundary)--\r\n"
        let whole = AzureCall(
            "delete", .POST, .bucket, query: [("restype", "container"), ("comp", "batch")],
            headers: [("content-type", "multipart/mixed; boundary=\(boundary)")], body: .bytes([ByteBuffer(string: text)]))
        let answer: AzureAnswer
        do {
            answer = try await client.send(whole)
        } catch let error as StorageError where Self.knowsNoBatches(error) {
            logger.info(
                "the service does not delete in batches; objects are deleted one by one", metadata: ["container": "\(client.bucket)"])
            return try await deleteOneByOne(keys)
        }
        let bytes = try await answer.body.collect(upTo: Self.maxBatchAnswer)
        guard let parts = BatchParts(bytes, contentType: answer.headers.first(name: "content-type") ?? "")?.parts else {
            throw CloudErrors.azure.error(.timedOut, "the service's answer does not say what was deleted", "delete")
        }
        return failures(of: calls, keys, parts)
    }

    private func failures(of calls: [AzureCall], _ keys: [ObjectKey], _ parts: [BatchParts.Part]) -> [ObjectKey: StorageError] {
        var failures: [ObjectKey: StorageError] = [:]
        let byNumber = Dictionary(parts.compactMap { part in part.number.map { ($0, part) } }) { first, _ in first }
        for (number, key) in keys.enumerated() {
            guard let part = byNumber[number] else {
                // It may still be made.
                failures[key] = CloudErrors.azure.error(
                    .timedOut, "the service does not say whether it deleted the object \(key)", "delete")
                continue
            }
            guard part.status >= 300 else { continue }
            let error = client.error(AzureFailure(status: part.status, headers: part.headers, body: part.body), calls[number])
            if error.code != .notFound || isAboutBucket(error) { failures[key] = error }
        }
        return failures
    }

    /// An emulator may mistake the call for a malformed call of another kind.
    private static func knowsNoBatches(_ error: StorageError) -> Bool { [.unsupported, .invalidRequest].contains(error.code) }
}
