import MirrorCore
import Testing

@Suite struct JSONValueTests {
    @Test func `a document has a limited number of values, whatever they are`() {
        for value in ["1", "[]", "{}", #"{"a":1}"#, #""a""#] {
            let some = "[" + Array(repeating: value, count: 1_000).joined(separator: ",") + "]"
            #expect(JSONValue.isDecodable(some.utf8))
            let many = "[" + Array(repeating: value, count: JSONValue.maxValues).joined(separator: ",") + "]"
            #expect(!JSONValue.isDecodable(many.utf8), "\(value)")
        }
    }

    @Test func `a document has a limited number of levels, and those that have ended do not count`() {
        func nested(_ levels: Int, _ open: String, _ close: String) -> String {
            String(repeating: open, count: levels) + String(repeating: close, count: levels)
        }
        for (open, close) in [("[", "]"), (#"{"a":"#, "}"), (#"[{"a":"#, "}]")] {
            let levels = JSONValue.maxDepth / open.count { "[{".contains($0) }
            let text = nested(levels, open, close)
            #expect(JSONValue.isDecodable(text.utf8))
            #expect(!JSONValue.isDecodable(nested(levels + 1, open, close).utf8))
        }
        let most = nested(JSONValue.maxDepth - 1, "[", "]")
        #expect(JSONValue.isDecodable("[\(most),\(most)]".utf8))
    }

    @Test func `what is in a text counts for nothing, also behind escapes`() {
        let marks = String(repeating: "[{,", count: JSONValue.maxValues)
        #expect(JSONValue.isDecodable(#"["\#(marks)"]"#.utf8))
        #expect(JSONValue.isDecodable(#"["\"\#(marks)"]"#.utf8))
        #expect(!JSONValue.isDecodable(#"["\\"\#(marks)"]"#.utf8))
    }
}
