import NIOCore
import TestServers
import Testing

@testable import RedisClient

@Suite("The parser of replies, fed with nonsense")
struct RESPParserFuzzTests {
    private static let small = RESPParser.Limits(
        depth: 8, elements: 1 << 10, replyElements: 1 << 11, blob: 1 << 10, line: 64, reply: 1 << 12)

    @Test("Whatever comes, the parser stands, and pieces give what the whole gives", arguments: 0..<8 as Range<UInt64>)
    func fuzz(_ seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        let vectors = RESPParserTests.vectors.map { Array($0.wire.utf8) }
        let letters = Array("$*%~>|:+-#,(=!_?0123456789\r\n\r\n\r\n-t".utf8)
        var malformed = 0
        var complete = 0
        for round in 0..<5_000 {
            var bytes: [UInt8] = []
            switch round % 4 {
            case 0:
                // Bytes of any kind.
                for _ in 0..<Int.random(in: 0...40, using: &random) { bytes.append(.random(in: .min ... .max, using: &random)) }
            case 1:
                // Those that mean something.
                for _ in 0..<Int.random(in: 1...60, using: &random) { bytes.append(letters.randomElement(using: &random) ?? 0) }
            default:
                // Replies with mistakes.
                for _ in 0..<Int.random(in: 1...4, using: &random) { bytes += vectors.randomElement(using: &random) ?? [] }
                for _ in 0..<Int.random(in: 0...3, using: &random) {
                    let index = Int.random(in: 0..<bytes.count, using: &random)
                    switch Int.random(in: 0..<3, using: &random) {
                    case 0: bytes[index] = letters.randomElement(using: &random) ?? 0
                    case 1: bytes.insert(letters.randomElement(using: &random) ?? 0, at: index)
                    default: if bytes.count > 1 { bytes.remove(at: index) }
                    }
                }
            }
            let whole = RESPParser.read([ByteBuffer(bytes: bytes)], limits: Self.small)
            var pieces: [ByteBuffer] = []
            var rest = bytes[...]
            while !rest.isEmpty {
                let piece = rest.prefix(Int.random(in: 1...7, using: &random))
                pieces.append(ByteBuffer(bytes: piece))
                rest = rest.dropFirst(piece.count)
            }
            let cut = RESPParser.read(pieces, limits: Self.small)
            // No expectation each time: those cost more than the parser.
            if whole != cut { Issue.record("\(bytes): whole \(whole), in pieces \(cut)") }
            if whole.last == "malformed" { malformed += 1 } else if !whole.isEmpty { complete += 1 }
        }
        // It is no test when all of it is refused, or nothing.
        #expect(malformed > 500)
        #expect(complete > 500)
    }

    @Test("What is written is read back: a command is an array of strings")
    func roundTrip() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<2_000 {
            let words = (0..<Int.random(in: 1...120, using: &random)).map { _ in
                String(
                    (0..<Int.random(in: 0...130, using: &random)).map { _ in
                        Character(UnicodeScalar(UInt8.random(in: 0...127, using: &random)))
                    })
            }
            var bytes = ByteBuffer()
            bytes.write(RedisCommand(words.map { .text($0) }, key: nil))
            var parser = RESPParser()
            parser.append(bytes)
            let item = try? parser.next()
            #expect(item == .reply(.array(words.map { .blob(ByteBuffer(string: $0)) })))
        }
        var bytes = ByteBuffer()
        bytes.write(RedisCommand(["A", -12, .integer(.min), "\u{0}é\r\n"], key: nil))
        #expect(
            bytes == ByteBuffer(string: "*4\r\n$1\r\nA\r\n$3\r\n-12\r\n$20\r\n-9223372036854775808\r\n$5\r\n\u{0}é\r\n\r\n"))
    }
}
