import MirrorCore

/// Replaces `${NAME}` in a value by an environment variable, and `$${` by the two characters `${`.
package enum EnvironmentReferences {
    package static func expand(_ text: String, variable: (String) -> String?) -> Result<String, InvalidValue> {
        guard text.contains("${") else { return .success(text) }
        var out = ""
        var rest = text[...]
        while let dollar = rest.firstIndex(of: "$") {
            out += rest[..<dollar]
            rest = rest[dollar...]
            if rest.hasPrefix("$${") {
                out += "${"
                rest = rest.dropFirst(3)
            } else if rest.hasPrefix("${") {
                let name = rest.dropFirst(2).prefix { $0 != "}" }
                guard name.endIndex < rest.endIndex, isName(name) else {
                    return .failure(InvalidValue("has a '${' without a NAME} after it; write ${NAME}, or $${ for a literal ${"))
                }
                guard let value = variable(String(name)) else {
                    return .failure(InvalidValue("the environment variable \(name) is not set"))
                }
                out += value
                rest = rest[rest.index(after: name.endIndex)...]
            } else {
                out += "$"
                rest = rest.dropFirst()
            }
        }
        return .success(out + rest)
    }

    private static func isName(_ name: Substring) -> Bool {
        guard let first = name.utf8.first, (1...100).contains(name.utf8.count) else { return false }
        return !first.isASCIIDigit
            && name.unicodeScalars.allSatisfy { $0.isASCII && ($0.properties.isAlphabetic || ("0"..."9").contains($0) || $0 == "_") }
    }
}
