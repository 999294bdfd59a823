import Crypto

/// The name of an object in a pool: `<SHA-256 of the canonical URL>/<last path component>`.
///
/// Never the raw URL: the hash spreads prefixes, keeps signed queries out of storage and stays below every service's limit (S3 allows
/// 1,024 bytes); the last component lets curl, wget and pip still see the file's name.
public struct ObjectKey: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// Bytes in the name behind the hash, at most; file systems allow 255.
    static let maxNameLength = 200

    public init(_ artifact: ArtifactURL) {
        let hash = Hex.encode(SHA256.hash(data: Array(artifact.description.utf8)))
        description = "\(hash)/\(Self.name(of: artifact))"
    }

    /// Reads a key written by ``init(_:)-(ArtifactURL)``, from a URL's path or a listing.
    ///
    /// - Returns: `nil` unless the text is 64 lower-case hexadecimal digits, one slash and a safe name: anything else was not written by us.
    public init?(_ text: String) {
        let parts = text.split(separator: "/", omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].utf8.count == 64,
            parts[0].utf8.allSatisfy({ Hex.value(of: $0) != nil && !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) }),
            !parts[1].isEmpty, parts[1].utf8.count <= Self.maxNameLength, parts[1] == Self.sanitized(parts[1])
        else { return nil }
        description = text
    }

    /// The 64 hexadecimal digits.
    public var hash: Substring { description.prefix(64) }
    /// What stands behind the slash.
    public var name: Substring { description.dropFirst(65) }

    /// The key as the end of a URL's path.
    public var percentEncoded: String {
        "\(hash)/\(PercentCoding.encode(String(name)))"
    }

    private static func name(of artifact: ArtifactURL) -> String {
        let last = artifact.path.split(separator: "/").last ?? ""
        let name = sanitized(PercentCoding.decode(last) ?? String(last))
        return name.isEmpty ? "index" : String(name)
    }

    /// Without slashes, control characters and leading dots, and cut to ``maxNameLength`` with the extension kept.
    private static func sanitized(_ name: some StringProtocol) -> String {
        let scalars = name.unicodeScalars.filter { $0.value >= 0x20 && !(0x7F...0x9F).contains($0.value) && $0 != "/" && $0 != "\\" }
        let safe = String(String.UnicodeScalarView(scalars).drop { $0 == "." })
        guard safe.utf8.count > maxNameLength else { return safe }
        let end = safe.suffix(24)
        let fileExtension = end.firstIndex(of: ".").map { String(end[$0...]) }.flatMap { $0.utf8.count <= 32 ? $0 : nil } ?? ""
        var stem = ""
        var budget = maxNameLength - fileExtension.utf8.count
        // Scalars and not characters, one of which may be longer than the whole budget.
        for scalar in safe.unicodeScalars {
            budget -= UTF8.width(scalar)
            if budget < 0 { break }
            stem.unicodeScalars.append(scalar)
        }
        return stem + fileExtension
    }
}
