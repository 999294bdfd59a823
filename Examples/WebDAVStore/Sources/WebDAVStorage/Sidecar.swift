import Foundation
import MirrorCore
import MirrorStorage
import NIOCore

/// What is kept of an object beside its bytes: a JSON document.
///
/// Whoever reads the artifact may read this, too, so the query of its URL is not in it: that may be a signature.
struct Sidecar: Codable, Equatable {
    /// Bytes of the document, at most: a URL has 8 KiB, and a chain of redirects is short.
    static let maxLength = 1 << 20

    var key: String
    /// Bytes.
    var size: Int64
    /// Lower-case hexadecimal.
    var sha256: String
    /// The server's entity tag of the bytes: with another one, they are others.
    var dataETag: String?
    /// Milliseconds since 1970, like the other times.
    var lastModified: Int64
    var contentType: String?
    var contentEncoding: String?
    var contentDisposition: String?
    var upstreamURL: String
    var upstreamETag: String?
    var upstreamContentLength: Int64?
    var upstreamLastModified: Int64?
    var stored: Int64
    var addresses: [String]
    var originFields: String?

    init(_ key: ObjectKey, size: Int64, sha256: Digest, lastModified: Timestamp, metadata: ObjectMetadata) {
        self.key = key.description
        self.size = size
        self.sha256 = sha256.hex
        self.lastModified = lastModified.milliseconds
        contentType = metadata.contentType
        contentEncoding = metadata.contentEncoding
        contentDisposition = metadata.contentDisposition
        // By bytes: a mark that combines with the question mark does not hide it.
        upstreamURL = String(Substring(metadata.upstreamURL.utf8.prefix { $0 != UInt8(ascii: "?") }))
        upstreamETag = metadata.upstreamETag
        upstreamContentLength = metadata.upstreamContentLength
        upstreamLastModified = metadata.upstreamLastModified?.milliseconds
        stored = metadata.stored.milliseconds
        addresses = metadata.addresses
        originFields = metadata.originFields.isEmpty ? nil : metadata.originFields.text
    }

    /// - Returns: `nil` for what was not written by ``encoded()``.
    init?(_ document: ByteBuffer) {
        guard let sidecar = try? ForeignJSON.decode(Sidecar.self, from: Array(document.readableBytesView)) else { return nil }
        self = sidecar
    }

    func encoded() throws -> ByteBuffer {
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]
        return ByteBuffer(bytes: try encoder.encode(self))
    }

    /// The object that this is the sidecar of; `nil` if it makes no sense.
    var info: ObjectInfo? {
        guard let key = ObjectKey(key), size >= 0, let sha256 = Digest(.sha256, hex: sha256) else { return nil }
        let metadata = ObjectMetadata(
            contentType: contentType, contentEncoding: contentEncoding, contentDisposition: contentDisposition, upstreamURL: upstreamURL,
            upstreamETag: upstreamETag, upstreamContentLength: upstreamContentLength,
            upstreamLastModified: upstreamLastModified.map { Timestamp(milliseconds: $0) }, stored: Timestamp(milliseconds: stored),
            addresses: addresses, sha256: sha256, originFields: OriginFields(text: originFields ?? ""))
        // Not the server's own entity tag, which may be the same for others of the same second and length.
        return ObjectInfo(
            key: key, size: size, etag: "\"\(sha256.hex.prefix(32))\"", lastModified: Timestamp(milliseconds: lastModified),
            metadata: metadata)
    }

    /// Whether what the server has as the object's bytes can be them.
    func fits(_ data: WebDAVClient.Held) -> Bool {
        guard data.length == nil || data.length == size else { return false }
        guard let known = dataETag, let etag = data.etag else { return true }
        // A server may call a tag weak for the first second, and strong later.
        return Self.opaque(known) == Self.opaque(etag)
    }

    /// For `If-Match`, which compares strong tags only (RFC 9110 §13.1.1).
    var strongETag: String? { dataETag.flatMap { $0.hasPrefix("\"") ? $0 : nil } }

    private static func opaque(_ etag: String) -> Substring { etag.hasPrefix("W/") ? etag.dropFirst(2) : etag[...] }
}
