/// One value in a configuration file, after a key or in a list.
public struct SettingsElement {
    let context: SettingsContext
    /// Its path, for messages: `pools.local/dev.directory`.
    public let path: String
    private let node: SettingsNode

    package init(_ context: SettingsContext, path: String, node: SettingsNode) {
        self.context = context
        self.path = path
        self.node = node
    }

    /// Whether the value is empty, or one of the words `~` and `null`.
    public var isNull: Bool { node.isNull }

    /// The text of an unquoted single value, as in the file.
    public var plainText: String? { if case .scalar(let text, isPlain: true) = node.content { text } else { nil } }

    /// Whether it has keys.
    public var isMapping: Bool { if case .mapping = node.content { true } else { false } }
    /// Whether it has elements.
    public var isList: Bool { if case .sequence = node.content { true } else { false } }

    /// Records a problem with the value, phrased to follow it.
    public func report(_ message: String) {
        context.report(message, path: path, line: node.line, column: node.column)
    }

    /// Records a warning about the value, which is valid but suspicious.
    public func warn(_ message: String) {
        context.warn(message, path: path, line: node.line, column: node.column)
    }

    /// A single value, with environment variables substituted.
    ///
    /// - Parameter remedy: What to write if the value is empty.
    /// - Returns: `nil` after recording a problem.
    public func value<Value>(_ kind: SettingKind<Value>, instead remedy: String) -> Value? {
        guard case .scalar(let raw, _) = node.content else {
            report("expected \(kind.name), found \(node.kindName)")
            return nil
        }
        guard !isNull else {
            report("has no value; \(remedy)")
            return nil
        }
        if kind.isSecret, Self.holdsSecret(raw) { context.noteSecret() }
        let text: String
        switch EnvironmentReferences.expand(raw, variable: context.environment.variable) {
        case .success(let expanded): text = expanded
        case .failure(let error):
            report(error.message)
            return nil
        }
        do {
            return try kind.parse(text, context)
        } catch {
            // Quotes the text in the file, never the value of a variable, which may be a secret.
            report(kind.isSecret ? "its value \(error.message)" : "'\(Self.shortened(raw))' \(error.message)")
            return nil
        }
    }

    /// Whether the text in the file is itself a secret: not a reference to one, and not a URL without a password.
    private static func holdsSecret(_ raw: String) -> Bool {
        guard !raw.contains("${") else { return false }
        guard let scheme = raw.firstRange(of: "://") else { return true }
        let authority = raw[scheme.upperBound...].prefix { !"/?#".contains($0) }
        return authority.lastIndex(of: "@").map { authority[..<$0].contains(":") } ?? false
    }

    /// The elements of a list.
    ///
    /// - Returns: `nil` after recording a problem.
    public func elements() -> [SettingsElement]? {
        guard case .sequence(let nodes) = node.content else {
            report("expected a list, found \(node.kindName); write [one, two], or each element on a line that begins with '- '")
            return nil
        }
        return nodes.enumerated().map { SettingsElement(context, path: "\(path)[\($0.offset)]", node: $0.element) }
    }

    /// The entries of a mapping by name; invalid names are reported and left out.
    ///
    /// - Returns: `nil` after recording a problem.
    package func entries<Key>(_ names: SettingKind<Key>) -> [(Key, SettingsElement)]? {
        guard case .mapping(let entries) = node.content else {
            report("expected a mapping whose keys are \(names.name)s, found \(node.kindName)")
            return nil
        }
        var named: [(Key, SettingsElement)] = []
        for entry in entries {
            let path = "\(path).\(Self.shortened(entry.key))"
            do {
                named.append((try names.parse(entry.key, context), SettingsElement(context, path: path, node: entry.value)))
            } catch {
                context.report("'\(Self.shortened(entry.key))' \(error.message)", path: path, line: entry.keyLine, column: entry.keyColumn)
            }
        }
        return named
    }

    /// Reads the keys of a mapping; an empty value is an empty mapping.
    public func section(_ read: (SettingsReader) -> Void) {
        if !isNull, !isMapping {
            report("expected a mapping, found \(node.kindName)")
            return
        }
        SettingsReader(context, path: path, node: node).read(read)
    }

    private static func shortened(_ text: String) -> String {
        text.unicodeScalars.count <= 100 ? text : "\(String(text.unicodeScalars.prefix(100)))…"
    }
}
