/// Splits a command line into words as a POSIX shell does, without any other feature of a shell.
enum CommandLineWords {
    /// Quotes group words. A backslash escapes the next character; between double quotes only `"` and `\`.
    ///
    /// - Returns: `nil` if a quote is not closed, or the line ends with a backslash.
    static func split(_ line: String) -> [String]? {
        var words: [String] = []
        var word: String?
        var rest = line.unicodeScalars[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case " ", "\t", "\n", "\r":
                if let finished = word { words.append(finished) }
                word = nil
            case "'":
                guard let close = rest.firstIndex(of: "'") else { return nil }
                word = (word ?? "") + String(rest[..<close])
                rest = rest[close...].dropFirst()
            case "\"":
                guard let quoted = quoted(&rest) else { return nil }
                word = (word ?? "") + quoted
            case "\\":
                guard let next = rest.popFirst() else { return nil }
                word = (word ?? "") + String(next)
            default:
                word = (word ?? "") + String(scalar)
            }
        }
        if let word { words.append(word) }
        return words
    }

    /// The text before the closing double quote.
    private static func quoted(_ rest: inout Substring.UnicodeScalarView) -> String? {
        var text = ""
        while let scalar = rest.popFirst() {
            switch scalar {
            case "\"": return text
            case "\\":
                guard let next = rest.popFirst() else { return nil }
                if next != "\"", next != "\\" { text.unicodeScalars.append(scalar) }
                text.unicodeScalars.append(next)
            default: text.unicodeScalars.append(scalar)
            }
        }
        return nil
    }
}
