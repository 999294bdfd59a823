import Crypto

extension ArtifactURL {
    /// The SHA-256 of the name in lower-case hexadecimal digits: what objects and records are found by, because a name can be long.
    package var nameHash: String { Self.nameHash(of: description) }

    package static func nameHash(of name: String) -> String { Hex.encode(SHA256.hash(data: Array(name.utf8))) }

    /// Digits of ``nameHash``.
    package static let nameHashLength = 64
}
