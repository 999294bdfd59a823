import Logging
import MirrorCore

/// One line of the log: as text, `time level message key=value …`, or the same as one JSON object.
struct LogLine {
    var time = SystemClock().now
    let level: Logger.Level
    let logger: String
    let message: String
    let metadata: Logger.Metadata

    /// With its line end.
    func written(asJSON isJSON: Bool) -> String {
        (isJSON ? json : text) + "\n"
    }

    private var text: String {
        var line = "\(time.iso8601) \(level.rawValue) \(LogText.escaped(LogText.cut(message)))"
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            line += " \(LogText.plain(key))=\(LogText.plain(LogText.cut(value.description)))"
        }
        return line
    }

    private var json: String {
        let fixed = [("time", time.iso8601), ("level", level.rawValue), ("logger", logger), ("message", message)]
        var fields = fixed.map { ($0.0, LogText.quoted(LogText.cut($0.1))) }
        let taken = Set(fixed.map(\.0))
        for (key, value) in metadata.sorted(by: { $0.key < $1.key }) {
            fields.append((taken.contains(key) ? "metadata.\(key)" : key, value.json))
        }
        return "{" + fields.map { "\(LogText.quoted($0.0)):\($0.1)" }.joined(separator: ",") + "}"
    }
}

extension Logger.MetadataValue {
    /// Numbers and booleans keep their type, and a duration becomes its seconds. A list or mapping that is too long becomes its text, cut off.
    fileprivate var json: String {
        let text: String
        switch self {
        case .string(let string):
            return LogText.quoted(LogText.cut(string))
        case .stringConvertible(let value):
            return Self.json(of: value) ?? LogText.quoted(LogText.cut(value.description))
        case .array(let values):
            text = "[" + values.map(\.json).joined(separator: ",") + "]"
        case .dictionary(let values):
            text = "{" + values.sorted { $0.key < $1.key }.map { "\(LogText.quoted($0.key)):\($0.value.json)" }.joined(separator: ",") + "}"
        }
        return text.utf8.count <= LogText.maxLength ? text : LogText.quoted(LogText.cut(description))
    }

    /// `nil` for a value that JSON cannot express, such as an infinite number.
    private static func json(of value: any CustomStringConvertible) -> String? {
        switch value {
        case let value as Bool: value.description
        case let value as any BinaryInteger: "\(value)"
        case let value as Double: value.isFinite ? value.description : nil
        case let value as Float: value.isFinite ? value.description : nil
        case let value as Duration: value.inSeconds.description
        default: nil
        }
    }
}

/// How foreign text gets into a log line: complete, harmless, and not too long.
enum LogText {
    /// Bytes of one value.
    static let maxLength = 1_024

    /// The beginning of a text that is too long.
    static func cut(_ text: String) -> String { text.cut(to: maxLength) }

    /// Unchanged if it is a single word, quoted otherwise.
    static func plain(_ text: String) -> String {
        let isWord = !text.isEmpty && text.unicodeScalars.allSatisfy { $0 != " " && $0 != "\"" && $0 != "=" && $0 != "\\" && !$0.isUnsafe }
        return isWord ? text : quoted(text)
    }

    /// A JSON string.
    static func quoted(_ text: String) -> String {
        "\"" + escaped(text, quotes: true) + "\""
    }

    /// The result cannot forge a second line or control a terminal.
    static func escaped(_ text: String, quotes: Bool = false) -> String {
        // Nearly every text is printable ASCII without anything to escape.
        let isPlain = text.utf8.allSatisfy { byte in
            (0x20...0x7E).contains(byte) && !(quotes && (byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\")))
        }
        if isPlain { return text }
        var out = ""
        for scalar in text.unicodeScalars {
            switch scalar {
            case "\"" where quotes: out += "\\\""
            case "\\" where quotes: out += "\\\\"
            case "\n": out += "\\n"
            case "\r": out += "\\r"
            case "\t": out += "\\t"
            case _ where scalar.isUnsafe: out += scalar.escape
            default: out.unicodeScalars.append(scalar)
            }
        }
        return out
    }
}
