import MirrorSettings

/// Writes config/cloud-mirror.example.yaml from the calls that read the file.
///
/// Required keys are written as they are. Every other key is commented out and shows its default, or an example if it has none. Explanations
/// begin with `# `, commented-out keys with `#` alone, so that ``uncommented(_:)`` can tell them apart.
package enum ConfigurationExample {
    private static let width = 110

    package static func yaml(_ services: StorageServices) -> String {
        var lines = introduction.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
        var open: [SettingsOutline.Presence] = []
        for step in Configuration.outline(services) {
            let indent = String(repeating: "  ", count: open.count)
            switch step {
            case .begin(let key, let doc, let presence):
                if open.isEmpty { lines.append("") }
                lines += comment(doc, indent: indent)
                open.append(presence)
                lines.append("\(indent)\(open.contains(.example) ? "#" : "")\(key):")
            case .end:
                open.removeLast()
            case .value(let value):
                if open.isEmpty { lines.append("") }
                lines += comment(value.range.isEmpty ? value.doc : "\(value.doc) (\(value.range))", indent: indent)
                if value.defaultText == nil, !value.isRequired, let note = value.defaultNote {
                    lines += comment("Default: \(note).", indent: indent)
                }
                let shown = value.defaultText ?? value.example ?? ""
                let rows = shown.split(separator: "\n", omittingEmptySubsequences: false)
                let first = rows.first.map { $0.isEmpty ? "" : " \($0)" } ?? ""
                lines.append(
                    "\(indent)\(value.isRequired && open.last != .optional && !open.contains(.example) ? "" : "#")\(value.key):\(first)")
                lines += rows.dropFirst().map { "\(indent)  \($0)" }
            }
        }
        return lines.joined(separator: "\n") + "\n"
    }

    /// The example with no key commented out.
    package static func uncommented(_ yaml: String) -> String {
        yaml.split(separator: "\n", omittingEmptySubsequences: false).map { line in
            let indent = line.prefix { $0 == " " }
            let rest = line[indent.endIndex...]
            guard rest.hasPrefix("#"), let next = rest.dropFirst().first, next != " " else { return String(line) }
            return String(indent + rest.dropFirst())
        }.joined(separator: "\n")
    }

    private static func comment(_ text: String, indent: String) -> [String] {
        guard !text.isEmpty else { return [] }
        var lines: [String] = []
        var line = "\(indent)#"
        for word in text.split(separator: " ") {
            if line.count + 1 + word.count > width, line.count > indent.count + 1 {
                lines.append(line)
                line = "\(indent)#"
            }
            line += " \(word)"
        }
        return lines + [line]
    }

    private static let introduction = """
        # The configuration of cloud-mirror: every key with its default, or with an example if it has no default.
        # Written by `cloud-mirror generate configuration-example`; docs/configuration.md has the same as tables.
        #
        # Keys that begin with # (without a space after it) have their defaults. Remove the # to change one.
        # ${NAME} in a value is replaced by the environment variable of that name.
        """
}
