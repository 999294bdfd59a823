import NIOCore
import Testing

@testable import WebDAVStorage

@Suite("Answers to PROPFIND")
struct MultiStatusTests {
    private func names(_ text: String) throws -> [String] { try MultiStatus(ByteBuffer(string: text)).names }

    private func document(_ responses: String) -> String {
        "<?xml version=\"1.0\" encoding=\"utf-8\"?>\n<D:multistatus xmlns:D=\"DAV:\">\(responses)</D:multistatus>"
    }

    private func response(_ href: String, rest: String = "") -> String { "<D:response><D:href>\(href)</D:href>\(rest)</D:response>" }

    @Test(
        "A resource's name is the last component of its path, whatever the form of its URL",
        arguments: [
            ("/pool/meta/ab/", "ab"), ("/ab", "ab"), ("https://files.example.org/pool/ab/", "ab"), ("\n  /pool/ab\n", "ab"),
            ("/pool/a%20b%25%C3%BC", "a b%ü"), ("/pool/a&amp;b&#x2d;c", "a&b-c"),
        ])
    func name(href: String, name: String) throws {
        #expect(try names(document(response(href))) == [name])
    }

    @Test("The namespace counts, and its prefix does not")
    func namespaces() throws {
        #expect(try names("<multistatus xmlns=\"DAV:\"><response><href>/a</href></response></multistatus>") == ["a"])
        #expect(throws: MultiStatus.Unreadable.self) {
            try names("<multistatus xmlns=\"other:\"><response><href>/a</href></response></multistatus>")
        }
        #expect(try names(document("<D:response><X:href xmlns:X=\"x:\">/b</X:href><D:href>/a</D:href></D:response>")) == ["a"])
    }

    @Test("Properties change nothing; a resource that is gone is left out, and so is one whose name is not encoded")
    func properties() throws {
        let properties =
            "<D:propstat><D:prop><D:resourcetype><D:collection/></D:resourcetype><D:href>/no</D:href></D:prop>"
            + "<D:status>HTTP/1.1 404 Not Found</D:status></D:propstat>"
        let text = document(
            response("/a", rest: properties) + response("/gone", rest: "<D:status>HTTP/1.1 404 Not Found</D:status>")
                + response("/b", rest: "<D:status>HTTP/1.1 200 OK</D:status>") + response("/%zz") + response(""))
        #expect(try names(text) == ["a", "b"])
        #expect(try names(document("")) == [])
    }

    @Test(
        "What is not such a document is not read",
        arguments: [
            "", "not XML", "<html/>", "<D:multistatus xmlns:D=\"DAV:\">", "<multistatus/>",
            "<D:multistatus xmlns:D=\"DAV:\"><D:response></D:multistatus>",
        ])
    func others(text: String) throws {
        #expect(throws: MultiStatus.Unreadable.self) { try names(text) }
    }

    @Test(
        "A document with entities is not read",
        arguments: [
            "<!DOCTYPE a [<!ENTITY e SYSTEM \"file:///etc/passwd\">]>", "<!DOCTYPE a SYSTEM \"http://127.0.0.1:1/\">",
            "<!DOCTYPE a [<!ENTITY x \"1\"><!ENTITY y \"&x;&x;&x;&x;\">]>",
        ])
    func entities(type: String) throws {
        #expect(throws: MultiStatus.Unreadable.self) {
            try names("<?xml version=\"1.0\"?>\(type)<D:multistatus xmlns:D=\"DAV:\">\(response("/a"))</D:multistatus>")
        }
        #expect(throws: MultiStatus.Unreadable.self) {
            try MultiStatus(ByteBuffer(bytes: document(response("/a")).utf16.flatMap { [UInt8($0 >> 8), UInt8($0 & 0xFF)] }))
        }
    }

    @Test("A document that is nested too deeply, or whose texts are too long, is not read")
    func limits() throws {
        let deep = MultiStatus.maxDepth + 1
        let nested = String(repeating: "<a>", count: deep) + String(repeating: "</a>", count: deep)
        for text in [document(nested), document(response("/" + String(repeating: "a", count: MultiStatus.maxURL)))] {
            #expect(throws: MultiStatus.Unreadable.self) { try names(text) }
        }
    }
}
