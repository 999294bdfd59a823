import MirrorCore

/// The value of a `Content-Disposition`, which may contain a file's name (RFC 6266).
enum ContentDisposition {
    /// The same value in ASCII: a name that is not is written as in RFC 8187 (`filename*`), unless the value has one like that already.
    ///
    /// - Returns: `nil` if the rest of the value is not ASCII.
    static func ascii(_ value: String) -> String? {
        if isASCII(value) { return value }
        let parts = parts(of: value)
        var kept: [String] = []
        var name: String?
        for part in parts {
            guard !isASCII(part) else {
                kept.append(part)
                continue
            }
            let words = part.split(separator: "=", maxSplits: 1).map { trimmed($0.unicodeScalars) }
            guard words.count == 2, words[0].lowercased() == "filename" else { return nil }
            name = unquoted(words[1])
        }
        let hasName = kept.contains { $0.lowercased().hasPrefix("filename*") }
        if let name, !hasName { kept.append("filename*=UTF-8''\(PercentCoding.encode(name))") }
        return kept.joined(separator: "; ")
    }

    private static func isASCII(_ text: String) -> Bool { text.utf8.allSatisfy { $0 < 0x80 } }

    /// What is between the semicolons outside of quotes. By scalars: a combining mark may follow a quote.
    private static func parts(of value: String) -> [String] {
        let scalars = value.unicodeScalars
        var parts: [String] = []
        var start = scalars.startIndex
        var (isQuoted, isEscaped) = (false, false)
        for index in scalars.indices {
            switch scalars[index] {
            case _ where isEscaped: isEscaped = false
            case "\\" where isQuoted: isEscaped = true
            case "\"": isQuoted.toggle()
            case ";" where !isQuoted:
                parts.append(trimmed(scalars[start..<index]))
                start = scalars.index(after: index)
            default: break
            }
        }
        return parts + [trimmed(scalars[start...])]
    }

    private static func trimmed(_ text: Substring.UnicodeScalarView) -> String {
        let isBlank = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" }
        var text = text.drop(while: isBlank)
        while let last = text.last, isBlank(last) { text.removeLast() }
        return String(text)
    }

    private static func unquoted(_ text: String) -> String {
        guard text.unicodeScalars.first == "\"" else { return text }
        var name = String.UnicodeScalarView()
        var isEscaped = false
        for scalar in text.unicodeScalars.dropFirst() {
            if !isEscaped, scalar == "\"" { break }
            isEscaped = !isEscaped && scalar == "\\"
            if !isEscaped { name.append(scalar) }
        }
        return String(name)
    }
}
