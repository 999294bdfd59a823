/// Takes a command line apart as a POSIX shell would, without doing anything else that a shell does.
enum CommandLineWords {
    /// Quotes group words; a backslash takes the next character as it is, between double quotes only `"` and `\`.
    ///
    /// - Returns: `nil` when a quote is not closed, or a backslash stands at the end.
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

    /// What stands before the closing double quote.
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
