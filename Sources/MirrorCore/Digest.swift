/// A cryptographic or cyclic digest of an artifact's bytes.
public struct Digest: Sendable, Hashable, CustomStringConvertible {
    /// A hash algorithm, named as in the registry "Hash Algorithms for HTTP Digest Fields" (RFC 9530), if it is registered.
    public enum Algorithm: String, Sendable, CaseIterable {
        /// MD5 (RFC 1321).
        case md5
        /// SHA-1 (RFC 3174).
        case sha1 = "sha"
        /// SHA-256 (RFC 6234).
        case sha256 = "sha-256"
        /// SHA-512 (RFC 6234).
        case sha512 = "sha-512"
        /// See ``CRC32C``.
        case crc32c
        /// See ``CRC64NVME``.
        case crc64nvme

        /// Length of the digest in bytes.
        public var byteCount: Int {
            switch self {
            case .crc32c: 4
            case .crc64nvme: 8
            case .md5: 16
            case .sha1: 20
            case .sha256: 32
            case .sha512: 64
            }
        }
    }

    /// The algorithm that it was computed with.
    public let algorithm: Algorithm
    /// The digest, ``Algorithm/byteCount`` bytes in network order.
    public let bytes: [UInt8]

    /// - Returns: `nil` if the number of bytes is wrong for the algorithm.
    public init?(_ algorithm: Algorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Reads hexadecimal digits of either case.
    ///
    /// - Returns: `nil` for anything else, and for a wrong length.
    public init?(_ algorithm: Algorithm, hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(algorithm, bytes: bytes)
    }

    /// Reads Base64, with or without padding.
    ///
    /// - Returns: `nil` for anything else, and for a wrong length.
    public init?(_ algorithm: Algorithm, base64: String) {
        guard let bytes = Base64.decode(base64) else { return nil }
        self.init(algorithm, bytes: bytes)
    }

    /// Lower-case hexadecimal digits.
    public var hex: String { Hex.encode(bytes) }
    /// Base64 with padding.
    public var base64: String { Base64.encode(bytes) }

    /// `sha-256:9f86…`
    public var description: String { "\(algorithm.rawValue):\(hex)" }
}
