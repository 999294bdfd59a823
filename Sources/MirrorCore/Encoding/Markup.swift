/// Text in XML and HTML.
package enum Markup {
    /// Escapes text for use between tags or in a quoted attribute, in the same way for both languages.
    package static func escape(_ text: String) -> String {
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": out += "&amp;"
            case "<": out += "&lt;"
            case ">": out += "&gt;"
            case "\"": out += "&quot;"
            case "'": out += "&#39;"
            // Otherwise an XML parser would turn it into a line feed (XML 1.0 §2.11).
            case "\r": out += "&#13;"
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
