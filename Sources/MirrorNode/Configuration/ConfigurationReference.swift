import MirrorSettings

/// Writes docs/configuration.md, and the limits in docs/security.md, from the calls that read the file.
package enum ConfigurationReference {
    package static func markdown(_ services: StorageServices) -> String {
        introduction(services) + tables(services).filter { !$0.values.isEmpty || !$0.doc.isEmpty }.map(\.text).joined()
    }

    /// One table of every setting that is a number, a size or a duration. It includes every limit on what strangers can do, so none is forgotten.
    package static func limits(_ services: StorageServices) -> String {
        var text = "| setting | default | meaning |\n|---|---|---|\n"
        for table in tables(services) {
            for value in table.values where ["number", "size", "duration"].contains(where: { value.type.hasPrefix($0) }) {
                text += row(["`\(table.path.isEmpty ? "" : "\(table.path).")\(value.key)`", fallback(value), value.doc])
            }
        }
        return text
    }

    private static func tables(_ services: StorageServices) -> [Table] {
        var tables = [Table(path: "")]
        var open = [0]
        for step in Configuration.outline(services) {
            switch step {
            case .begin(let key, let doc, let presence):
                let parent = tables[open.last ?? 0].path
                tables.append(Table(path: parent.isEmpty ? key : "\(parent).\(key)", doc: doc, isRequired: presence == .required))
                open.append(tables.count - 1)
            case .end:
                open.removeLast()
            case .value(let value):
                tables[open.last ?? 0].values.append(value)
            }
        }
        return tables
    }

    private struct Table {
        var path: String
        var doc = ""
        var isRequired = false
        var values: [SettingsOutline.Value] = []

        var text: String {
            var text = path.isEmpty ? "\n## Top-level keys\n" : "\n## `\(path)`\n"
            if !doc.isEmpty { text += "\n\(doc)\(isRequired ? " Required." : "")\n" }
            guard !values.isEmpty else { return text }
            text += "\n| key | value | default | meaning |\n|---|---|---|---|\n"
            for value in values {
                let type = value.range.isEmpty ? value.type : "\(value.type), \(value.range)"
                text += ConfigurationReference.row(["`\(value.key)`", type, ConfigurationReference.fallback(value), value.doc])
            }
            return text
        }
    }

    private static func fallback(_ value: SettingsOutline.Value) -> String {
        if value.isRequired { return "**required**" }
        return value.defaultText.map { "`\($0)`" } ?? value.defaultNote ?? ""
    }

    private static func row(_ cells: [String]) -> String {
        let cells = cells.map { $0.split(separator: "|", omittingEmptySubsequences: false).joined(separator: "\\|") }
        return "| \(cells.joined(separator: " | ")) |\n"
    }

    private static func introduction(_ services: StorageServices) -> String {
        let keys = (["allow", "named"] + services.originKeys).map { "`origins.\($0)`" }
        let alternatives = keys.count == 1 ? "" : " (or \(keys.dropFirst().joined(separator: " or ")))"
        return """
            # Configuration

            <!-- Written by `cloud-mirror generate configuration-reference` from Sources/MirrorNode/Configuration. Do not edit. -->

            `cloud-mirror serve --config FILE` reads one YAML file. `cloud-mirror check-config FILE` reports everything that is wrong with a
            file, with line and column. [config/cloud-mirror.example.yaml](../config/cloud-mirror.example.yaml) shows every key.

            Without a file, the service starts with one pool, `local/dev`, under the state directory, and copies from any public HTTPS
            origin. That is enough to try it out, but it allows too much on a machine that others can reach.
            With a file, \(keys[0])\(alternatives) and at least one pool are required.

            - **Durations** are a whole number and a unit: `500ms`, `28s`, `15m`, `24h`, `7d`.
            - **Sizes** are a whole number and a unit: `64KiB`, `16MiB`, `500GiB`, `5TiB`, or decimal `kB`, `MB`, `GB`, `TB`.
            - **Paths** that do not begin with `/` are relative to the directory of the file.
            - **`${NAME}`** in a value is replaced by the environment variable of that name, which must be set; `$${` is a literal `${`.
            - Unknown keys and duplicate keys are errors. A key without a value is an error; a section without keys is not.
            - A file may have at most \(ByteSizeFormat.text(Int64(YAMLDocument.maxLength))), \(YAMLDocument.maxNodes) values, \
            \(YAMLDocument.maxAliases) aliases and \(YAMLDocument.maxDepth) levels of nesting.

            """
    }
}
