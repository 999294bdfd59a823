import MirrorCore

/// Answers of a mirror.
extension JSONValue {
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

    /// A number in digits; empty for what is not a number.
    var digits: String {
        switch self {
        case .integer(let value): "\(value)"
        case .number(let value): HumanText.tenths(value)
        case .null, .bool, .string, .array, .object: ""
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
