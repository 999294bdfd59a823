import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOHTTP1
import Testing

@testable import StorageS3

@Suite("What is written to the service and read from it")
struct StoreTextTests {
    @Test("A document is read")
    func document() throws {
        let text = """
            \u{FEFF}<?xml version="1.0"?><!-- a > b -->
            <s3:Result xmlns:s3="http://x/"  a='>'><Key>a &amp; b&#x20;&#252;&lt;</Key><Empty/><Key><![CDATA[<c>&amp;]]></Key><In><Deep> x </Deep></In></s3:Result>
            """
        let document = try XMLTree(parsing: ByteBuffer(string: text))
        #expect(document.name == "Result")
        #expect(document.all("Key").map(\.text) == ["a & b ü<", "<c>&amp;"])
        #expect(document["Empty"]?.text == "")
        #expect(document["In"]?["Deep"]?.text == " x ")
        #expect(document["Other"] == nil)
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
        #expect(try XMLTree(parsing: ByteBuffer(string: "<a>\(XMLTree.escape(text))</a>")).text == text)
    }

    @Test(
        "Values of any characters come back as they were",
        arguments: ["plain; a=\"b\"", "ü", " a", "a ", "a  b", "UTF-8''x", "%41", "", "\n"])
    func values(_ value: String) {
        let encoded = MetadataFields.encode(value)
        #expect(encoded.utf8.allSatisfy { (0x20...0x7E).contains($0) })
        #expect(MetadataFields.decode(encoded) == value)
    }

    @Test("Metadata of any size stay below what the service takes, and are read as they were kept")
    func size() throws {
        for step in 0..<60 {
            let long = String(repeating: step.isMultiple(of: 2) ? "a" : "ü", count: step * 40)
            let given = ObjectMetadata(
                contentType: step.isMultiple(of: 3) ? nil : "text/plain", contentEncoding: "gzip", contentDisposition: "inline",
                upstreamURL: "https://origin.example.org/\(long)?signature=secret", upstreamETag: "\"\(long.prefix(step * 9))\"",
                upstreamContentLength: .max, upstreamLastModified: Timestamp(milliseconds: 784_111_777_000),
                stored: Timestamp(milliseconds: 1_712_345_678_901),
                addresses: (0..<step).map { "https://cdn-\($0).example.org/\(long.prefix(60))?…" })
            var kept = MetadataFields.s3.kept(given)
            #expect(!kept.upstreamURL.contains("secret"))
            kept.sha256 = Digest(.sha256, bytes: Array(repeating: 7, count: 32))
            let headers = MetadataFields.s3.headers(kept)
            let user = headers.filter { $0.name.hasPrefix(MetadataFields.s3.prefix) }
            #expect(user.reduce(0) { $0 + $1.name.utf8.count + $1.value.utf8.count } <= 2_000)
            #expect(MetadataFields.s3.read(HTTPHeaders(headers.map { ($0.name, $0.value) }), lastModified: .init(milliseconds: 0)) == kept)
        }
    }
}
