/// A value in a configuration file and its position.
package struct SettingsNode: Sendable {
    package var content: Content
    /// From 1.
    package var line: Int
    /// From 1.
    package var column: Int

    package enum Content: Sendable {
        /// `isPlain` is false for quoted and block text, which is never read as "no value".
        case scalar(String, isPlain: Bool)
        case sequence([SettingsNode])
        case mapping([Entry])
    }

    package struct Entry: Sendable {
        package var key: String
        package var keyLine: Int
        package var keyColumn: Int
        package var value: SettingsNode

        package init(key: String, keyLine: Int, keyColumn: Int, value: SettingsNode) {
            self.key = key
            self.keyLine = keyLine
            self.keyColumn = keyColumn
            self.value = value
        }
    }

    package init(content: Content, line: Int, column: Int) {
        self.content = content
        self.line = line
        self.column = column
    }

    /// Whether the key has no value, or a word that YAML 1.2 §10.2.1.1 reads as null.
    package var isNull: Bool {
        if case .scalar(let text, isPlain: true) = content { return ["", "~", "null"].contains(text) }
        return false
    }

    /// For messages.
    package var kindName: String {
        switch content {
        case .scalar: isNull ? "nothing" : "a single value"
        case .sequence: "a list"
        case .mapping: "a mapping"
        }
    }
}
