/// The name of an object in a pool: `<SHA-256 of the canonical URL>/<last path component>`.
///
/// Never the raw URL: the hash spreads prefixes, keeps signed queries out of storage and stays below every service's limit (1,024
/// bytes in the usual clouds). The last component lets curl, wget and pip see the file's name.
public struct ObjectKey: Sendable, Hashable, CustomStringConvertible {
    public let description: String

    /// The maximum length of the name after the hash, in bytes; file systems allow 255.
    static let maxNameLength = 200

    /// The key of an artifact: always the same, in every pool.
    public init(_ artifact: ArtifactURL) {
        self.init(artifact, hash: artifact.nameHash)
    }

    /// - Parameter hash: The artifact's `nameHash`.
    package init(_ artifact: ArtifactURL, hash: String) {
        description = "\(hash)/\(Self.name(of: artifact))"
    }

    /// Reads a key written by ``init(_:)-(ArtifactURL)``, from a URL's path or a listing.
    ///
    /// - Returns: `nil` unless the text is 64 lower-case hexadecimal digits, one slash and a safe name: the mirror did not write anything else.
    public init?(_ text: String) {
        let parts = text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        guard parts.count == 2, parts[0].count == Self.hashLength,
            parts[0].allSatisfy({ Hex.value(of: $0) != nil && !(UInt8(ascii: "A")...UInt8(ascii: "F")).contains($0) }),
            !parts[1].isEmpty, parts[1].count <= Self.maxNameLength,
            parts[1].elementsEqual(Self.sanitized(String(Substring(parts[1]))).utf8)
        else { return nil }
        description = text
    }

    // By bytes, not characters: a combining mark at the name's beginning forms one character with the slash before it.

    /// The 64 hexadecimal digits.
    public var hash: Substring { Substring(description.utf8.prefix(Self.hashLength)) }
    /// The name after the slash.
    public var name: Substring { Substring(description.utf8.dropFirst(Self.hashLength + 1)) }

    private static let hashLength = ArtifactURL.nameHashLength

    /// The key as the end of a URL's path.
    public var percentEncoded: String {
        "\(hash)/\(PercentCoding.encode(String(name)))"
    }

    private static func name(of artifact: ArtifactURL) -> String {
        if let name = plainName(of: artifact.path) { return name }
        let last = artifact.path.split(separator: "/").last ?? ""
        let name = sanitized(PercentCoding.decode(last) ?? String(last))
        return name.isEmpty ? "index" : name
    }

    /// The last component of a path, if it can stay as it is: for nearly every name, at a fraction of the cost.
    private static func plainName(of path: String) -> String? {
        guard let slash = path.utf8.lastIndex(of: UInt8(ascii: "/")) else { return nil }
        let name = path.utf8[path.utf8.index(after: slash)...]
        guard let first = name.first, first != UInt8(ascii: "."), name.count <= maxNameLength,
            name.allSatisfy({ (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "%") && $0 != UInt8(ascii: "\\") })
        else { return nil }
        return String(Substring(name))
    }

    /// Neither a control character nor a slash, nor one of the two characters that XML forbids, because services list keys in XML.
    private static func isSafe(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case ..<0x20, 0x7F...0x9F, 0xFFFE...0xFFFF: false
        default: scalar != "/" && scalar != "\\"
        }
    }

    /// The name without unsafe characters and leading dots, truncated to ``maxNameLength`` with its extension.
    private static func sanitized(_ name: String) -> String {
        let scalars = name.unicodeScalars.filter(isSafe)
        let safe = String.UnicodeScalarView(scalars.drop { $0 == "." })
        guard String(safe).utf8.count > maxNameLength else { return String(safe) }
        // Scalars, not characters, because a single character may be longer than the whole budget.
        let end = safe.suffix(24)
        let fileExtension = end.firstIndex(of: ".").map { String(end[$0...]) }.flatMap { $0.utf8.count <= 32 ? $0 : nil } ?? ""
        var stem = ""
        var budget = maxNameLength - fileExtension.utf8.count
        for scalar in safe {
            budget -= UTF8.width(scalar)
            if budget < 0 { break }
            stem.unicodeScalars.append(scalar)
        }
        return stem + fileExtension
    }
}
