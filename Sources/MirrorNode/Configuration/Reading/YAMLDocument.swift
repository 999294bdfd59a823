import MirrorSettings
import Yams

/// Reads YAML into ``SettingsNode``s within limits, so that even a malicious file costs little time and memory.
enum YAMLDocument {
    /// Bytes.
    static let maxLength = 1 << 20
    /// Aliases that refer to an anchor. Each one can multiply the result of those before it, so a few dozen can exhaust memory.
    static let maxAliases = 16
    /// With every alias written out.
    static let maxNodes = 20_000
    static let maxDepth = 24
    private static let tooDeep = "values are nested more than \(maxDepth) levels deep"

    /// Why a document cannot be read.
    struct Failure: Error {
        var line: Int
        var column: Int
        var message: String
    }

    /// - Returns: `nil` for a document without content.
    static func parse(_ bytes: [UInt8]) throws(Failure) -> SettingsNode? {
        guard bytes.count <= maxLength else {
            throw Failure(line: 1, column: 1, message: "the file is larger than \(ByteSizeFormat.text(Int64(maxLength)))")
        }
        guard let text = String(validating: bytes, as: UTF8.self) else { throw notUTF8(bytes) }
        guard aliasCount(bytes) <= maxAliases else {
            throw Failure(
                line: 1, column: 1, message: "the file refers to its anchors more than \(maxAliases) times; write some of the values out")
        }
        let root: Node?
        do {
            // The basic resolver leaves scalars alone: the key decides what its text means.
            root = try compose(yaml: text, .basic, .default, .utf8)
        } catch {
            throw failure(error)
        }
        guard let root else { return nil }
        var budget = maxNodes
        return try convert(root, depth: 0, budget: &budget)
    }

    private static func convert(_ node: Node, depth: Int, budget: inout Int) throws(Failure) -> SettingsNode {
        let (line, column) = (node.mark?.line ?? 1, node.mark?.column ?? 1)
        budget -= 1
        guard budget >= 0 else { throw Failure(line: line, column: column, message: "the file has more than \(maxNodes) values") }
        guard depth <= maxDepth else { throw Failure(line: line, column: column, message: tooDeep) }
        let content: SettingsNode.Content
        switch node {
        case .scalar(let scalar):
            content = .scalar(scalar.string, isPlain: scalar.style == .plain)
        case .sequence(let sequence):
            var elements: [SettingsNode] = []
            for element in sequence { elements.append(try convert(element, depth: depth + 1, budget: &budget)) }
            content = .sequence(elements)
        case .mapping(let mapping):
            var entries: [SettingsNode.Entry] = []
            for (key, value) in mapping {
                guard case .scalar(let name) = key else {
                    let mark = key.mark
                    throw Failure(line: mark?.line ?? line, column: mark?.column ?? column, message: "a key must be a single value")
                }
                entries.append(
                    SettingsNode.Entry(
                        key: name.string, keyLine: name.mark?.line ?? line, keyColumn: name.mark?.column ?? column,
                        value: try convert(value, depth: depth + 1, budget: &budget)))
            }
            content = .mapping(entries)
        case .alias:
            // The parser replaces aliases, so only nodes that are built by hand get here.
            throw Failure(line: line, column: column, message: "the alias refers to nothing")
        }
        return SettingsNode(content: content, line: line, column: column)
    }

    private static func failure(_ error: any Error) -> Failure {
        guard let error = error as? YamlError else { return Failure(line: 1, column: 1, message: "the file is not YAML") }
        switch error {
        case .scanner(let context, let problem, let mark, _), .parser(let context, let problem, let mark, _),
            .composer(let context, let problem, let mark, _):
            if problem.contains("nesting level") { return Failure(line: mark.line, column: mark.column, message: tooDeep) }
            let text = context.map { "\($0.text), \(problem)" } ?? problem
            return Failure(line: mark.line, column: mark.column, message: "not valid YAML: \(text)")
        case .duplicatedKeysInMapping(let duplicates, let context):
            let names = duplicates.map { "'\($0.prefix(80))'" }.joined(separator: ", ")
            return Failure(
                line: context.mark.line, column: context.mark.column,
                message: "given more than once in the same mapping: \(names); keep one")
        case .reader(let problem, let offset, _, let yaml):
            let before = yaml.prefix(offset ?? 0)
            let line = before.count { $0.isNewline } + 1
            let column = before.reversed().prefix { !$0.isNewline }.count + 1
            return Failure(line: line, column: column, message: "not valid YAML: \(problem)")
        case .no, .memory, .writer, .emitter, .representer, .dataCouldNotBeDecoded:
            return Failure(line: 1, column: 1, message: tooDeep)
        }
    }

    private static func notUTF8(_ bytes: [UInt8]) -> Failure {
        var line = 1
        for row in bytes.split(separator: UInt8(ascii: "\n"), omittingEmptySubsequences: false) {
            if String(validating: row, as: UTF8.self) == nil { break }
            line += 1
        }
        return Failure(line: line, column: 1, message: "this line is not UTF-8")
    }

    /// Counts the texts that look like an alias of something that looks like an anchor; never fewer than there are.
    private static func aliasCount(_ bytes: [UInt8]) -> Int {
        var anchors: Set<ArraySlice<UInt8>> = []
        var aliases: [ArraySlice<UInt8>] = []
        for (position, byte) in bytes.enumerated() where byte == UInt8(ascii: "&") || byte == UInt8(ascii: "*") {
            let name = bytes[(position + 1)...].prefix(while: isAnchorCharacter)
            guard !name.isEmpty else { continue }
            if byte == UInt8(ascii: "&") { anchors.insert(name) } else { aliases.append(name) }
        }
        return aliases.count { anchors.contains($0) }
    }

    /// The characters that libYAML accepts in an anchor's name.
    private static func isAnchorCharacter(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"),
            UInt8(ascii: "_"),
            UInt8(ascii: "-"):
            true
        default: false
        }
    }
}
