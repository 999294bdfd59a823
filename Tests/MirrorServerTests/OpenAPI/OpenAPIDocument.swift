import MirrorCore
import Yams

/// An OpenAPI document, as far as the tests look into it.
struct OpenAPIDocument {
    /// A value in the document.
    struct Part {
        /// Where it is: `#/components/schemas/Replica`.
        let pointer: String
        let value: JSONValue

        subscript(key: String) -> Part? { value[key].map { Part(pointer: "\(pointer)/\(key)", value: $0) } }
    }

    struct Operation {
        /// In lower case.
        let method: String
        /// With its parameters as `{name}`.
        let path: String
        let id: String
        let needsToken: Bool
        /// The parameters that its query may have.
        let queryNames: Set<String>
        /// The schema of the JSON that a request has for a body; `nil` where it has none.
        let body: Part?
        /// What it may be answered with: numbers, and `default`.
        let statuses: Set<String>
        /// The schemas of answers that are JSON, by status.
        let answers: [String: Part]
    }

    let root: Part
    private(set) var operations: [Operation] = []

    init(_ text: String) throws {
        // The basic resolver leaves scalars alone.
        let node = try require(try compose(yaml: text, .basic, .default, .utf8), "a document")
        root = Part(pointer: "#", value: try Self.json(node))
        for path in (root["paths"]?.value.names ?? []).sorted() {
            for method in ["get", "head", "post", "put", "patch", "delete"] {
                guard let operation = root["paths"]?[path]?[method] else { continue }
                let shared = root["paths"]?[path]?["parameters"]
                operations.append(try self.operation(method, path, operation, sharing: shared))
            }
        }
    }

    func operation(_ id: String) throws -> Operation { try require(operations.first { $0.id == id }, "the operation \(id)") }

    /// What a reference leads to; anything else as it is.
    func resolved(_ part: Part) -> Part {
        guard let pointer = part.value["$ref"]?.string, let target = find(pointer) else { return part }
        return resolved(target)
    }

    /// References to what is not there.
    var danglingReferences: [String] { Self.references(in: root.value).filter { find($0) == nil } }

    /// Pointers to all properties of a schema, and of the schemas in it.
    func properties(of part: Part) -> Set<String> {
        let schema = resolved(part)
        var found: Set<String> = []
        if let properties = schema["properties"] {
            for property in (properties.value.names ?? []).compactMap({ properties[$0] }) {
                found.insert(property.pointer)
                found.formUnion(self.properties(of: property))
            }
        }
        for inner in ["items", "additionalProperties"].compactMap({ schema[$0] }) { found.formUnion(properties(of: inner)) }
        return found
    }

    /// - Parameter shared: The parameters of all operations of the path.
    private func operation(_ method: String, _ path: String, _ part: Part, sharing shared: Part?) throws -> Operation {
        let responses = try require(part["responses"], "responses of \(method) \(path)")
        let statuses = responses.value.names ?? []
        var answers: [String: Part] = [:]
        for status in statuses { answers[status] = responses[status].flatMap(jsonSchema) }
        return Operation(
            method: method, path: path, id: try require(part["operationId"]?.value.string, "an identifier of \(method) \(path)"),
            needsToken: part["security"]?.value == .array([.object(["adminToken": .array([])])]),
            queryNames: queryNames(shared).union(queryNames(part["parameters"])), body: part["requestBody"].flatMap(jsonSchema),
            statuses: statuses, answers: answers)
    }

    private func queryNames(_ parameters: Part?) -> Set<String> {
        guard let parameters, let elements = parameters.value.array else { return [] }
        let resolved = elements.map { self.resolved(Part(pointer: parameters.pointer, value: $0)).value }
        return Set(resolved.filter { $0["in"]?.string == "query" }.compactMap { $0["name"]?.string })
    }

    /// The schema of the JSON in a request or a response.
    private func jsonSchema(_ message: Part) -> Part? { resolved(message)["content"]?["application/json"]?["schema"] }

    private func find(_ pointer: String) -> Part? {
        pointer.split(separator: "/").dropFirst().reduce(root) { $0?[String($1)] }
    }

    private static func references(in value: JSONValue) -> [String] {
        switch value {
        case .object(let members): (members["$ref"]?.string.map { [$0] } ?? []) + members.values.flatMap(references)
        case .array(let elements): elements.flatMap(references)
        case .null, .bool, .integer, .number, .string: []
        }
    }

    private static func json(_ node: Node) throws -> JSONValue {
        switch node {
        case .scalar(let scalar): return json(scalar)
        case .sequence(let sequence): return .array(try sequence.map { try json($0) })
        case .mapping(let mapping):
            var members: [String: JSONValue] = [:]
            for (key, value) in mapping { members[try require(key.scalar?.string, "a key that is a word")] = try json(value) }
            return .object(members)
        case .alias: throw Missing(what: "what an alias refers to")
        }
    }

    private static func json(_ scalar: Node.Scalar) -> JSONValue {
        guard scalar.style == .plain else { return .string(scalar.string) }
        switch scalar.string {
        case "true": return .bool(true)
        case "false": return .bool(false)
        case "null", "~", "": return .null
        default: return Int64(scalar.string).map { .integer($0) } ?? Double(scalar.string).map { .number($0) } ?? .string(scalar.string)
        }
    }
}
