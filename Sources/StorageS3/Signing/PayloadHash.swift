import Crypto
import MirrorCore
package import NIOCore

/// How a signature covers the request's body: the value of `x-amz-content-sha256`.
package enum PayloadHash: Sendable, Equatable {
    /// SHA-256 of the body, in lower-case hexadecimal.
    case sha256(hex: String)
    /// The signature does not cover the body; only used where TLS protects it.
    case unsigned
    /// The body is sent in chunks (``S3Signer/sign(_:body:as:at:)``).
    case chunked(ChunkedPayload)

    /// There is no body.
    package static let empty = PayloadHash.sha256(hex: emptyHex)

    /// Hashes a body that is in memory.
    package init(of body: [ByteBuffer]) {
        var hash = SHA256()
        for buffer in body { buffer.withUnsafeReadableBytes { hash.update(bufferPointer: $0) } }
        self = .sha256(hex: Hex.encode(hash.finalize()))
    }

    static let emptyHex = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
    static let unsignedText = "UNSIGNED-PAYLOAD"

    package var fieldValue: String {
        switch self {
        case .sha256(let hex): hex
        case .unsigned: Self.unsignedText
        case .chunked(let payload): payload.contentSHA256
        }
    }
}
