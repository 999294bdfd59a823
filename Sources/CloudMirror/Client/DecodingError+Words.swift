extension DecodingError {
    /// What is wrong with the JSON, such as `'pools.0.bytes' is missing`.
    var words: String {
        switch self {
        case .keyNotFound(let key, let context): "'\(Self.path(context.codingPath + [key]))' is missing"
        case .valueNotFound(_, let context): "\(Self.subject(context)) is null"
        case .typeMismatch(_, let context): "\(Self.subject(context)) is of the wrong type"
        case .dataCorrupted(let context) where context.codingPath.isEmpty: "it is not JSON"
        default: "it cannot be read"
        }
    }

    private static func subject(_ context: Context) -> String {
        context.codingPath.isEmpty ? "it" : "'\(path(context.codingPath))'"
    }

    private static func path(_ keys: [any CodingKey]) -> String {
        keys.map { $0.intValue.map { "\($0)" } ?? $0.stringValue }.joined(separator: ".")
    }
}
