import MirrorCore

/// Reads the answers of a mirror.
extension JSONValue {
    /// Indented, with sorted keys.
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

    /// A number as digits; empty for any other value.
    var digits: String {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let value): HumanText.tenths(value)
        case .null, .bool, .string, .array, .object: ""
        }
    }

    /// All numbers in it, with the paths of their keys, in order.
    func numericLeaves(_ path: [String] = []) -> [(path: [String], value: JSONValue)] {
        switch self {
        case .integer, .number: [(path, self)]
        case .object(let members): members.sorted { $0.key < $1.key }.flatMap { $0.value.numericLeaves(path + [$0.key]) }
        case .array(let elements): elements.enumerated().flatMap { $0.element.numericLeaves(path + ["\($0.offset)"]) }
        case .null, .bool, .string: []
        }
    }
}
