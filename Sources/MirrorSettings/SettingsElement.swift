/// One value of a configuration file, wherever it stands: behind a key or in a list.
public struct SettingsElement {
    let context: SettingsContext
    public let path: String
    private let node: SettingsNode

    package init(_ context: SettingsContext, path: String, node: SettingsNode) {
        self.context = context
        self.path = path
        self.node = node
    }

    public var isNull: Bool { node.isNull }

    /// The text of an unquoted single value, as it stands in the file.
    public var plainText: String? { if case .scalar(let text, isPlain: true) = node.content { text } else { nil } }

    public var isMapping: Bool { if case .mapping = node.content { true } else { false } }
    public var isList: Bool { if case .sequence = node.content { true } else { false } }

    public func report(_ message: String) {
        context.report(message, path: path, line: node.line, column: node.column)
    }

    public func warn(_ message: String) {
        context.warn(message, path: path, line: node.line, column: node.column)
    }

    /// A single value, with environment variables put in.
    ///
    /// - Parameter remedy: What to do when nothing stands there.
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
            // What is quoted is what stands in the file, never what a variable holds: that may be a secret.
            report(kind.isSecret ? "its value \(error.message)" : "'\(Self.shortened(raw))' \(error.message)")
            return nil
        }
    }

    /// Whether what stands in the file is a secret by itself: not a reference to one, and not a URL without a password.
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

    /// The values of a mapping behind their names; names that are none are reported and left out.
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

    /// The keys of a mapping; nothing at all is an empty one.
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
