/// A value of a YAML document and where it stands.
struct YAMLNode: Sendable {
    var content: Content
    /// From 1.
    var line: Int
    /// From 1.
    var column: Int

    enum Content: Sendable {
        /// `isPlain` is false for quoted and block text, which is never read as "no value".
        case scalar(String, isPlain: Bool)
        case sequence([YAMLNode])
        case mapping([Entry])
    }

    struct Entry: Sendable {
        var key: String
        var keyLine: Int
        var keyColumn: Int
        var value: YAMLNode
    }

    /// Nothing stands behind the key, or a word that YAML 1.2 §10.2.1.1 reads as null.
    var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content { return ["", "~", "null"].contains(text) }
        return false
    }

    /// For messages.
    var kindName: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
