import MirrorCore
import Testing

@Suite struct ArtifactURLTests {
    @Test(
        "A URL has one canonical form",
        arguments: [
            // Nothing to do.
            ("https://example.org/a", "https://example.org/a"),
            ("https://example.org/a/b.tar.gz?x=1&y=2", "https://example.org/a/b.tar.gz?x=1&y=2"),
            ("http://example.org:8080/", "http://example.org:8080/"),
            // Scheme and host have no case; the path has.
            ("HTTPS://Example.ORG/Path", "https://example.org/Path"),
            ("hTTp://EXAMPLE.org/", "http://example.org/"),
            // Ports.
            ("https://example.org:443/a", "https://example.org/a"),
            ("http://example.org:80/a", "http://example.org/a"),
            ("https://example.org:80/a", "https://example.org:80/a"),
            ("https://example.org:/a", "https://example.org/a"),
            ("https://example.org:08443/a", "https://example.org:8443/a"),
            ("https://example.org:65535/a", "https://example.org:65535/a"),
            // Trailing dot.
            ("https://example.org./a", "https://example.org/a"),
            ("https://example.org.:443/a", "https://example.org/a"),
            ("https://192.0.2.1./a", "https://192.0.2.1/a"),
            // Empty path, query and fragment.
            ("https://example.org", "https://example.org/"),
            ("https://example.org?x", "https://example.org/?x"),
            ("https://example.org/?", "https://example.org/?"),
            ("https://example.org/a#b", "https://example.org/a"),
            ("https://example.org#b", "https://example.org/"),
            ("https://example.org/a?b#c?d", "https://example.org/a?b"),
            ("https://example.org/a#b/../c", "https://example.org/a"),
            // Dot segments.
            ("https://example.org/a/./b", "https://example.org/a/b"),
            ("https://example.org/a/../b", "https://example.org/b"),
            ("https://example.org/../../b", "https://example.org/b"),
            ("https://example.org/a/b/..", "https://example.org/a/"),
            ("https://example.org/a/b/.", "https://example.org/a/b/"),
            ("https://example.org/a/%2e%2E/b", "https://example.org/b"),
            ("https://example.org/a/.%2e/b", "https://example.org/b"),
            ("https://example.org/a/.../b", "https://example.org/a/.../b"),
            ("https://example.org/a//b", "https://example.org/a//b"),
            ("https://example.org//a", "https://example.org//a"),
            // Escapes.
            ("https://example.org/%7euser", "https://example.org/~user"),
            ("https://example.org/%41%2d%5f%2E%39", "https://example.org/A-_.9"),
            ("https://example.org/a%2fb", "https://example.org/a%2Fb"),
            ("https://example.org/a%5cb", "https://example.org/a%5Cb"),
            ("https://example.org/a%252e", "https://example.org/a%252e"),
            ("https://example.org/%00", "https://example.org/%00"),
            ("https://example.org/a b", "https://example.org/a%20b"),
            ("https://example.org/é", "https://example.org/%C3%A9"),
            ("https://example.org/%c3%a9", "https://example.org/%C3%A9"),
            ("https://example.org/%ff", "https://example.org/%FF"),
            ("https://example.org/a|b^c`d{e}\"<>", "https://example.org/a%7Cb%5Ec%60d%7Be%7D%22%3C%3E"),
            ("https://example.org/!$&'()*+,;=:@", "https://example.org/!$&'()*+,;=:@"),
            ("https://example.org/[a]", "https://example.org/%5Ba%5D"),
            // A mark that combines with the character before it hides nothing.
            ("https://example.org/\u{301}a", "https://example.org/%CC%81a"),
            ("https://example.org/a?\u{301}b", "https://example.org/a?%CC%81b"),
            ("https://example.org/a#\u{301}b", "https://example.org/a"),
            // The query stays, but for what no request line can carry.
            ("https://example.org/?X-Amz-Signature=aB%2fc%7E&d=../e", "https://example.org/?X-Amz-Signature=aB%2fc%7E&d=../e"),
            ("https://example.org/?a b\"c", "https://example.org/?a%20b%22c"),
            ("https://example.org/?a[]=b|c", "https://example.org/?a[]=b|c"),
            ("https://example.org/?a\\b", "https://example.org/?a%5Cb"),
            ("https://example.org/?a?b", "https://example.org/?a?b"),
            ("https://example.org/?é", "https://example.org/?%C3%A9"),
            // Hosts.
            ("https://a-b.c_d.example/", "https://a-b.c_d.example/"),
            ("https://xn--bcher-kva.example/", "https://xn--bcher-kva.example/"),
            ("https://127.0.0.1/", "https://127.0.0.1/"),
            ("https://1.example/", "https://1.example/"),
            ("https://1.2.3.4.example/", "https://1.2.3.4.example/"),
            ("https://0xg/", "https://0xg/"),
            ("https://localhost/", "https://localhost/"),
            ("https://[::1]/", "https://[::1]/"),
            ("https://[0:0:0:0:0:0:0:1]:8443/", "https://[::1]:8443/"),
            ("https://[2001:DB8::00FF]/", "https://[2001:db8::ff]/"),
            ("https://[::FFFF:192.0.2.1]/", "https://[::ffff:192.0.2.1]/"),
            ("https://[::ffff:c000:201]/", "https://[::ffff:192.0.2.1]/"),
        ])
    func canonicalForm(_ text: String, _ canonical: String) throws {
        let url = try ArtifactURL(text)
        #expect(url.description == canonical)
        #expect(try ArtifactURL(url.description) == url, "the canonical form is its own canonical form")
    }

    @Test(
        "What is no plain http or https URL is refused",
        arguments: [
            "", " ", "a", "/", "//example.org/a", "example.org/a", "https", "https:", "https:/", "https:/example.org", "https:example.org",
            "ftp://example.org/", "file:///etc/passwd", "gopher://example.org/", "data:text/plain,a", "javascript://example.org/%0aalert",
            "https ://example.org/", " https://example.org/", "https\u{301}://example.org/", "https:\u{301}//example.org/",
            // No host, or no name.
            "https://", "https:///a", "https://?a", "https://#a", "https://:443/a", "https://./a", "https://../a", "https://a..b/",
            "https://.example.org/", "https://example.org../", "https://exa mple.org/", "https://ex%61mple.org/",
            "https://example.org%2f@evil.example/",
            "https://exa\\mple.org/", "https://example.org\\@evil.example/", "https://bücher.example/", "https://example。org/",
            "https://ｅxample.org/", "https://\u{301}/", "https://example.org\u{301}/a",
            "https://\(String(repeating: "a", count: 64)).example/", "https://\(String(repeating: "a.", count: 127))example/",
            "https://a*b.example/", "https://a,b/", "https://a;b/", "https://a=b/", "https://a'b/", "https://a(b)/", "https://a~b/",
            "https://a+b/", "https://$a/",
            // User names and passwords.
            "https://user@example.org/", "https://user:password@example.org/", "https://@example.org/",
            "https://example.org:443@evil.example/",
            "https://example.org@[::1]/", "https://a:b@c:d@example.org/",
            // Ports.
            "https://example.org:0/", "https://example.org:65536/", "https://example.org:-1/", "https://example.org:+443/",
            "https://example.org:4 43/",
            "https://example.org:443:443/", "https://example.org:0x1bb/", "https://example.org:٤٤٣/", "https://example.org:000443/",
            // Addresses in spellings that resolvers read as IPv4.
            "https://2130706433/", "https://0x7f000001/", "https://0X7F000001/", "https://017700000001/", "https://0177.0.0.1/",
            "https://0x7f.0.0.1/",
            "https://0x7f.1/", "https://127.1/", "https://127.0.1/", "https://127.0.0.01/", "https://127.0.0.1.1/", "https://127.0.0.0x1/",
            "https://256.0.0.1/",
            "https://1.2.3.256/", "https://127.0.0.1../", "https://4294967296/", "https://0/", "https://0x/", "https://00/",
            "https://example.1/", "https://example.0x1f/",
            "https://①②⑦.0.0.1/", "https://127。0。0。1/",
            // IPv6.
            "https://::1/", "https://[::1/", "https://[::1]a/", "https://[]/", "https://[::g]/", "https://[1.2.3.4]/",
            "https://[fe80::1%25eth0]/",
            "https://[fe80::1%eth0]/", "https://[::1]]/", "https://[[::1]]/", "https://[::1].example.org/", "https://[v1.a]/",
            "https://[::1]:0/", "https://a[::1]/",
            // Characters.
            "https://example.org/a\\b", "https://example.org/\\..\\b", "https://example.org/\u{0}", "https://example.org/a\nb",
            "https://example.org/a\r\nHost: b",
            "https://example.org/\t", "https://example.org/\u{7F}", "https://example.org\n/", "https://example.org/?a\nb",
            "\nhttps://example.org/",
            // Escapes.
            "https://example.org/%", "https://example.org/%4", "https://example.org/%4g", "https://example.org/%%",
            "https://example.org/a%u0041",
        ])
    func refused(_ text: String) {
        #expect(throws: ArtifactURLError.self) { try ArtifactURL(text) }
    }

    @Test func aURLOfTheGreatestLengthPassesAndALongerOneDoesNot() throws {
        let start = "https://example.org/"
        let fits = start + String(repeating: "a", count: ArtifactURL.maxLength - start.utf8.count)
        #expect(try ArtifactURL(fits).description.utf8.count == ArtifactURL.maxLength)
        #expect(throws: ArtifactURLError.self) { try ArtifactURL(fits + "a") }
        // Short as it is sent, too long once its spaces are escaped.
        let spaces = start + String(repeating: " ", count: ArtifactURL.maxLength / 2)
        #expect(throws: ArtifactURLError.self) { try ArtifactURL(spaces) }
    }

    @Test func theParts() throws {
        let url = try ArtifactURL("https://Example.org:8443/a/b?c=d")
        #expect(url.scheme == .https)
        #expect(url.host == "example.org")
        #expect(url.port == 8443)
        #expect(url.path == "/a/b")
        #expect(url.query == "c=d")
        #expect(url.authority == "example.org:8443")
        #expect(url.hostAddress == nil)
        #expect(url.redacted == "https://example.org:8443/a/b?…")

        let address = try ArtifactURL("http://[::1]/")
        #expect(address.host == "::1")
        #expect(address.port == 80)
        #expect(address.query == nil)
        #expect(address.authority == "[::1]")
        #expect(address.hostAddress == IPAddress("::1"))
        #expect(address.redacted == address.description)
    }

    @Test func whatIsWrongIsSaidWithoutRepeatingTheURL() {
        #expect(throws: ArtifactURLError.self) { try ArtifactURL("https://user:secret@example.org/") }
        do {
            _ = try ArtifactURL("https://user:secret@example.org/")
        } catch {
            #expect(!error.description.contains("secret"))
            #expect(error.description.contains("user name or password"))
        }
    }

    // RFC 3986 §5.4, with https for http and without what is no http URL.
    @Test(
        "A reference is resolved as RFC 3986 says",
        arguments: [
            ("g", "https://a/b/c/g"), ("./g", "https://a/b/c/g"), ("g/", "https://a/b/c/g/"), ("/g", "https://a/g"), ("//g", "https://g/"),
            ("?y", "https://a/b/c/d;p?y"), ("g?y", "https://a/b/c/g?y"), ("#s", "https://a/b/c/d;p?q"), ("g#s", "https://a/b/c/g"),
            ("g?y#s", "https://a/b/c/g?y"), (";x", "https://a/b/c/;x"), ("g;x", "https://a/b/c/g;x"), ("", "https://a/b/c/d;p?q"),
            (".", "https://a/b/c/"), ("./", "https://a/b/c/"), ("..", "https://a/b/"), ("../", "https://a/b/"), ("../g", "https://a/b/g"),
            ("../..", "https://a/"), ("../../g", "https://a/g"), ("../../../g", "https://a/g"), ("/./g", "https://a/g"),
            ("/../g", "https://a/g"),
            ("g.", "https://a/b/c/g."), (".g", "https://a/b/c/.g"), ("g..", "https://a/b/c/g.."), ("./../g", "https://a/b/g"),
            ("g/./h", "https://a/b/c/g/h"), ("g/../h", "https://a/b/c/h"), ("g?y/../x", "https://a/b/c/g?y/../x"),
            ("http://other.example:81/x?y", "http://other.example:81/x?y"), ("HTTPS://A/x", "https://a/x"),
            ("//g:444/h", "https://g:444/h"),
            ("?", "https://a/b/c/d;p?"), ("/a:b", "https://a/a:b"), ("./a:b", "https://a/b/c/a:b"), ("é", "https://a/b/c/%C3%A9"),
            ("/\u{301}", "https://a/%CC%81"),
        ])
    func resolves(_ reference: String, _ expected: String) throws {
        #expect(try ArtifactURL("https://a/b/c/d;p?q").resolving(reference).description == expected)
    }

    @Test(
        "A reference that leads to no artifact URL is refused",
        arguments: [
            "ftp://example.org/", "mailto:a@example.org", "javascript:alert(1)", "//user@example.org/", "///a", "//", "/\\example.org",
            "\\\\example.org\\a",
            "https:", "https:g", "https://0x7f.1/", "a\nb", "?a\nb", "/a\u{0}", "%", "//[::1", "data:,a", ":a", " https://example.org/",
        ])
    func refusesReference(_ reference: String) throws {
        let base = try ArtifactURL("https://a/b/c/d;p?q")
        #expect(throws: ArtifactURLError.self) { try base.resolving(reference) }
    }

    @Test func resolvingKeepsThePort() throws {
        #expect(try ArtifactURL("http://[::1]:8080/a").resolving("/b").description == "http://[::1]:8080/b")
    }
}
