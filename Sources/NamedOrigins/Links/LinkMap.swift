package import MirrorCore

/// Where the links of a page lead.
package protocol LinkMap: Sendable {
    /// - Returns: `nil` for a URL that the mirror does not fetch; links to it stay as they are.
    func place(of url: ArtifactURL) -> LinkPlace?

    /// Differs between maps that would rewrite links differently.
    var fingerprint: String { get }
}

/// A part of an origin, and where it is below `/o/`.
package struct LinkPlace: Sendable, Equatable {
    /// The prefix of the URLs of this place; ends in `/` and has no query.
    package let url: ArtifactURL
    /// What represents it after `/o/`: `pip/~files.example.org/`.
    package let path: String
    /// Whether every URL with this prefix is at this place, so that the next one need not be looked up.
    package let isWhole: Bool

    package init(url: ArtifactURL, path: String, isWhole: Bool) {
        self.url = url
        self.path = path
        self.isWhole = isWhole
    }
}

/// A part of a path that states a digest of the artifact: `~sha256=HEX`.
package enum DigestMark {
    /// - Returns: `nil` for an algorithm that is too weak, or that copies are not compared by: only their SHA-256 is known.
    package static func text(of digest: Digest) -> String? {
        switch digest.algorithm {
        case .sha256: "~sha256=\(digest.hex)"
        case .sha512, .md5, .sha1, .crc32c, .crc64nvme: nil
        }
    }

    /// - Returns: `nil` for any other part of a path.
    package static func digest(_ text: some StringProtocol) -> Digest? {
        // pip writes the equals sign percent-encoded.
        guard text.utf8.first == UInt8(ascii: "~"), let text = PercentCoding.decode(text) else { return nil }
        let name = "~sha256="
        guard text.utf8.starts(with: name.utf8) else { return nil }
        return Digest(.sha256, hex: String(decoding: Array(text.utf8.dropFirst(name.utf8.count)), as: UTF8.self))
    }
}
