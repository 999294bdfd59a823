import Crypto

extension ArtifactURL {
    /// The SHA-256 of the name in lower-case hexadecimal digits. Objects and records are found by it, because a name can be long.
    package var nameHash: String { Self.nameHash(of: description) }

    package static func nameHash(of name: String) -> String { SHA256.hash(of: name).withUnsafeBytes { Hex.encode($0) } }

    /// The number of digits of ``nameHash``.
    package static let nameHashLength = 64

    /// The same 32 bytes, in memory order.
    package var nameHashWords: SIMD4<UInt64> {
        var words = SIMD4<UInt64>()
        let digest = SHA256.hash(of: description)
        withUnsafeMutableBytes(of: &words) { words in digest.withUnsafeBytes { words.copyMemory(from: $0) } }
        return words
    }
}
