import Foundation
import Logging
import MirrorCore
import Testing

@testable import MirrorNode

@Suite struct LogLineTests {
    private static func line(_ message: String, _ metadata: Logger.Metadata = [:]) -> LogLine {
        LogLine(time: Timestamp(milliseconds: 1_790_000_000_123), level: .info, logger: "test", message: message, metadata: metadata)
    }

    private static func object(_ line: LogLine) throws -> [String: Any] {
        let text = line.written(asJSON: true)
        #expect(text.hasSuffix("}\n"))
        #expect(text.count { $0.isNewline } == 1)
        let object = try JSONSerialization.jsonObject(with: Data(text.utf8))
        return try #require(object as? [String: Any])
    }

    @Test("A line in JSON has the time, the level, the logger, the message, and its facts")
    func fields() {
        #expect(
            Self.line("copied", ["bytes": .stringConvertible(Int64(5)), "artifact": "https://a/b"]).written(asJSON: true)
                == #"{"time":"2026-09-21T14:13:20.123Z","level":"info","logger":"test","message":"copied","artifact":"https://a/b","bytes":5}"#
                + "\n")
    }

    @Test("Numbers and truth values are JSON numbers and truth values, also in lists and mappings; a duration is its seconds")
    func types() throws {
        let text = Self.line(
            "m",
            [
                "bool": .stringConvertible(true), "int": .stringConvertible(-3), "large": .stringConvertible(UInt64.max),
                "double": .stringConvertible(0.25), "float": .stringConvertible(Float(1.5)), "tiny": .stringConvertible(1e-7),
                "duration": .stringConvertible(Duration.milliseconds(1_500)), "number in words": "3",
                "list": .array(["a", .stringConvertible(2)]), "map": .dictionary(["b": .stringConvertible(false), "a": .array([])]),
            ]
        ).written(asJSON: true)
        for field in [
            #""bool":true"#, #""int":-3"#, #""large":18446744073709551615"#, #""double":0.25"#, #""float":1.5"#, #""tiny":1e-07"#,
            #""duration":1.5"#, #""number in words":"3""#, #""list":["a",2]"#, #""map":{"a":[],"b":false}"#,
        ] { #expect(text.contains(field), "\(field) in \(text)") }
        _ = try JSONSerialization.jsonObject(with: Data(text.utf8))
    }

    @Test("What JSON has no number for is a text", arguments: [Double.infinity, -.infinity, .nan])
    func notNumbers(value: Double) throws {
        #expect(try Self.object(Self.line("m", ["value": .stringConvertible(value)]))["value"] as? String == value.description)
    }

    /// Control characters, line ends outside ASCII, and what changes the direction of text.
    private static let harmful: [ClosedRange<UInt32>] = [0x7F...0x9F, 0x2028...0x202E, 0x2066...0x2069]

    @Test("Whatever is logged, it is one line of JSON that a reader gets back as it was")
    func hostile() throws {
        let texts = [
            "", "\"", "\\", "a\nb\r\nc\td", "\u{0}\u{1}\u{1B}[31m\u{7F}", "\u{85}\u{9B}31m", "\u{2028}\u{2029}", "\u{202E}abc", "💥é\u{301}",
            "\u{FFFD}", "\u{202A}\u{202B}\u{202C}\u{202D}", "\u{2066}\u{2067}\u{2068}abc\u{2069}",
            String(decoding: [0xC3, 0x28, 0xFF, 0x00], as: UTF8.self), "{\"level\":\"error\"}",
        ]
        for text in texts {
            let object = try Self.object(Self.line(text, ["value": .string(text), "k\(text)": .array([.string(text)])]))
            #expect(object["message"] as? String == text)
            #expect(object["value"] as? String == text)
            #expect((object["k\(text)"] as? [String]) == [text])
        }
        for text in texts {
            let line = Self.line(text, ["value": .string(text)]).written(asJSON: false)
            let isSafe = line.dropLast().unicodeScalars.allSatisfy { scalar in
                scalar.value >= 0x20 && !Self.harmful.contains { $0.contains(scalar.value) }
            }
            #expect(isSafe, "\(line)")
        }
    }

    @Test("A fact does not take the place of the time, the level, the logger or the message")
    func taken() throws {
        let object = try Self.object(Self.line("m", ["level": "x", "time": "y", "message": "z"]))
        #expect(object["level"] as? String == "info")
        #expect(object["metadata.level"] as? String == "x")
        #expect(object["metadata.time"] as? String == "y")
        #expect(object["message"] as? String == "m")
    }

    @Test("A long value is cut at a character, wherever it stands", arguments: 993...1_000)
    func long(prefix: Int) throws {
        let text = String(repeating: "a", count: prefix) + String(repeating: "💥", count: 5_000)
        let list = Logger.MetadataValue.array((0..<5_000).map { .stringConvertible($0) })
        let object = try Self.object(
            Self.line(text, ["value": .string(text), "convertible": .stringConvertible(Text(description: text)), "list": list]))
        for key in ["message", "value", "convertible"] {
            let value = try #require(object[key] as? String)
            #expect(value.utf8.count <= 1_024)
            #expect(value == text.cut(to: 1_024))
            #expect(value.utf8.count > 1_018)
        }
        #expect((object["list"] as? String)?.utf8.count ?? .max <= 1_024)
        #expect(Self.line(text).written(asJSON: false).utf8.count < 1_100)
    }

    private struct Text: CustomStringConvertible, Sendable {
        let description: String
    }

    @Test("A line of text quotes what is not one word")
    func text() {
        let metadata: Logger.Metadata = ["a": "one", "b": "two words", "c": "", "d": "x=\"y\"", "e": .stringConvertible(3), "f": "a\nb"]
        #expect(
            Self.line("the message\nforged", metadata).written(asJSON: false)
                == #"2026-09-21T14:13:20.123Z info the message\nforged a=one b="two words" c="" d="x=\"y\"" e=3 f="a\nb""# + "\n")
    }
}
