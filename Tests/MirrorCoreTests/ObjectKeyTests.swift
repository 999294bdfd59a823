import MirrorCore
import Testing

@Suite struct ObjectKeyTests {
    @Test(
        "The name behind the hash is the file's",
        arguments: [
            ("https://example.org/a/firefox-50.tar.bz2", "firefox-50.tar.bz2"),
            ("https://example.org/", "index"),
            ("https://example.org/a/", "a"),
            ("https://example.org/a//", "a"),
            ("https://example.org/a%20b.txt", "a b.txt"),
            ("https://example.org/%C3%A9.txt", "é.txt"),
            ("https://example.org/a.whl?X-Amz-Signature=secret", "a.whl"),
            ("https://example.org/a%2Fb", "ab"),
            ("https://example.org/..%2F..%2Fetc%2Fpasswd", "etcpasswd"),
            ("https://example.org/%2E%2E%5Cb", "b"),
            ("https://example.org/.profile", "profile"),
            ("https://example.org/...", "index"),
            ("https://example.org/a%00%0Ab%7F", "ab"),
            ("https://example.org/%C2%85a", "a"),
            ("https://example.org/%FF", "%FF"), ("https://example.org/a%EF%BF%BEb%EF%BF%BF", "ab"),
            ("https://example.org/%2F", "index"),
        ])
    func name(_ url: String, _ name: String) throws {
        let key = ObjectKey(try ArtifactURL(url))
        #expect(key.name == name)
        #expect(ObjectKey(key.description) == key, "a key can be read again")
        #expect(!key.name.contains("/"))
        #expect(!key.name.hasPrefix("."))
    }

    @Test(
        "A name is kept scalar by scalar: whatever it begins with, no scalar is taken for part of the slash, and no two forms for one",
        arguments: [
            "\u{301}x.bin", "\u{301}", "\u{200D}x", "\u{FE0F}x", "\u{E0001}x", "\u{93E}x", "\u{1161}x", "\u{20DD}x.zip", "\u{34F}",
            "e\u{301}.bin",
            "\u{E9}.bin", "x.\u{301}bin", "\u{1100}\u{1161}", "\u{AC00}", "\u{212A}.bin", "\u{1F1E9}\u{1F1EA}", "\u{600}x",
        ])
    func scalars(_ name: String) throws {
        let url = try ArtifactURL("https://example.org/x/\(PercentCoding.encode(name))")
        let key = ObjectKey(url)
        #expect(Array(key.name.unicodeScalars) == Array(name.unicodeScalars))
        #expect(key.hash.utf8.count == 64)
        #expect(key.description.utf8.elementsEqual("\(key.hash)/".utf8 + Array(name.utf8)))
        #expect(key.percentEncoded == "\(key.hash)/\(PercentCoding.encode(name))")
        let read = try #require(ObjectKey(key.description))
        #expect(read.description.utf8.elementsEqual(key.description.utf8))
    }

    @Test("Names that differ only by normalization are two keys")
    func normalization() throws {
        let (composed, decomposed) = ("https://example.org/%C3%A9.bin", "https://example.org/e%CC%81.bin")
        #expect(try ArtifactURL(composed) != ArtifactURL(decomposed))
        #expect(ObjectKey(try ArtifactURL(composed)) != ObjectKey(try ArtifactURL(decomposed)))
    }

    @Test func theHashIsTheCanonicalURLs() throws {
        let key = ObjectKey(try ArtifactURL("HTTPS://EXAMPLE.org:443/a/../b"))
        #expect(key == ObjectKey(try ArtifactURL("https://example.org/b")))
        // printf https://example.org/b | sha256sum
        #expect(key.hash == "8cae5ebf23bb1733a4a4ca5814b10d2f2a9f6545f84da051ccdee832b44cd73d")
        #expect(key.description == "\(key.hash)/b")
        #expect(ObjectKey(try ArtifactURL("https://example.org/b?v=2")) != key)
    }

    @Test(
        "A long name is cut, and keeps its extension and its limit",
        arguments: [
            (String(repeating: "a", count: 300) + ".tar.gz", ".tar.gz"),
            (String(repeating: "a", count: 200), ""),
            (String(repeating: "a", count: 201), ""),
            (String(repeating: "%C3%A9", count: 150) + ".bin", ".bin"),
            ("a" + String(repeating: "%CC%81", count: 300) + ".bin", ".bin"),
            ("a." + String(repeating: "b", count: 300), ""), ("%CC%81" + String(repeating: "a", count: 300) + ".%CC%81b", ".\u{301}b"),
            (String(repeating: "%F0%9F%91%A8%E2%80%8D", count: 60) + ".zip", ".zip"),
        ])
    func longName(_ last: String, _ fileExtension: String) throws {
        let key = ObjectKey(try ArtifactURL("https://example.org/\(last)"))
        #expect(key.name.utf8.count <= 200)
        #expect(key.name.utf8.count > 190)
        #expect(key.name.utf8.suffix(fileExtension.utf8.count).elementsEqual(fileExtension.utf8))
        #expect(!key.name.hasPrefix("."))
        #expect(ObjectKey(key.description) == key)
    }

    @Test(
        "What was not written by us is no key",
        arguments: [
            "", "/", "a", "a/b", "/b", String(repeating: "a", count: 64), String(repeating: "a", count: 64) + "/",
            String(repeating: "A", count: 64) + "/b", String(repeating: "g", count: 64) + "/b", String(repeating: "a", count: 63) + "/b",
            String(repeating: "a", count: 65) + "/b", String(repeating: "a", count: 64) + "/b/c", String(repeating: "a", count: 64) + "/..",
            String(repeating: "a", count: 64) + "/.b", String(repeating: "a", count: 64) + "/b\u{0}",
            String(repeating: "a", count: 64) + "/b\\c",
            "../" + String(repeating: "a", count: 64) + "/b", String(repeating: "a", count: 64) + "/" + String(repeating: "b", count: 201),
            String(repeating: "a", count: 64) + "//b", String(repeating: "a", count: 64) + "/b\n",
        ])
    func refused(_ text: String) {
        #expect(ObjectKey(text) == nil)
    }

    @Test func theKeyInAURLIsEscaped() throws {
        let key = ObjectKey(try ArtifactURL("https://example.org/a%20b%23é+.txt"))
        #expect(key.name == "a b#é+.txt")
        #expect(key.percentEncoded == "\(key.hash)/a%20b%23%C3%A9%2B.txt")
    }
}
