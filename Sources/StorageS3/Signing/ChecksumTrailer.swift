import Crypto
import MirrorCore

/// A checksum of the body that follows it, for when it is not known before.
package enum ChecksumTrailer: String, Sendable, CaseIterable {
    case crc32c, sha256

    /// `x-amz-checksum-crc32c`
    package var fieldName: String { "x-amz-checksum-\(rawValue)" }

    /// Characters of the value: base64 of the checksum.
    var valueLength: Int {
        switch self {
        case .crc32c: 8
        case .sha256: 44
        }
    }
}

/// A checksum of the bytes so far.
enum RunningChecksum {
    case crc32c(CRC32C)
    case sha256(SHA256)

    init(_ algorithm: ChecksumTrailer) {
        switch algorithm {
        case .crc32c: self = .crc32c(CRC32C())
        case .sha256: self = .sha256(SHA256())
        }
    }

    mutating func update(_ bytes: UnsafeRawBufferPointer) {
        switch self {
        case .crc32c(var checksum):
            checksum.update(bytes)
            self = .crc32c(checksum)
        case .sha256(var checksum):
            checksum.update(bufferPointer: bytes)
            self = .sha256(checksum)
        }
    }

    var base64: String {
        switch self {
        case .crc32c(let checksum): Base64.encode(checksum.bytes)
        case .sha256(let checksum): Base64.encode(Array(checksum.finalize()))
        }
    }
}
