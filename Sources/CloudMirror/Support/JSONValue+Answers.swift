#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import MirrorCore

/// Answers of a mirror.
extension JSONValue {
    /// - Returns: `nil` for what is not JSON.
    static func parse(_ bytes: [UInt8]) -> JSONValue? {
        try? JSONDecoder().decode(JSONValue.self, from: Data(bytes))
    }

    /// Indented, keys in order.
    var text: String { JSONText.text(self) }

    var elements: [JSONValue] {
        if case .array(let elements) = self { return elements }
        return []
    }

    var int64: Int64? {
        switch self {
        case .integer(let value): value
        case .number(let value): Int64(exactly: value.rounded())
        case .null, .bool, .string, .array, .object: nil
        }
    }

    /// For a cell of a table: nothing for null and for what has parts.
    var cell: String {
        switch self {
        case .null, .array, .object: ""
        case .bool(let value): value ? "yes" : "no"
        case .integer(let value): "\(value)"
        case .number(let value): HumanText.tenths(value)
        case .string(let text): text
        }
    }

    /// Every number in it, with the path of keys that leads there, in order.
    func numericLeaves(_ path: [String] = []) -> [(path: [String], value: JSONValue)] {
        switch self {
        case .integer, .number: [(path, self)]
        case .object(let members): members.sorted { $0.key < $1.key }.flatMap { $0.value.numericLeaves(path + [$0.key]) }
        case .array(let elements): elements.enumerated().flatMap { $0.element.numericLeaves(path + ["\($0.offset)"]) }
        case .null, .bool, .string: []
        }
    }
}
