import MirrorCore

/// The fields of a form (`application/x-www-form-urlencoded`), in a query or a body: a `+` is a space.
struct FormFields {
    private let fields: QueryFields

    /// - Parameter names: The wanted fields.
    /// - Returns: `nil` if it is not percent-encoded UTF-8.
    init?(_ text: String, _ names: [String]) {
        // If all of it is, so is each part between two ASCII separators.
        guard PercentCoding.decode(text) != nil else { return nil }
        fields = QueryFields(text, names)
    }

    subscript(name: String) -> String? {
        fields.raw(name).flatMap { value in
            PercentCoding.decode(String(decoding: value.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }, as: UTF8.self))
        }
    }

    /// A value without spaces and line breaks around it; empty if there is none.
    func trimmed(_ name: String) -> String {
        let isBlank = { (scalar: Unicode.Scalar) in scalar == " " || scalar == "\t" || scalar == "\r" || scalar == "\n" }
        let scalars = (self[name] ?? "").unicodeScalars.drop(while: isBlank).reversed().drop(while: isBlank).reversed()
        return String(String.UnicodeScalarView(scalars))
    }
}
