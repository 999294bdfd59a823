import MirrorCore
import MirrorStorage
import MirrorSystem
import NIOCore

#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// The end of an object's file, after the bytes: a JSON document, then a trailer of fixed length that says where both begin.
///
/// The trailer's 32 bytes, integers in network order: the object's length (8 bytes), the document's length (4), the document's CRC-32 (4),
/// and ``magic`` (16).
struct ObjectFooter: Codable, Equatable {
    static let trailerLength = 32
    static let magic = Array("cloud-mirror/1\r\n".utf8)
    /// Bytes of the document; many times what an origin's fields need.
    static let maxDocumentLength = 1 << 20

    var key: String
    var size: Int64
    var sha256: String
    /// Milliseconds since 1970.
    var lastModified: Int64
    var contentType: String?
    var contentEncoding: String?
    var contentDisposition: String?
    var upstreamURL: String
    var upstreamETag: String?
    var upstreamContentLength: Int64?
    /// Milliseconds since 1970.
    var upstreamLastModified: Int64?
    /// Milliseconds since 1970.
    var stored: Int64
    var addresses: [String]
    /// `nil` for none, and in what older versions wrote.
    var originFields: String?

    init(key: ObjectKey, size: Int64, sha256: Digest, lastModified: Timestamp, metadata: ObjectMetadata) {
        self.key = key.description
        self.size = size
        self.sha256 = sha256.hex
        self.lastModified = lastModified.milliseconds
        contentType = metadata.contentType
        contentEncoding = metadata.contentEncoding
        contentDisposition = metadata.contentDisposition
        upstreamURL = metadata.upstreamURL
        upstreamETag = metadata.upstreamETag
        upstreamContentLength = metadata.upstreamContentLength
        upstreamLastModified = metadata.upstreamLastModified?.milliseconds
        stored = metadata.stored.milliseconds
        addresses = metadata.addresses
        originFields = metadata.originFields.isEmpty ? nil : metadata.originFields.text
    }

    /// - Returns: `nil` if the footer belongs to another key, or its digest is not a SHA-256.
    func info(for key: ObjectKey) -> ObjectInfo? {
        guard self.key == key.description, let digest = Digest(.sha256, hex: sha256) else { return nil }
        return ObjectInfo(
            key: key, size: size, etag: "\"\(digest.hex.prefix(32))\"", lastModified: Timestamp(milliseconds: lastModified),
            metadata: ObjectMetadata(
                contentType: contentType, contentEncoding: contentEncoding, contentDisposition: contentDisposition,
                upstreamURL: upstreamURL, upstreamETag: upstreamETag, upstreamContentLength: upstreamContentLength,
                upstreamLastModified: upstreamLastModified.map(Timestamp.init(milliseconds:)),
                stored: Timestamp(milliseconds: stored), addresses: addresses, sha256: digest,
                originFields: OriginFields(text: originFields ?? "")))
    }

    /// - Throws: ``StorageError/Code/invalidRequest`` if the metadata is longer than ``maxDocumentLength``.
    func encoded(operation: String) throws -> ByteBuffer {
        let document = Array(try JSONEncoder().encode(self))
        guard document.count <= Self.maxDocumentLength else {
            throw StorageError(.invalidRequest, "the metadata is longer than \(Self.maxDocumentLength) bytes", operation: operation)
        }
        var buffer = ByteBufferAllocator().buffer(capacity: document.count + Self.trailerLength)
        buffer.writeBytes(document)
        buffer.writeInteger(size)
        buffer.writeInteger(UInt32(document.count))
        buffer.writeInteger(CRC32.checksum(document))
        buffer.writeBytes(Self.magic)
        return buffer
    }

    /// Reads the footer of an object's file.
    ///
    /// - Returns: `nil` for anything that is not a complete object file: it is treated as absent.
    static func read(from file: Descriptor) throws -> ObjectFooter? {
        guard let fileSize = try file.fileSize(), fileSize >= Int64(trailerLength) else { return nil }
        // One read is enough unless the metadata is unusually long.
        let guess = min(fileSize, 4096)
        var tail = try file.read(Int(guess), at: fileSize - guess)
        guard let trailer = Trailer(tail), trailer.fileSize == fileSize else { return nil }
        let footerLength = trailer.documentLength + trailerLength
        if tail.readableBytes < footerLength {
            tail = try file.read(footerLength, at: fileSize - Int64(footerLength))
        }
        guard tail.readableBytes >= footerLength,
            let document = tail.getBytes(at: tail.writerIndex - footerLength, length: trailer.documentLength),
            CRC32.checksum(document) == trailer.checksum,
            let footer = try? ForeignJSON.decode(ObjectFooter.self, from: document), footer.size == trailer.objectSize
        else { return nil }
        return footer
    }

    private struct Trailer {
        let objectSize: Int64
        let documentLength: Int
        let checksum: UInt32

        /// - Returns: `nil` unless the buffer ends in a trailer.
        init?(_ tail: ByteBuffer) {
            let start = tail.writerIndex - trailerLength
            guard tail.readableBytes >= trailerLength, tail.getBytes(at: start + 16, length: 16) == magic,
                let objectSize = tail.getInteger(at: start, as: Int64.self), objectSize >= 0,
                let documentLength = tail.getInteger(at: start + 8, as: UInt32.self), documentLength <= maxDocumentLength,
                let checksum = tail.getInteger(at: start + 12, as: UInt32.self)
            else { return nil }
            self.objectSize = objectSize
            self.documentLength = Int(documentLength)
            self.checksum = checksum
        }

        /// - Returns: `nil` for a length that no file can have.
        var fileSize: Int64? {
            let (sum, overflow) = objectSize.addingReportingOverflow(Int64(documentLength + trailerLength))
            return overflow ? nil : sum
        }
    }
}

/// CRC-32 as in gzip (RFC 1952 §8), bit by bit: the documents are short.
enum CRC32 {
    static func checksum(_ bytes: [UInt8]) -> UInt32 {
        var remainder = UInt32.max
        for byte in bytes {
            remainder ^= UInt32(byte)
            for _ in 0..<8 {
                let isOdd = remainder & 1 == 1
                remainder >>= 1
                if isOdd { remainder ^= 0xEDB8_8320 }
            }
        }
        return ~remainder
    }
}
