import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1

/// The steps of a multipart upload, which uploads and server-side copies have in common.
struct S3Multipart: Sendable {
    /// A part that the service holds.
    struct Part: Sendable {
        /// From 1.
        var number: Int
        var etag: String
        /// Of its bytes, in base64, where one was sent.
        var crc32c: String?
    }

    /// How a completion ended.
    enum Completion: Sendable {
        /// - Parameter etag: Empty when the service does not say.
        case done(etag: String)
        /// The upload is gone, and an earlier request may have been the reason: the object itself has to tell.
        case uncertain
    }

    let client: S3Client
    let retries: S3Retries

    /// How long an upload that nobody wants any more is waited for.
    private static let abortLimit: Duration = .seconds(15)

    /// - Returns: The upload's identifier.
    func create(_ key: String, metadata: ObjectMetadata, hasChecksums: Bool) async throws -> String {
        var headers = S3Metadata.headers(metadata)
        if hasChecksums { headers.append(("x-amz-checksum-algorithm", "CRC32C")) }
        let call = S3Call("createUpload", .POST, key: key, query: [("uploads", nil)], headers: headers)
        return try await retries.run { _ in
            guard let id = try await client.document(call)["UploadId"]?.text, !id.isEmpty else {
                throw S3Error.odd("the service began an upload and does not say which", call.name)
            }
            return id
        }
    }

    /// - Parameter crc32c: Of the bytes, in base64.
    func write(_ number: Int, of key: String, upload id: String, _ body: S3Call.Body, crc32c: String?) async throws -> Part {
        var call = S3Call("writePart", .PUT, key: key, query: [("partNumber", "\(number)"), ("uploadId", id)], body: body)
        if let crc32c { call.headers.append(("x-amz-checksum-crc32c", crc32c)) }
        let answer = try await client.send(call)
        guard let etag = answer.headers.first(name: "etag"), !etag.isEmpty else {
            throw S3Error.odd("the service took a part and does not name it", call.name)
        }
        return Part(number: number, etag: etag, crc32c: crc32c ?? answer.headers.first(name: "x-amz-checksum-crc32c"))
    }

    /// - Parameter condition: Sent along; a service may ignore it.
    /// - Parameter mayBeDone: Whether a request to complete it was sent before, whose answer did not come.
    func complete(
        _ key: String, upload id: String, parts: [Part], condition: WriteCondition, mayBeDone: Bool
    ) async throws -> Completion {
        var text = "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">"
        for part in parts.sorted(by: { $0.number < $1.number }) {
            text += "<Part><PartNumber>\(part.number)</PartNumber><ETag>\(S3XML.escape(part.etag))</ETag>"
            if let crc32c = part.crc32c { text += "<ChecksumCRC32C>\(crc32c)</ChecksumCRC32C>" }
            text += "</Part>"
        }
        text += "</CompleteMultipartUpload>"
        var call = S3Call("complete", .POST, key: key, query: [("uploadId", id)], headers: [("content-type", "application/xml")])
        call.headers += condition.headers
        call.body = .bytes([ByteBuffer(string: text)])
        return try await retries.run { attempt in
            do {
                return .done(etag: S3Store.quoted(try await client.document(call)["ETag"]?.text ?? ""))
            } catch let error as StorageError where attempt > 1 || mayBeDone {
                switch error.code {
                case .notFound where (error.cause as? S3Failure)?.code != "NoSuchBucket": return .uncertain
                // What is there may be what the earlier request made.
                case .preconditionFailed: return .uncertain
                default: throw error
                }
            }
        }
    }

    /// Removes the parts of an upload, for a limited time, also in a cancelled task. What remains is for the bucket's lifecycle rule.
    func abort(_ key: String, upload id: String) async {
        let call = S3Call("abort", .DELETE, key: key, query: [("uploadId", id)])
        let (client, clock, retries) = (client, client.clock, retries)
        await Task {
            await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    // Nobody is left to tell, and an upload that is gone is what was wanted.
                    do { _ = try await retries.run { _ in try await client.send(call) } } catch {}
                }
                group.addTask { do { try await clock.sleep(for: Self.abortLimit) } catch {} }
                await group.next()
                group.cancelAll()
            }
        }.value
    }
}

extension WriteCondition {
    var headers: [(name: String, value: String)] {
        switch self {
        case .none: []
        case .absent: [("if-none-match", "*")]
        }
    }
}
