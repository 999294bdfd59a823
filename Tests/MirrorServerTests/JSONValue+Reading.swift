#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import MirrorCore

extension JSONValue {
    var number: Double? {
        switch self {
        case .integer(let value): Double(value)
        case .number(let value): value
        case .null, .bool, .string, .array, .object: nil
        }
    }
    var array: [JSONValue]? { if case .array(let value) = self { value } else { nil } }
    var names: Set<String>? { if case .object(let members) = self { Set(members.keys) } else { nil } }
}

extension RawResponse {
    /// `null` when the body is no JSON, is not said to be JSON, or has another length than stated.
    var json: JSONValue {
        guard self["Content-Type"] == "application/json; charset=utf-8", self["Content-Length"] == String(body.count) else { return .null }
        return (try? JSONDecoder().decode(JSONValue.self, from: Data(body))) ?? .null
    }
}
