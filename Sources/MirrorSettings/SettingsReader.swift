/// Reads the keys of one mapping, and describes them: the same calls decode a file and write its reference.
///
/// Each call names a key, its default (in the target), the valid values and the meaning. Problems are recorded, and reading continues
/// with the default, so that one run reports everything. Keys that no call has named are reported at the end.
public final class SettingsReader {
    package let context: SettingsContext
    /// `copy.backoff`; empty for the file itself.
    public let path: String
    private let entries: [SettingsNode.Entry]
    private let line: Int
    private let column: Int
    private var known: [String] = []

    /// - Parameter node: `nil` for a missing mapping.
    package init(_ context: SettingsContext, path: String, node: SettingsNode?) {
        self.context = context
        self.path = path
        line = node?.line ?? 1
        column = node?.column ?? 1
        if case .mapping(let entries) = node?.content { self.entries = entries } else { entries = [] }
    }

    /// Records a problem with the mapping as a whole, or with one of its keys.
    public func report(_ message: String, key: String? = nil) {
        guard !context.isDocumenting else { return }
        let entry = key.flatMap(entry)
        context.report(
            message, path: key.map(path(of:)) ?? path, line: entry?.value.line ?? line, column: entry?.value.column ?? column)
    }

    /// Records a warning about a key whose value is valid but suspicious.
    public func warn(_ message: String, key: String) {
        let entry = entry(key)
        context.warn(message, path: path(of: key), line: entry?.value.line ?? line, column: entry?.value.column ?? column)
    }

    // MARK: Single values

    /// A value with a default, which is in `target`.
    ///
    /// - Parameter defaultNote: A description of the default, if it is not a constant.
    public func value<Value>(
        _ key: String, _ target: inout Value, _ kind: SettingKind<Value>, defaultNote: String? = nil, example: String? = nil,
        doc: String
    ) {
        describe(key, kind, default: defaultNote == nil ? kind.text(target) : nil, note: defaultNote, example: example, doc: doc)
        if let value = element(key)?.value(kind, instead: "leave the key out for the default") { target = value }
    }

    /// A value that may be left out, or be `none` if there is such a word.
    public func value<Value>(
        _ key: String, _ target: inout Value?, _ kind: SettingKind<Value>, none: String? = nil, defaultNote: String? = nil,
        example: String? = nil, doc: String
    ) {
        var described = kind
        if let none { described.name += " or \(none)" }
        describe(key, described, default: defaultNote == nil ? none : nil, note: defaultNote ?? none ?? "none", example: example, doc: doc)
        guard let element = element(key), none == nil || element.plainText != none else { return }
        if let value = element.value(kind, instead: "leave the key out") { target = value }
    }

    /// A required value.
    ///
    /// - Returns: `nil` after recording a problem.
    public func required<Value>(_ key: String, _ kind: SettingKind<Value>, example: String, doc: String) -> Value? {
        describe(key, kind, default: nil, note: nil, isRequired: true, example: example, doc: doc)
        guard let element = element(key) else {
            reportMissing(key, example: example)
            return nil
        }
        return element.value(kind, instead: "write \(example)")
    }

    // MARK: Lists

    /// A list of single values with a default, which is in `target`.
    public func list<Value>(_ key: String, _ target: inout [Value], _ kind: SettingKind<Value>, example: String? = nil, doc: String) {
        let texts = target.map(kind.text).joined(separator: ", ")
        describe(
            key, kind, type: "list of \(kind.name)s", default: example == nil ? "[\(texts)]" : nil, note: "[\(texts)]", example: example,
            doc: doc)
        guard let elements = element(key)?.elements() else { return }
        target = elements.compactMap { $0.value(kind, instead: "remove it") }
    }

    /// A required list with at least one element; `read` reads each of them.
    ///
    /// - Parameter alternatives: Keys that can be given instead.
    package func requiredList<Value>(
        _ key: String, unless alternatives: [String], type: String, example: String, doc: String, _ read: (SettingsElement) -> Value?
    ) -> [Value] {
        describe(.init(key: key, type: type, isRequired: true, doc: doc, example: example))
        guard let element = element(key) else {
            if !alternatives.contains(where: has) { reportMissing(key, example: nil) }
            return []
        }
        guard let elements = element.elements() else { return [] }
        if elements.isEmpty { element.report("is empty; nothing would be allowed") }
        return elements.compactMap(read)
    }

    /// A list of mappings with known keys, which the reference describes as one value.
    public func sectionList(_ key: String, type: String, example: String, doc: String, _ read: (SettingsReader) -> Void) {
        guard let element = custom(key, type: type, defaultNote: "[]", example: example, doc: doc) else { return }
        for element in element.elements() ?? [] { element.section(read) }
    }

    /// A value of a special form, which the caller reads.
    ///
    /// - Returns: `nil` if it is left out.
    public func custom(_ key: String, type: String, defaultNote: String, example: String, doc: String) -> SettingsElement? {
        describe(.init(key: key, type: type, defaultNote: defaultNote, doc: doc, example: example))
        return element(key)
    }

    /// Whether the file has the key, whatever its value.
    public func has(_ key: String) -> Bool { entry(key) != nil }

    // MARK: Sections

    /// A key with keys below it. If it is left out or empty, all defaults apply.
    public func section(_ key: String, doc: String, _ read: (SettingsReader) -> Void) {
        section(key, .implied, doc, read)
    }

    /// A section whose absence has a meaning. If it is absent, `read` is called only for the description.
    public func optionalSection(_ key: String, doc: String, _ read: (SettingsReader) -> Void) {
        section(key, .optional, doc, read)
    }

    private func section(_ key: String, _ presence: SettingsOutline.Presence, _ doc: String, _ read: (SettingsReader) -> Void) {
        known.append(key)
        context.describe(.begin(key: key, doc: doc, presence: presence))
        defer { context.describe(.end) }
        if let element = element(key), !element.isNull {
            element.section(read)
        } else if presence == .implied || context.isDocumenting {
            SettingsReader(context, path: path(of: key), node: nil).read(read)
        }
    }

    /// A mapping from names that the user chooses to sections with known keys. At least one is required.
    ///
    /// - Parameter examples: One for each kind of section; those that are not in force are commented out in the example file.
    package func requiredSections<Key>(
        _ key: String, named kind: SettingKind<Key>, examples: [(key: String, doc: String, isInForce: Bool)], doc: String,
        _ read: (Key, SettingsElement) -> Void
    ) {
        known.append(key)
        context.describe(.begin(key: key, doc: doc, presence: .required))
        defer { context.describe(.end) }
        if context.isDocumenting {
            for example in examples {
                context.describe(.begin(key: example.key, doc: example.doc, presence: example.isInForce ? .implied : .example))
                if let name = try? kind.parse(example.key, context) {
                    read(
                        name,
                        SettingsElement(
                            context, path: "\(key).\(example.key)", node: SettingsNode(content: .mapping([]), line: 1, column: 1)))
                }
                context.describe(.end)
            }
            return
        }
        guard let element = element(key) else { return reportMissing(key, example: nil) }
        guard let named = element.entries(kind) else { return }
        if named.isEmpty { element.report("is empty; name at least one \(kind.name), such as \(examples.first?.key ?? "")") }
        for (name, element) in named { read(name, element) }
    }

    /// A mapping from names that the user chooses to single values.
    public func map<Key, Value>(
        _ key: String, named names: SettingKind<Key>, _ values: SettingKind<Value>, example: String, doc: String
    ) -> [(Key, Value)] {
        describe(.init(key: key, type: "mapping of \(names.name) to \(values.name)", defaultNote: "{}", doc: doc, example: example))
        guard let named = element(key)?.entries(names) else { return [] }
        return named.compactMap { name, element in element.value(values, instead: "remove it").map { (name, $0) } }
    }

    // MARK: The end

    /// Calls `read`, then reports the keys that it has not read.
    package func read(_ read: (SettingsReader) -> Void) {
        read(self)
        guard !context.isDocumenting else { return }
        for entry in entries where !known.contains(entry.key) {
            let hint =
                Spelling.nearest(to: entry.key, among: known).map { "did you mean '\($0)'?" }
                ?? "the keys here are \(known.joined(separator: ", "))"
            context.report("unknown key; \(hint)", path: path(of: entry.key), line: entry.keyLine, column: entry.keyColumn)
        }
    }

    private func entry(_ key: String) -> SettingsNode.Entry? { entries.first { $0.key == key } }

    private func element(_ key: String) -> SettingsElement? {
        entry(key).map { SettingsElement(context, path: path(of: key), node: $0.value) }
    }

    private func path(of key: String) -> String {
        let shown = key.utf8.count <= 100 ? key : "\(key.prefix(100))…"
        return path.isEmpty ? shown : "\(path).\(shown)"
    }

    private func reportMissing(_ key: String, example: String?) {
        guard !context.isDocumenting else { return }
        context.report("is missing\(example.map { "; write \(key): \($0)" } ?? "")", path: path(of: key), line: line, column: column)
    }

    private func describe<Value>(
        _ key: String, _ kind: SettingKind<Value>, type: String? = nil, default defaultText: String?, note: String?,
        isRequired: Bool = false, example: String?, doc: String
    ) {
        describe(
            .init(
                key: key, type: type ?? kind.name, defaultText: defaultText, defaultNote: note, range: kind.range, isRequired: isRequired,
                doc: doc, example: example))
    }

    private func describe(_ value: SettingsOutline.Value) {
        known.append(value.key)
        context.describe(.value(value))
    }
}
