import MirrorCore
import Testing

@Suite struct ForeignJSONTests {
    private struct Part: Decodable {
        let a: [Int]?
    }

    @Test func `a document is decoded`() throws {
        let part: Part = try ForeignJSON.decode(from: Array(#"{"a":[1,2],"b":{}}"#.utf8))
        #expect(part.a == [1, 2])
    }

    /// Foundation's decoder stops at 512 levels. If the next one is the last byte, it looks behind the end to say where that is.
    @Test(arguments: [65, 511, 512, 513, 514, 100_000], ["[", #"{"a":"#])
    func `levels without end are refused`(levels: Int, level: String) {
        #expect(throws: DecodingError.self) {
            let _: Part = try ForeignJSON.decode(from: Array(String(repeating: level, count: levels).utf8))
        }
        #expect(throws: DecodingError.self) {
            let _: Part = try ForeignJSON.decode(from: Array((String(repeating: level, count: levels) + "[").utf8))
        }
    }

    /// Foundation's decoder also reads UTF-16 and UTF-32, where levels could hide from who counts them in bytes.
    @Test func `only UTF-8 is read`() {
        for text in [#"{"a":[1]}"#, "\u{FEFF}" + #"{"a":[1]}"#] {
            let ofTwo: [[UInt8]] = text.utf16.map { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }
            let ofFour: [[UInt8]] = ofTwo.map { [0, 0] + $0 }
            for units in [ofTwo, ofFour] {
                for bytes in [units.flatMap { $0 }, units.flatMap { $0.reversed() }] {
                    #expect(throws: DecodingError.self) { let _: Part = try ForeignJSON.decode(from: bytes) }
                }
            }
        }
    }

    @Test func `a document may have as many values as its reader allows`() throws {
        let many = "[" + Array(repeating: "1", count: JSONValue.maxValues).joined(separator: ",") + "]"
        #expect(throws: DecodingError.self) { try ForeignJSON.decode([Int].self, from: Array(many.utf8)) }
        #expect(try ForeignJSON.decode([Int].self, from: Array(many.utf8), maxValues: .max).count == JSONValue.maxValues)
    }
}
