import MirrorCore
import Tracing

/// The value of an attribute.
package enum AttributeValue: Sendable, Equatable {
    case string(String)
    case bool(Bool)
    case integer(Int64)
    case double(Double)
    case list([AttributeValue])

    /// Bytes of a text; longer ones are cut off.
    private static let maxText = 1_024
    private static let maxList = 32

    init(_ attribute: SpanAttribute) {
        self =
            switch attribute {
            case .int32(let value): .integer(Int64(value))
            case .int64(let value): .integer(value)
            case .int32Array(let values): .list(values.map { .integer(Int64($0)) })
            case .int64Array(let values): .list(values.map { .integer($0) })
            case .double(let value): .double(value)
            case .doubleArray(let values): .list(values.map { .double($0) })
            case .bool(let value): .bool(value)
            case .boolArray(let values): .list(values.map { .bool($0) })
            case .string(let value): .string(value)
            case .stringArray(let values): .list(values.map { .string($0) })
            case .stringConvertible(let value): .string("\(value)")
            case .stringConvertibleArray(let values): .list(values.map { .string("\($0)") })
            // Its authors add cases.
            default: .string("")
            }
    }

    var attribute: SpanAttribute {
        switch self {
        case .string(let value): .string(value)
        case .bool(let value): .bool(value)
        case .integer(let value): .int64(value)
        case .double(let value): .double(value)
        case .list(let values):
            .stringArray(
                values.map {
                    if case .string(let text) = $0 { text } else { "\($0)" }
                })
        }
    }

    /// Cut to what is exported.
    var bounded: AttributeValue {
        switch self {
        case .string(let text): .string(text.cut(to: Self.maxText))
        case .list(let values): .list(values.prefix(Self.maxList).map(\.bounded))
        case .bool, .integer, .double: self
        }
    }
}

extension AttributeValue: ExpressibleByStringLiteral, ExpressibleByStringInterpolation, ExpressibleByIntegerLiteral,
    ExpressibleByBooleanLiteral
{
    package init(stringLiteral value: String) { self = .string(value) }
    package init(integerLiteral value: Int64) { self = .integer(value) }
    package init(booleanLiteral value: Bool) { self = .bool(value) }
}
