import NIOCore
import Testing

@testable import RedisClient

@Suite("The parser of replies")
struct RESPParserTests {
    /// From the RESP3 specification, or as servers send it.
    static let vectors: [(wire: String, items: [String])] = [
        ("+OK\r\n", ["+OK"]),
        ("+\r\n", ["+"]),
        ("-ERR unknown command\r\n", ["error server(\"ERR\") ERR unknown command"]),
        ("-NOSCRIPT No matching script.\r\n", ["error server(\"NOSCRIPT\") NOSCRIPT No matching script."]),
        ("-\r\n", ["error server(\"\") "]),
        ("!21\r\nSYNTAX invalid syntax\r\n", ["error server(\"SYNTAX\") SYNTAX invalid syntax"]),
        (":0\r\n:-1\r\n:+7\r\n", ["0", "-1", "7"]),
        (":9223372036854775807\r\n", ["9223372036854775807"]),
        (":-9223372036854775808\r\n", ["-9223372036854775808"]),
        ("$5\r\nhello\r\n", ["'hello'"]),
        ("$0\r\n\r\n", ["''"]),
        ("$4\r\na\r\nb\r\n", ["'a\r\nb'"]),
        ("$-1\r\n", ["null"]),
        ("*-1\r\n", ["null"]),
        ("_\r\n", ["null"]),
        ("#t\r\n#f\r\n", ["true", "false"]),
        (",1.25\r\n,-3\r\n,1e3\r\n", ["double 1.25", "double -3.0", "double 1000.0"]),
        (",inf\r\n,-inf\r\n,nan\r\n", ["double inf", "double -inf", "double nan"]),
        ("(3492890328409238509324850943850943825024385\r\n", ["+3492890328409238509324850943850943825024385"]),
        ("(-12\r\n", ["+-12"]),
        ("=15\r\ntxt:Some string\r\n", ["'Some string'"]),
        ("=4\r\ntxt:\r\n", ["''"]),
        ("*0\r\n", ["[]"]),
        ("*3\r\n:1\r\n$3\r\ntwo\r\n*1\r\n_\r\n", ["[1 'two' [null]]"]),
        ("*3\r\n$3\r\none\r\n$0\r\n\r\n$2\r\n\r\n\r\n", ["['one' '' '\r\n']"]),
        ("*2\r\n$3\r\none\r\n$-1\r\n", ["['one' null]"]),
        ("*2\r\n$3\r\none\r\n:2\r\n", ["['one' 2]"]),
        ("*2\r\n*1\r\n$1\r\na\r\n*1\r\n$1\r\nb\r\n+OK\r\n", ["[['a'] ['b']]", "+OK"]),
        ("%1\r\n$5\r\nfirst\r\n$1\r\n1\r\n%1\r\n$1\r\na\r\n$1\r\nb\r\n", ["{'first' '1'}", "{'a' 'b'}"]),
        ("*1\r\n$00000000000001\r\na\r\n", ["['a']"]),
        ("*2\r\n*0\r\n*0\r\n", ["[[] []]"]),
        ("~2\r\n+a\r\n#t\r\n", ["[+a true]"]),
        ("%2\r\n+first\r\n:1\r\n+second\r\n:2\r\n", ["{+first 1 +second 2}"]),
        ("%0\r\n", ["{}"]),
        ("*2\r\n-ERR one\r\n:2\r\n", ["[error server(\"ERR\") ERR one 2]"]),
        (">3\r\n$7\r\nmessage\r\n$1\r\nc\r\n$2\r\nhi\r\n+OK\r\n", ["push['message' 'c' 'hi']", "+OK"]),
        (">2\r\n+invalidate\r\n_\r\n", ["push[+invalidate null]"]),
        ("|1\r\n+ttl\r\n:3600\r\n*2\r\n:1\r\n:2\r\n", ["[1 2]"]),
        ("|0\r\n:1\r\n", ["1"]),
        ("*3\r\n:1\r\n|1\r\n+ttl\r\n:3600\r\n:2\r\n:3\r\n", ["[1 2 3]"]),
        ("*1\r\n|1\r\n*1\r\n|1\r\n+a\r\n+b\r\n:1\r\n%1\r\n+c\r\n+d\r\n:5\r\n", ["[5]"]),
    ]

    @Test("Every kind of reply is read", arguments: vectors.indices)
    func kinds(_ index: Int) {
        #expect(RESPParser.read(Self.vectors[index].wire) == Self.vectors[index].items)
    }

    @Test("A reply that is cut anywhere is the same, and is not told before its last byte", arguments: vectors.indices)
    func cut(_ index: Int) {
        let (wire, items) = Self.vectors[index]
        let bytes = ByteBuffer(string: wire)
        for end in 0...bytes.readableBytes {
            for start in 0...end {
                let cuts = [0..<start, start..<end, end..<bytes.readableBytes]
                let read = RESPParser.read(cuts.map { ByteBuffer(bytes.readableBytesView[$0]) })
                if read != items { Issue.record("cut at \(start) and \(end): \(read)") }
            }
        }
        #expect(RESPParser.read(bytes.readableBytesView.map { ByteBuffer(bytes: [$0]) }) == items)
        #expect(RESPParser.read([ByteBuffer(bytes.readableBytesView.dropLast())]) == items.dropLast())
    }

    @Test(
        "What is no reply is refused, and nothing after it is read",
        arguments: [
            "hello\r\n", "\r\n", "+OK\rX\n", ":\r\n", ":1x\r\n", ":--1\r\n", ":+\r\n", ": 1\r\n", ":9223372036854775808\r\n",
            ":-9223372036854775809\r\n", ":99999999999999999999\r\n", "$-2\r\n", "$1\r\nab\r\n", "$1\r\na\n\n", "$x\r\n", "$?\r\n", "$\r\n",
            "*-2\r\n", "*?\r\n", "%-1\r\n", "%?\r\n", "~-1\r\n", "|-1\r\n", ">-1\r\n", ">0\r\n", "!-1\r\n", "=-1\r\n", "=3\r\ntxt\r\n",
            "=4\r\ntxt \r\n", "#\r\n", "#true\r\n", "_x\r\n", ",one\r\n", ",\r\n", "(12x\r\n", "(\r\n", "(-\r\n", ".\r\n", ";4\r\n",
            "*1\r\n>1\r\n+a\r\n", "*1048577\r\n", "%524289\r\n", "$67108865\r\n", "*9223372036854775807\r\n", "%9223372036854775807\r\n",
            "*2\r\n$1\r\na\r\n$1\r\nbc\r\n", "*2\r\n$1\r\na\r\n$1\nbc\r\n",
        ])
    func malformed(_ wire: String) {
        #expect(RESPParser.read(wire + "+OK\r\n") == ["malformed"])
        #expect(RESPParser.read("+before\r\n" + wire) == ["+before", "malformed"])
    }

    @Test("An error stays")
    func stays() throws {
        var parser = RESPParser()
        parser.append(ByteBuffer(string: "?\r\n"))
        #expect(throws: RedisError.self) { try parser.next() }
        parser.append(ByteBuffer(string: "+OK\r\n"))
        #expect(throws: RedisError.self) { try parser.next() }
    }

    @Test("Eight aggregates within each other are read, nine are refused")
    func depth() {
        let eight = String(repeating: "*1\r\n", count: 8)
        #expect(RESPParser.read(eight + ":1\r\n") == ["[[[[[[[[1]]]]]]]]"])
        #expect(RESPParser.read("*1\r\n" + eight + ":1\r\n") == ["malformed"])
        #expect(RESPParser.read(String(repeating: "|1\r\n", count: 9)) == ["malformed"])
    }

    @Test("The other limits hold, at their values")
    func limits() {
        let limits = RESPParser.Limits(depth: 3, elements: 4, replyElements: 6, blob: 10, line: 8, reply: 60)
        func read(_ wire: String) -> [String] { RESPParser.read(wire, limits: limits) }
        #expect(read("+1234567\r\n") == ["+1234567"])
        #expect(read("+123456789\r\n") == ["malformed"])
        #expect(read("+123456789") == ["malformed"])
        #expect(read("$10\r\n0123456789\r\n") == ["'0123456789'"])
        #expect(read("$11\r\n") == ["malformed"])
        #expect(read("*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n") == ["[1 2 3 4]"])
        #expect(read("*5\r\n") == ["malformed"])
        #expect(read("%2\r\n:1\r\n:2\r\n:3\r\n:4\r\n") == ["{1 2 3 4}"])
        #expect(read("%3\r\n") == ["malformed"])
        #expect(read("*2\r\n*4\r\n:1\r\n:2\r\n:3\r\n:4\r\n:5\r\n") == ["[[1 2 3 4] 5]"])
        #expect(read("*3\r\n*4\r\n") == ["malformed"])
        #expect(read("*4\r\n" + String(repeating: "$8\r\n01234567\r\n", count: 4)) == ["['01234567' '01234567' '01234567' '01234567']"])
        #expect(read("*4\r\n" + String(repeating: "$9\r\n012345678\r\n", count: 4)) == ["malformed"])
        // A new reply starts counting anew; attributes without end are none.
        #expect(read(String(repeating: "$10\r\n0123456789\r\n", count: 20)).count == 20)
        #expect(read(String(repeating: "|0\r\n", count: 20)) == ["malformed"])
    }

    @Test("A large reply in small pieces costs no more than its size")
    func large() {
        let count = 200_000
        var bytes = ByteBuffer(string: "*\(count)\r\n")
        for number in 0..<count { bytes.writeString("$6\r\n\(100_000 + number % 900_000)\r\n") }
        var parser = RESPParser()
        var pieces = 0
        let clock = ContinuousClock()
        let start = clock.now
        while let piece = bytes.readSlice(length: min(1_000, bytes.readableBytes)), piece.readableBytes > 0 {
            pieces += 1
            parser.append(piece)
            guard let item = try? parser.next() else { continue }
            guard case .reply(.array(let values)) = item else { break }
            #expect(values.count == count)
            #expect(values.last?.string == "\(100_000 + count - 1)")
        }
        #expect(pieces > 2_000)
        // Read from its start with each piece it would be 200 million elements, many minutes.
        #expect(clock.now - start < .seconds(20))
    }

    @Test("A string of many mebibytes in pieces is put together")
    func largeString() throws {
        var parser = RESPParser()
        parser.append(ByteBuffer(string: "+first\r\n$\(16 << 20)\r\n"))
        #expect(try parser.next() == .reply(.simple("first")))
        for _ in 0..<1024 {
            #expect(try parser.next() == nil)
            parser.append(ByteBuffer(repeating: UInt8(ascii: "x"), count: 16 << 10))
        }
        parser.append(ByteBuffer(string: "\r\n+OK\r\n"))
        guard case .reply(.blob(let bytes)) = try parser.next() else {
            Issue.record("no string")
            return
        }
        #expect(bytes.readableBytes == 16 << 20)
        #expect(try parser.next() == .reply(.simple("OK")))
    }
}
