/// A cryptographic or cyclic digest of an artifact's bytes.
public struct Digest: Sendable, Hashable, CustomStringConvertible {
    public enum Algorithm: String, Sendable, CaseIterable {
        // The names of the "Hash Algorithms for HTTP Digest Fields" registry where it has them (RFC 9530).
        case md5, sha1 = "sha", sha256 = "sha-256", sha512 = "sha-512", crc32c

        /// Length of the digest in bytes.
        public var byteCount: Int {
            switch self {
            case .crc32c: 4
            case .md5: 16
            case .sha1: 20
            case .sha256: 32
            case .sha512: 64
            }
        }
    }

    public let algorithm: Algorithm
    public let bytes: [UInt8]

    /// - Returns: `nil` when the number of bytes is not the algorithm's.
    public init?(_ algorithm: Algorithm, bytes: [UInt8]) {
        guard bytes.count == algorithm.byteCount else { return nil }
        self.algorithm = algorithm
        self.bytes = bytes
    }

    /// Lower-case hexadecimal of `algorithm`.
    public init?(_ algorithm: Algorithm, hex: String) {
        guard let bytes = Hex.decode(hex) else { return nil }
        self.init(algorithm, bytes: bytes)
    }

    public init?(_ algorithm: Algorithm, base64: String) {
        guard let bytes = Base64.decode(base64) else { return nil }
        self.init(algorithm, bytes: bytes)
    }

    public var hex: String { Hex.encode(bytes) }
    public var base64: String { Base64.encode(bytes) }

    /// `sha-256:9f86…`
    public var description: String { "\(algorithm.rawValue):\(hex)" }
}
