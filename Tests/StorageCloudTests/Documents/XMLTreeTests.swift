import MirrorCore
import NIOCore
import StorageCloud
import Testing

@Suite("XML as services write it")
struct XMLTreeTests {
    @Test("A document is read")
    func document() throws {
        let text = """
            \u{FEFF}<?xml version="1.0"?><!-- a > b -->
            <x:Result xmlns:x="http://x/"  a='>'><Key>a &amp; b&#x20;&#252;&lt;</Key><Empty/><Key><![CDATA[<c>&amp;]]></Key><In><Deep> x </Deep></In></x:Result>
            """
        let document = try XMLTree(parsing: ByteBuffer(string: text))
        #expect(document.name == "Result")
        #expect(document.all("Key").map(\.text) == ["a & b ü<", "<c>&amp;"])
        #expect(document["Empty"]?.text == "")
        #expect(document["In"]?["Deep"]?.text == " x ")
        #expect(document["Other"] == nil)
        #expect(document.attributes == ["xmlns:x": "http://x/", "a": ">"])
        #expect(document["Empty"]?.attributes == [:])
        let attributes = try XMLTree(parsing: ByteBuffer(string: "<a><b c = 'd\"' e=\"&amp;\"/></a>"))["b"]?.attributes
        #expect(attributes == ["c": "d\"", "e": "&amp;"])
    }

    @Test(
        "What is no document, or one that does harm, is refused",
        arguments: [
            "", "text", "<a>", "<a></b>", "<a/><b/>", "<a", "<a b=\"", "<a>&unknown;</a>", "<a>&#xD800;</a>", "<a>&amp</a>", "</a>", "<>",
            "<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>", "<a><!ENTITY b \"c\"></a>", "<a><![CDATA[</a>", "<a><!-- </a>",
            String(repeating: "<a>", count: 17) + String(repeating: "</a>", count: 17),
        ])
    func refused(_ text: String) {
        #expect(throws: XMLTreeError.self) { try XMLTree(parsing: ByteBuffer(string: text)) }
    }

    @Test("A document has its limits")
    func limits() throws {
        let many = "<a>" + String(repeating: "<b/>", count: 100_001) + "</a>"
        #expect(throws: XMLTreeError.self) { try XMLTree(parsing: ByteBuffer(string: many)) }
        #expect(throws: XMLTreeError.self) { try XMLTree(parsing: ByteBuffer(string: "<a>bcd</a>"), limit: 9) }
        #expect(try XMLTree(parsing: ByteBuffer(string: "<a>bcd</a>"), limit: 10).text == "bcd")
    }

    @Test("Broken documents never trap", arguments: 0..<8)
    func fuzz(_ seed: Int) {
        let text = Array("<?xml?><a b=\"c\"><![CDATA[x]]>&amp;&#38;<!-- y --><d/>é</a>".utf8)
        for length in 0..<text.count {
            var bytes = Array(text[..<length])
            if !bytes.isEmpty { bytes[(seed * 31 + length * 7) % bytes.count] = UInt8(truncatingIfNeeded: seed * 37 + length) }
            let document = try? XMLTree(parsing: ByteBuffer(bytes: bytes))
            #expect(document == nil || bytes.count > 3)
        }
    }

    @Test("Escaped text is read as it was", arguments: ["a", "<&>\"'", "a\r\nb", "ü\u{1F600}", "&amp;"])
    func escape(_ text: String) throws {
        #expect(try XMLTree(parsing: ByteBuffer(string: "<a>\(Markup.escape(text))</a>")).text == text)
    }
}
