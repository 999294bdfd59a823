#if canImport(FoundationEssentials)
    import FoundationEssentials
#else
    import Foundation
#endif
import MirrorCore

/// Encodes JSON for mirrors and for output, and decodes mirrors' answers.
enum JSONText {
    /// Encodes a request to a mirror.
    static func bytes(_ value: any Encodable) -> [UInt8] {
        encoded(value, [.sortedKeys, .withoutEscapingSlashes])
    }

    /// Encodes for standard output: indented, with sorted keys. What could control a terminal is escaped.
    static func text(_ value: any Encodable) -> String {
        let json = String(decoding: encoded(value, [.prettyPrinted, .sortedKeys, .withoutEscapingSlashes]), as: UTF8.self)
        // The encoder itself escapes only what JSON requires. Its own line ends are the only ones.
        return json.unicodeScalars.reduce(into: "") { text, scalar in
            if scalar.isUnsafe, scalar != "\n" { text += scalar.escape } else { text.unicodeScalars.append(scalar) }
        }
    }

    /// - Throws: `DecodingError`
    static func decode<Value: Decodable>(_ bytes: [UInt8]) throws -> Value {
        try ForeignJSON.decode(from: bytes)
    }

    private static func encoded(_ value: any Encodable, _ formatting: JSONEncoder.OutputFormatting) -> [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = formatting
        // The values are structs of strings and numbers, which always encode.
        return (try? encoder.encode(value)).map { Array($0) } ?? Array("{}".utf8)
    }
}
