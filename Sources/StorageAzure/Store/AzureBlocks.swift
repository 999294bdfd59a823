import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1
import StorageCloud
import Synchronization

/// The steps of an upload in blocks, shared by uploads and copies by the service.
struct AzureBlocks: Sendable {
    /// A block that the service holds.
    struct Block: Sendable {
        var id: String
        /// The checksum of its bytes, if the service stated it.
        var crc64: UInt64?
    }

    /// What a blob became.
    struct Commit: Sendable {
        var etag: String
        var lastModified: Timestamp
    }

    let client: AzureClient
    let retries: StepRetry

    /// One request: a caller without a retry layer retries it itself.
    func write(_ id: String, of name: String, _ body: CallBody) async throws -> Block {
        var call = AzureCall("writePart", .PUT, .object(name), query: [("comp", "block"), ("blockid", id)], body: body)
        let sent: UInt64?
        let streamed: RunningCheck?
        switch body {
        case .none, .bytes:
            sent = body.crc64
            streamed = nil
            if let sent { call.headers.append(("x-ms-content-crc64", AzureCRC64.text(sent))) }
        case .stream(let stream, let length):
            let check = RunningCheck()
            sent = nil
            streamed = check
            let checked = stream.passing(check) { base, check in
                let chunk = try await base.next()
                if let chunk { check.update(chunk) }
                return chunk
            }
            call.body = .stream(checked, length: length)
        }
        let answer = try await client.send(call)
        return try Self.block(id, answer, expecting: sent ?? streamed?.crc64, call.name)
    }

    /// - Parameter source: Fields that name what the service has to read, and authorize it. Requested again for each request: a token
    ///   may end.
    func copy(
        _ id: String, of name: String, range: ByteRange?, from source: @Sendable () async throws -> [(name: String, value: String)],
        md5: Digest? = nil
    ) async throws -> Block {
        try await retries.run { _ in
            var call = AzureCall("copyPart", .PUT, .object(name), query: [("comp", "block"), ("blockid", id)])
            call.headers = try await source()
            if let range { call.headers.append(("x-ms-source-range", range.fieldValue)) }
            if let md5 { call.headers.append(("x-ms-source-content-md5", md5.base64)) }
            return try Self.block(id, try await client.send(call), expecting: nil, call.name)
        }
    }

    private static func block(_ id: String, _ answer: AzureAnswer, expecting expected: UInt64?, _ call: String) throws -> Block {
        let stated = answer.headers.first(name: "x-ms-content-crc64").flatMap(AzureCRC64.value)
        if let stated, let expected, stated != expected {
            throw CloudErrors.azure.error(.checksumMismatch, "the service received different bytes from those sent", call)
        }
        return Block(id: id, crc64: stated)
    }

    /// Commits the blocks as a blob, in their order.
    ///
    /// - Throws: `.preconditionFailed` where `condition` does not hold; `.unavailable` where the service no longer has all blocks.
    func commit(
        _ name: String, _ blocks: [Block], metadata: ObjectMetadata, md5: Digest? = nil, condition: WriteCondition
    ) async throws -> Commit {
        var text = "<?xml version=\"1.0\" encoding=\"utf-8\"?><BlockList>"
        for block in blocks { text += "<Latest>\(block.id)</Latest>" }
        text += "</BlockList>"
        let body = CallBody.bytes([ByteBuffer(string: text)])
        var call = AzureCall(
            "complete", .PUT, .object(name), query: [("comp", "blocklist")],
            headers: [("content-type", "application/xml")] + MetadataFields.azure.headers(metadata) + condition.headers, body: body)
        if let crc64 = body.crc64 { call.headers.append(("x-ms-content-crc64", AzureCRC64.text(crc64))) }
        if let md5 { call.headers.append(("x-ms-blob-content-md5", md5.base64)) }
        return try Self.commit(try await client.send(call), call.name, now: client.now)
    }

    static func commit(_ answer: AzureAnswer, _ call: String, now: Timestamp) throws -> Commit {
        guard let etag = answer.headers.first(name: "etag"), !etag.isEmpty else {
            throw CloudErrors.azure.odd("the service returned no ETag for an object", call)
        }
        return Commit(
            etag: ObjectFields.quoted(etag),
            lastModified: answer.headers.first(name: "last-modified").flatMap(Timestamp.init(rfc3339OrHTTPDate:)) ?? now)
    }
}

/// The checksum of a stream, which is known once the stream has been read.
private final class RunningCheck: Sendable {
    private let crc = Mutex(CRC64NVME())

    var crc64: UInt64 { crc.withLock { $0.value } }

    func update(_ chunk: ByteBuffer) {
        crc.withLock { crc in chunk.withUnsafeReadableBytes { crc.update($0) } }
    }
}
