import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// A complete upload under a random name, not published yet.
struct TemporaryObject: Sendable {
    var name: String
    var size: Int64
}

/// The steps of a multipart upload (XML API). It accepts no condition, so it makes a ``TemporaryObject``.
struct GCSMultipart: Sendable {
    /// A part that the service holds.
    struct Part: Sendable {
        /// From 1.
        var number: Int
        var etag: String
        var length: Int64
        var check: CRC32C
    }

    let client: GCSClient
    let retries: StepRetry

    /// One request: a caller without a retry layer retries it itself.
    ///
    /// - Returns: The upload's identifier.
    func create(_ name: String) async throws -> String {
        let call = GCSCall("createUpload", .POST, key: name, query: [("uploads", nil)], headers: [("content-type", Self.type)])
        guard let id = try await client.document(call)["UploadId"]?.text, !id.isEmpty else {
            throw CloudErrors.gcs.odd("the service returned no upload ID", call.name)
        }
        return id
    }

    /// The content type of an object that is not published yet.
    static let type = "application/octet-stream"

    /// One request, like ``create(_:)``. The service verifies bytes that are in memory; here the checksum is always compared.
    func write(_ number: Int, of name: String, upload id: String, _ body: CallBody, length: Int64) async throws -> Part {
        var call = GCSCall("writePart", .PUT, key: name, query: [("partNumber", "\(number)"), ("uploadId", id)], body: body)
        let check = RunningCheck()
        switch body {
        case .none: break
        case .bytes(let buffers):
            for buffer in buffers { check.update(buffer) }
            call.headers.append((ObjectHashes.fieldName, ObjectHashes(crc32c: Base64.encode(check.value.bytes)).fieldValue))
        case .stream(let stream, let length):
            call.body = .stream(stream.checked(by: check), length: length)
        }
        let answer = try await client.send(call)
        guard let etag = answer.headers.first(name: "etag"), !etag.isEmpty else {
            throw CloudErrors.gcs.odd("the service returned no ETag for a part", call.name)
        }
        try Self.require(ObjectHashes(answer.headers), check.value, call.name)
        return Part(number: number, etag: etag, length: length, check: check.value)
    }

    /// - Throws: `.checksumMismatch` if the service states a different checksum.
    static func require(_ stated: ObjectHashes, _ check: CRC32C, _ call: String) throws {
        guard stated.agrees(with: ObjectHashes(crc32c: Base64.encode(check.bytes))) else {
            throw CloudErrors.gcs.error(.checksumMismatch, "what the service has is not what was sent", call)
        }
    }

    /// Combines the parts into one object.
    ///
    /// - Parameter parts: All parts, at least one.
    func complete(_ name: String, upload id: String, parts: [Part]) async throws -> TemporaryObject {
        let parts = parts.sorted { $0.number < $1.number }
        var check = CRC32C()
        for part in parts { check.append(part.check, length: part.length) }
        let call = GCSCall(
            "complete", .POST, key: name, query: [("uploadId", id)], headers: [("content-type", "application/xml")],
            body: .bytes([ByteBuffer(string: Self.completion(parts))]))
        let size = parts.reduce(0) { $0 + $1.length }
        let stated = try await retries.run { _ -> ObjectHashes? in
            do {
                let answer = try await client.send(call)
                _ = try await client.document(in: answer, to: call)
                return ObjectHashes(answer.headers)
            } catch let error as StorageError where (error.cause as? GCSFailure)?.code == "NoSuchUpload" {
                // An earlier request whose answer was lost may be the reason: the object itself has to tell.
                return nil
            }
        }
        if let stated, stated.crc32c != nil {
            try Self.require(stated, check, call.name)
        } else {
            try await requireObject(name, size: size, check, call.name)
        }
        return TemporaryObject(name: name, size: size)
    }

    /// Checks that an upload exists and is complete.
    ///
    /// - Throws: `.checksumMismatch`; `.unavailable` if it is missing or has a different size.
    func requireObject(_ name: String, size: Int64, _ check: CRC32C, _ call: String) async throws {
        let answer: GCSAnswer
        do {
            answer = try await retries.run { _ in try await client.send(GCSCall("head", .HEAD, key: name)) }
        } catch let error as StorageError where error.code == .notFound {
            throw CloudErrors.gcs.odd("the upload \(name) is gone, and there is no object", call)
        }
        guard ObjectFields.size(answer.headers.first(name: "content-length")) == size else {
            throw CloudErrors.gcs.odd("the upload \(name) does not have the size that was sent", call)
        }
        try Self.require(ObjectHashes(answer.headers), check, call)
    }

    private static func completion(_ parts: [Part]) -> String {
        var text = "<CompleteMultipartUpload>"
        for part in parts {
            // The service compares entity tags with literal quotes: it does not decode `&quot;`.
            let etag = Markup.escape(part.etag).replacing("&quot;", with: "\"")
            text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(etag)</ETag></Part>"
        }
        return text + "</CompleteMultipartUpload>"
    }

    /// Removes the parts of an upload, for a limited time, also in a cancelled task. What remains is for the bucket's lifecycle rule.
    func abort(_ name: String, upload id: String) async {
        let call = GCSCall("abort", .DELETE, key: name, query: [("uploadId", id)])
        let (client, retries) = (client, retries)
        await cleaningUp(by: client.clock) {
            // There is no caller to report to, and a missing upload is the goal.
            do { _ = try await retries.run { _ in try await client.send(call) } } catch {}
        }
    }
}
