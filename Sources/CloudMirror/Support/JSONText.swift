#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif

/// JSON that this program writes, and that mirrors answer.
enum JSONText {
    /// For a mirror.
    static func bytes(_ value: any Encodable) -> [UInt8] {
        encoded(value, [.sortedKeys, .withoutEscapingSlashes])
    }

    /// For standard output: indented, keys in order.
    static func text(_ value: any Encodable) -> String {
        String(decoding: encoded(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
    }

    /// - Throws: `DecodingError`
    static func decode<Value: Decodable>(_ bytes: [UInt8]) throws -> Value {
        try JSONDecoder().decode(Value.self, from: Data(bytes))
    }

    private static func encoded(_ value: any Encodable, _ formatting: JSONEncoder.OutputFormatting) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        // Structs of strings and numbers: nothing in them can fail to encode.
        return (try? encoder.encode(value)).map { Array($0) } ?? Array("{}".utf8)
    }
}
