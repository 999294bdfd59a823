import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud

/// The steps of a multipart upload, shared by uploads and server-side copies.
struct S3Multipart: Sendable {
    /// An upload that the service has begun.
    struct Begun: Sendable {
        let id: String
        /// Whether its parts may have checksums.
        let hasChecksums: Bool
    }

    /// A part that the service holds.
    struct Part: Sendable {
        /// From 1.
        var number: Int
        var etag: String
        /// The checksum of its bytes in base64, if one was sent.
        var crc32c: String?
    }

    /// The result of a completion.
    enum Completion: Sendable {
        /// - Parameter etag: Empty if the service does not state it.
        case done(etag: String)
        /// The upload no longer exists, perhaps because an earlier request completed it: the object itself has to tell.
        case uncertain
    }

    let client: S3Client
    let retries: StepRetry

    /// Makes one request; the caller has to retry it.
    func create(_ key: String, metadata: ObjectMetadata, hasChecksums: Bool) async throws -> Begun {
        var call = S3Call("createUpload", .POST, key: key, query: [("uploads", nil)])
        call.addMetadata(metadata)
        if hasChecksums { call.offer(.uploadChecksum, [("x-amz-checksum-algorithm", "CRC32C")]) }
        let (answer, extras) = try await client.sendOffering(call)
        let document = try await client.document(in: answer, to: call)
        guard let id = document["UploadId"]?.text, !id.isEmpty else {
            throw CloudErrors.s3.odd("the service returned no upload ID", call.name)
        }
        return Begun(id: id, hasChecksums: extras.contains(.uploadChecksum))
    }

    /// Makes one request, like ``create(_:metadata:hasChecksums:)``.
    ///
    /// - Parameter crc32c: The checksum of the bytes in base64.
    func write(_ number: Int, of key: String, upload id: String, _ body: CallBody, crc32c: String?) async throws -> Part {
        var call = S3Call("writePart", .PUT, key: key, query: [("partNumber", "\(number)"), ("uploadId", id)], body: body)
        if let crc32c { call.offer(.checksum, [("x-amz-checksum-crc32c", crc32c)]) }
        let (answer, extras) = try await client.sendOffering(call)
        guard let etag = answer.headers.first(name: "etag"), !etag.isEmpty else {
            throw CloudErrors.s3.odd("the service returned no ETag for a part", call.name)
        }
        let sent = extras.contains(.checksum) ? crc32c : nil
        return Part(number: number, etag: etag, crc32c: sent ?? answer.headers.first(name: "x-amz-checksum-crc32c"))
    }

    /// - Parameter condition: Sent with the request; a service may ignore it.
    /// - Parameter mayBeDone: Whether an earlier request to complete it was sent whose answer was lost.
    func complete(
        _ key: String, upload id: String, parts: [Part], condition: WriteCondition, mayBeDone: Bool
    ) async throws -> Completion {
        let parts = parts.sorted { $0.number < $1.number }
        var call = S3Call("complete", .POST, key: key, query: [("uploadId", id)], headers: [("content-type", "application/xml")])
        call.body = .bytes([ByteBuffer(string: Self.completion(parts, hasChecksums: false))])
        if parts.contains(where: { $0.crc32c != nil }) {
            call.offer(.completionChecksums) { $0.body = .bytes([ByteBuffer(string: Self.completion(parts, hasChecksums: true))]) }
        }
        // The caller has already checked that there is no object.
        call.offer(.completionCondition, condition.headers)
        return try await complete(call, mayBeDone: mayBeDone)
    }

    private func complete(_ call: S3Call, mayBeDone: Bool) async throws -> Completion {
        try await retries.run { attempt in
            do {
                let result = try await client.document(call)
                guard result.name == "CompleteMultipartUploadResult" else {
                    throw CloudErrors.s3.odd("the service's answer is not the result of a completion", call.name)
                }
                return .done(etag: ObjectFields.quoted(result["ETag"]?.text ?? ""))
            } catch let error as StorageError where attempt > 1 || mayBeDone {
                switch error.code {
                case .notFound where (error.cause as? S3Failure)?.code != "NoSuchBucket": return .uncertain
                case .unavailable where (error.cause as? S3Failure)?.code == "NoSuchUpload": return .uncertain
                // The existing object may be the result of the earlier request.
                case .preconditionFailed: return .uncertain
                default: throw error
                }
            }
        }
    }

    private static func completion(_ parts: [Part], hasChecksums: Bool) -> String {
        var text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for part in parts {
            text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(Markup.escape(part.etag))</ETag>"
            if hasChecksums, let crc32c = part.crc32c { text += "<ChecksumCRC32C>\(crc32c)</ChecksumCRC32C>" }
            text += "</Part>"
        }
        return text + "</CompleteMultipartUpload>"
    }

    /// Removes the parts of an upload, for a limited time, even in a cancelled task. The bucket's lifecycle rule removes what remains.
    func abort(_ key: String, upload id: String) async {
        let call = S3Call("abort", .DELETE, key: key, query: [("uploadId", id)])
        let (client, retries) = (client, retries)
        // Failures are ignored: nobody waits for the result, and the upload may already be gone.
        await cleaningUp(by: client.clock) { _ = try await retries.run { _ in try await client.send(call) } }
    }
}
