import MirrorCore

/// Compares JSON with schemas of an OpenAPI document. A member that a schema does not name is a problem, too.
struct SchemaCheck {
    let document: OpenAPIDocument
    private(set) var problems: [String] = []
    /// Pointers to the properties that some value had.
    private(set) var seen: Set<String> = []

    init(_ document: OpenAPIDocument) {
        self.document = document
    }

    /// - Parameter place: Where the value is, for messages.
    mutating func check(_ value: JSONValue, against part: OpenAPIDocument.Part, at place: String) {
        let schema = document.resolved(part)
        for keyword in (schema.value.names ?? []).sorted() {
            guard let rule = schema[keyword] else { continue }
            if !holds(keyword, rule, for: value, at: place) {
                problems.append("\(place): \(value) is not what \(schema.pointer) says with \(keyword)")
            }
        }
        guard case .object(let members) = value else { return }
        for (name, member) in members.sorted(by: { $0.key < $1.key }) {
            if let property = schema["properties"]?[name] {
                seen.insert(property.pointer)
                check(member, against: property, at: "\(place).\(name)")
            } else if let others = schema["additionalProperties"] {
                check(member, against: others, at: "\(place).\(name)")
            } else {
                problems.append("\(place): \(schema.pointer) has no property \(name)")
            }
        }
    }

    /// Whether a value is as one keyword of its schema says; what is wrong inside the value is reported apart.
    private mutating func holds(_ keyword: String, _ rule: OpenAPIDocument.Part, for value: JSONValue, at place: String) -> Bool {
        switch keyword {
        case "description", "examples": return true
        // Beside the members.
        case "properties", "additionalProperties": return true
        case "type": return Self.isOfType(value, rule.value.string)
        case "const": return value == rule.value
        case "enum": return rule.value.array?.contains(value) == true
        case "pattern": return Self.matches(value, rule.value.string)
        case "format": return Self.hasFormat(value, rule.value.string)
        case "minimum": return Self.isOrdered(rule.value.number, value.number)
        case "maxItems": return Self.isOrdered(value.array.map { Double($0.count) }, rule.value.number)
        case "required": return value.names?.isSuperset(of: rule.value.array?.compactMap(\.string) ?? []) == true
        case "propertyNames":
            for name in (value.names ?? []).sorted() { check(.string(name), against: rule, at: "the name \(place).\(name)") }
            return true
        case "items":
            for (number, element) in (value.array ?? []).enumerated() { check(element, against: rule, at: "\(place).\(number)") }
            return true
        default:
            problems.append("\(rule.pointer): this check does not know the keyword")
            return true
        }
    }

    private static func isOfType(_ value: JSONValue, _ type: String?) -> Bool {
        switch value {
        case .null: type == "null"
        case .bool: type == "boolean"
        case .integer: type == "integer" || type == "number"
        case .number: type == "number"
        case .string: type == "string"
        case .array: type == "array"
        case .object: type == "object"
        }
    }

    private static func matches(_ value: JSONValue, _ pattern: String?) -> Bool {
        guard let text = value.string, let pattern, let expression = try? Regex(pattern) else { return false }
        return text.firstMatch(of: expression) != nil
    }

    private static func hasFormat(_ value: JSONValue, _ format: String?) -> Bool {
        guard let text = value.string else { return false }
        return switch format {
        case "date-time": matches(value, #"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$"#)
        case "uri": (try? ArtifactURL(text)) != nil
        case "uri-reference": !text.isEmpty
        default: false
        }
    }

    private static func isOrdered(_ first: Double?, _ second: Double?) -> Bool {
        guard let first, let second else { return false }
        return first <= second
    }
}
