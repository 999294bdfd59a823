import Crypto
import MirrorCore
import Testing

@Suite("Texts that are too long for a log")
struct CutTests {
    private static func mark(_ text: String) -> String {
        let hash = SHA256.hash(data: Array(text.utf8)).map { String(UInt16($0) + 0x100, radix: 16).dropFirst() }.joined()
        return "…[sha256:\(hash.prefix(16))]"
    }

    /// What is left in front of the mark.
    private static func beginning(_ text: String, _ limit: Int) throws -> String {
        let cut = text.cut(to: limit)
        let mark = mark(text)
        try #require(cut.hasSuffix(mark), "\(cut)")
        #expect(cut.utf8.count <= limit)
        let beginning = String(decoding: cut.utf8.dropLast(mark.utf8.count), as: UTF8.self)
        #expect(text.utf8.starts(with: beginning.utf8))
        // Not more than needs be.
        #expect(cut.utf8.count > limit - 12)
        return beginning
    }

    @Test("A text that fits is left alone, and one that is a byte longer is cut")
    func limit() throws {
        let text = String(repeating: "a", count: 100)
        #expect(text.cut(to: 100) == text)
        #expect("".cut(to: 100) == "")
        #expect(try Self.beginning(text + "a", 100) == String(repeating: "a", count: 72))
    }

    @Test("Two that begin alike are told apart")
    func differ() {
        let text = String(repeating: "a", count: 1_000)
        #expect((text + "1").cut(to: 100) != (text + "2").cut(to: 100))
    }

    @Test("No character is cut in two, wherever it stands", arguments: 60...72)
    func characters(_ before: Int) throws {
        for character in ["é", "€", "💥", "\u{0301}"] {
            let text = String(repeating: "a", count: before) + String(repeating: character, count: 100)
            let beginning = try Self.beginning(text, 100)
            #expect(String(validating: Array(beginning.utf8), as: UTF8.self) != nil)
            #expect((beginning.utf8.count - before).isMultiple(of: character.utf8.count))
        }
    }

    @Test("No escape is cut in two, and no character that several of them stand for", arguments: 55...72)
    func escapes(_ before: Int) throws {
        for character in ["%20", "%C3%A9", "%E2%82%AC", "%F0%9F%92%A5", "%e2%82%ac"] {
            let text = String(repeating: "a", count: before) + String(repeating: character, count: 100)
            let beginning = try Self.beginning(text, 100)
            #expect((beginning.utf8.count - before).isMultiple(of: character.utf8.count), "\(beginning)")
            #expect(PercentCoding.decode(beginning) != nil)
        }
    }

    @Test("What is no escape, or no character, is cut somewhere", arguments: ["%", "%%", "%8", "%80", "%zz", "a%", "%25%"])
    func nonsense(_ piece: String) throws {
        for before in 0..<4 {
            _ = try Self.beginning(String(repeating: "a", count: before) + String(repeating: piece, count: 200), 100)
        }
    }

    @Test("A URL is shown in 512 bytes, with the hash of all that is not its query, and never with the query")
    func urls() throws {
        let start = "https://example.org/\(String(repeating: "d/", count: 250))"
        for path in [start + String(repeating: "%C3%A9", count: 200), start + String(repeating: "x", count: 7_000)] {
            let plain = try ArtifactURL(path)
            #expect(plain.redacted.utf8.count <= 512)
            #expect(plain.redacted.utf8.count > 500)
            #expect(plain.redacted.hasPrefix(start.prefix(450)))
            #expect(plain.redacted.hasSuffix(Self.mark(path)))
            let asked = try ArtifactURL("\(path)?secret=1")
            #expect(asked.redacted.utf8.count <= 512)
            #expect(asked.redacted.hasSuffix("\(Self.mark(path))?…"))
            #expect(asked.redacted == (try ArtifactURL("\(path)?secret=2")).redacted)
        }
        let short = try ArtifactURL("https://example.org/\(String(repeating: "x", count: 488))")
        #expect(short.redacted == short.description)
        let query = String(repeating: "q", count: 7_000)
        #expect(try ArtifactURL("https://example.org/a?\(query)").redacted == "https://example.org/a?…")
    }
}
