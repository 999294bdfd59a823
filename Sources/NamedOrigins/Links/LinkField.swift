import MirrorCore

/// The `Link` fields of an answer (RFC 8288).
enum LinkField {
    /// Relations that would make a client bypass the mirror.
    private static let dropped: Set<String> = ["xet-auth", "xet-reconstruction-info"]
    /// Bytes of a value. Further links are left out.
    static let maxLength = 16 << 10

    /// Makes the links lead through the mirror, and leaves some out.
    ///
    /// - Returns: `nil` if no link is left.
    static func rewrite(_ value: String, _ resolver: inout LinkResolver) -> String? {
        var length = 0
        let links = split(value).compactMap { link -> String? in
            guard length <= maxLength else { return nil }
            guard link.utf8.first == UInt8(ascii: "<"), let end = link.utf8.firstIndex(of: UInt8(ascii: ">")) else { return nil }
            let target = String(Substring(link.utf8[..<end].dropFirst()))
            let parameters = String(Substring(link.utf8[link.utf8.index(after: end)...]))
            guard relations(parameters).isDisjoint(with: dropped) else { return nil }
            var bytes = Array(target.utf8)
            let isRewritten = bytes.withUnsafeBytes { resolver.resolve($0) }
            if isRewritten { bytes = resolver.result }
            let rewritten = "<\(String(decoding: bytes, as: UTF8.self))>\(parameters)"
            length += rewritten.utf8.count + 2
            return length <= maxLength ? rewritten : nil
        }
        return links.isEmpty ? nil : links.joined(separator: ", ")
    }

    /// The values of `rel`, in lower case.
    private static func relations(_ parameters: String) -> Set<String> {
        for parameter in parameters.split(separator: ";") {
            let parts = parameter.split(separator: "=", maxSplits: 1)
            guard parts.count == 2, trimmed(parts[0]).lowercased() == "rel" else { continue }
            return Set(trimmed(parts[1]).filter { $0 != "\"" }.lowercased().split(separator: " ").map(String.init))
        }
        return []
    }

    /// Splits at commas outside of `<…>` and of quotes.
    private static func split(_ value: String) -> [String] {
        var links: [String] = []
        var link: [UInt8] = []
        var (isTarget, isQuoted, isEscaped) = (false, false, false)
        for byte in value.utf8 {
            if isEscaped {
                isEscaped = false
            } else if isQuoted {
                isEscaped = byte == UInt8(ascii: "\\")
                isQuoted = byte != UInt8(ascii: "\"")
            } else if isTarget {
                isTarget = byte != UInt8(ascii: ">")
            } else if byte == UInt8(ascii: ",") {
                links.append(trimmed(String(decoding: link, as: UTF8.self)[...]))
                link = []
                continue
            } else {
                isTarget = byte == UInt8(ascii: "<")
                isQuoted = byte == UInt8(ascii: "\"")
            }
            link.append(byte)
        }
        links.append(trimmed(String(decoding: link, as: UTF8.self)[...]))
        return links
    }

    private static func trimmed(_ text: Substring) -> String {
        let isBlank = { (byte: UInt8) in byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
        let start = text.utf8.drop(while: isBlank)
        let end = start.lastIndex { !isBlank($0) }
        return end.map { String(Substring(start[...$0])) } ?? ""
    }
}
