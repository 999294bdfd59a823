import MirrorCore
import MirrorNet
import MirrorStorage
import NIOHTTP1

/// What an origin says of an artifact, and its bytes or a range of them.
struct OriginResponse: Sendable {
    /// The range that `body` holds; `nil` for the whole artifact.
    let range: ByteRange?
    /// The whole artifact's bytes, where they are stated.
    let totalSize: Int64?
    /// A strong entity tag with its quotes; weak ones say nothing of bytes.
    let strongETag: String?
    let headers: HTTPHeaders
    /// Of the whole artifact.
    let statedDigests: [Digest]
    let body: ByteStream
    /// What answered, at the end of the redirect chain.
    let url: ArtifactURL
    let addresses: [ArtifactURL]

    /// - Throws: ``CopyError`` for a status that is not success, and for a partial answer that is not the one asked for.
    init(_ response: OutboundResponse, requested: ByteRange?) throws {
        try self.init(
            status: response.status, headers: response.headers, body: ByteStream(response.body), url: response.url,
            addresses: response.addresses, requested: requested)
    }

    /// The same for an answer out of a bucket.
    init(_ answer: BucketAnswer, of artifact: ArtifactURL, requested: ByteRange?) throws {
        try self.init(
            status: answer.status, headers: HTTPHeaders(answer.headers.map { ($0.name, $0.value) }), body: answer.body, url: artifact,
            addresses: [artifact], requested: requested)
    }

    private init(
        status: Int, headers: HTTPHeaders, body: ByteStream, url: ArtifactURL, addresses: [ArtifactURL], requested: ByteRange?
    ) throws {
        self.headers = headers
        self.body = body
        self.url = url
        self.addresses = addresses
        strongETag = headers.first(name: "ETag").flatMap { $0.hasPrefix("\"") && $0.utf8.count >= 3 ? $0 : nil }
        switch status {
        case 200, 203:
            range = nil
            totalSize = Self.contentLength(headers)
        case 206:
            guard let requested, let stated = ContentRange(headers.first(name: "Content-Range") ?? ""),
                stated.first == requested.offset, let total = stated.total, stated.last < total,
                stated.last == min(requested.end, total) - 1
            else {
                throw CopyError(.transfer, isTransient: true, "the origin answered with a range that was not asked for")
            }
            range = ByteRange(offset: stated.first, length: stated.last - stated.first + 1)
            totalSize = total
        default:
            throw Self.error(status: status, headers: headers)
        }
        statedDigests = StatedDigests.read(headers, isWhole: range == nil || range?.length == totalSize)
    }

    func metadata(of artifact: ArtifactURL, stored: Timestamp) -> ObjectMetadata {
        ObjectMetadata(
            contentType: headers.first(name: "Content-Type"), contentEncoding: headers.first(name: "Content-Encoding"),
            contentDisposition: headers.first(name: "Content-Disposition"), upstreamURL: artifact.description,
            upstreamETag: headers.first(name: "ETag"), upstreamContentLength: totalSize, stored: stored,
            addresses: addresses.map(\.redacted))
    }

    private static func contentLength(_ headers: HTTPHeaders) -> Int64? {
        headers.first(name: "Content-Length").flatMap { Int64($0) }.flatMap { $0 >= 0 ? $0 : nil }
    }

    private static func error(status: Int, headers: HTTPHeaders) -> CopyError {
        let retryAfter = headers.first(name: "Retry-After").flatMap { Int64($0) }.flatMap {
            (0...3_600).contains($0) ? Duration.seconds($0) : nil
        }
        switch status {
        case 408, 425, 429, 500...599:
            return CopyError(.origin(status: status), isTransient: true, "the origin answered \(status)", retryAfter: retryAfter)
        case 400...499:
            return CopyError(.origin(status: status), isTransient: false, "the origin answered \(status)")
        default:
            return CopyError(.transfer, isTransient: false, "the origin answered \(status), which is no artifact")
        }
    }
}

/// A `Content-Range` field of a byte range (RFC 9110 §14.4).
struct ContentRange: Equatable {
    let first: Int64
    let last: Int64
    /// `nil` for `*`.
    let total: Int64?

    init?(_ value: String) {
        guard value.lowercased().hasPrefix("bytes ") else { return nil }
        let parts = value.dropFirst(6).split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2 else { return nil }
        let ends = parts[0].split(separator: "-", omittingEmptySubsequences: false)
        guard ends.count == 2, let first = Self.number(ends[0]), let last = Self.number(ends[1]), first <= last else { return nil }
        self.first = first
        self.last = last
        if parts[1] == "*" {
            total = nil
        } else {
            guard let number = Self.number(parts[1]) else { return nil }
            total = number
        }
    }

    /// Digits alone: `Int64.init` would also read a sign.
    private static func number(_ text: Substring) -> Int64? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }) else { return nil }
        return Int64(text)
    }
}
