/// Which class an artifact is in: those of one class are expected to be used alike.
package enum ClassRule: Sendable {
    /// What comes before the last `/`, as it is; for lists whose keys were made for it.
    case directory
    /// The origin and at most four directories of the URL. A segment with a digit, or of more than 40 characters, becomes `*`: it says which one,
    /// not what kind.
    case origin

    package static let maxSegments = 4
    package static let maxSegmentLength = 40
    /// Bytes of a name; what is longer is cut.
    package static let maxLength = 256

    private static let slash = UInt8(ascii: "/")

    /// - Parameter name: An artifact's key, path or URL, in UTF-8.
    package func artifactClass(of name: some BidirectionalCollection<UInt8>) -> String {
        switch self {
        case .directory:
            return Self.text(name[..<(name.lastIndex(of: Self.slash) ?? name.startIndex)])
        case .origin:
            let path = name.prefix { $0 != UInt8(ascii: "?") && $0 != UInt8(ascii: "#") }
            return Self.general(path[..<(path.lastIndex(of: Self.slash) ?? path.startIndex)])
        }
    }

    private static func general(_ directory: some BidirectionalCollection<UInt8>) -> String {
        var segments = directory.split(separator: slash, omittingEmptySubsequences: false)[...]
        var origin = ""
        // As in `https://host/a/b`: a scheme, nothing, and the host.
        if segments.count >= 3, segments[0].last == UInt8(ascii: ":"), segments[1].isEmpty {
            origin = text(segments[0]) + "//" + text(segments[2])
            segments = segments.dropFirst(3)
        }
        let path = segments.filter { !$0.isEmpty }.prefix(maxSegments).map { segment in
            segment.count > maxSegmentLength || segment.contains { (0x30...0x39).contains($0) } ? "*" : text(segment)
        }
        return text(([origin] + path).joined(separator: "/").utf8)
    }

    private static func text(_ bytes: some Collection<UInt8>) -> String { String(decoding: bytes.prefix(maxLength), as: UTF8.self) }
}
