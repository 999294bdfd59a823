import MirrorCore
import StorageCloud

/// A body of known length that is sent in the service's own chunks (`aws-chunked`): each is signed, or a checksum follows them all.
///
/// - SeeAlso: Amazon S3 API Reference, "Transferring Payload in Multiple Chunks" and "Including Trailing Headers".
package struct ChunkedPayload: Sendable, Hashable {
    package enum Protection: Sendable, Hashable {
        /// Each chunk is signed: for connections without TLS.
        case signed
        /// A CRC-32C follows; the signature does not cover the body: for connections with TLS.
        case checked
    }

    /// Bytes.
    package static let defaultChunkSize = 64 << 10
    /// Bytes: the service refuses smaller chunks, except the last.
    package static let minChunkSize = 8 << 10

    /// Bytes of the body itself.
    package let decodedLength: Int64
    package let protection: Protection
    /// Bytes of each chunk but the last.
    package let chunkSize: Int

    /// - Parameters:
    ///   - decodedLength: Bytes; 0 or more, below 2^60.
    ///   - chunkSize: Bytes; at least ``minChunkSize``. One chunk is held in memory.
    package init(decodedLength: Int64, protection: Protection, chunkSize: Int = Self.defaultChunkSize) {
        self.decodedLength = min(max(decodedLength, 0), 1 << 60)
        self.protection = protection
        self.chunkSize = max(chunkSize, Self.minChunkSize)
    }

    var isSigned: Bool { protection == .signed }

    /// The value of `x-amz-content-sha256`.
    var contentSHA256: String {
        switch protection {
        case .signed: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"
        case .checked: "STREAMING-UNSIGNED-PAYLOAD-TRAILER"
        }
    }

    /// Bytes on the wire: the `Content-Length` of the request.
    package var encodedLength: Int64 {
        let full = decodedLength / Int64(chunkSize)
        let rest = Int(decodedLength % Int64(chunkSize))
        var length = full * encodedLength(ofChunk: chunkSize)
        if rest > 0 { length += encodedLength(ofChunk: rest) }
        // The empty chunk: its first line, and the line that ends the body.
        length += Int64(head(ofChunk: 0).utf8.count + ChunkSyntax.lineEnd.utf8.count)
        if !isSigned { length += Int64(ChunkSyntax.trailer(CRC32C()).utf8.count) }
        return length
    }

    private func encodedLength(ofChunk size: Int) -> Int64 {
        Int64(head(ofChunk: size).utf8.count + size + ChunkSyntax.lineEnd.utf8.count)
    }

    /// The line before a chunk, with zeros for its signature.
    func head(ofChunk size: Int) -> String {
        let size = String(size, radix: 16)
        return isSigned ? "\(size)\(ChunkSyntax.chunkSignature)\(ChunkSyntax.lineEnd)" : "\(size)\(ChunkSyntax.lineEnd)"
    }

    /// Adds the header fields for such a body.
    func addHeaders(to request: inout SignableRequest) {
        let encodings = request.header("content-encoding")?.split(separator: ",").map { String($0.drop { $0 == " " }) } ?? []
        if encodings.first?.lowercased() != "aws-chunked" {
            // The service removes its own coding and keeps the others with the object.
            request.setHeader("content-encoding", (["aws-chunked"] + encodings).joined(separator: ","))
        }
        request.setHeader("x-amz-decoded-content-length", "\(decodedLength)")
        if !isSigned { request.setHeader("x-amz-trailer", ChunkSyntax.checksumName) }
    }
}

/// The fixed texts of the encoding. The zeros are placeholders for a signature.
enum ChunkSyntax {
    static let lineEnd = "\r\n"
    static let signatureLength = 64
    static let chunkSignature = ";chunk-signature=" + String(repeating: "0", count: signatureLength)
    static let checksumName = "x-amz-checksum-crc32c"

    /// The line after the last chunk.
    static func trailer(_ checksum: CRC32C) -> String { "\(checksumName):\(Base64.encode(checksum.bytes))\(lineEnd)" }
}
