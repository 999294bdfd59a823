import MirrorCore
import Testing

@testable import NamedOrigins

@Suite struct PathPatternTests {
    @Test(
        "A pattern matches whole paths",
        arguments: [
            ("/a", "/a", true), ("/a", "/a/", false), ("/a", "/ab", false), ("/a", "/A", false),
            ("/*.zip", "/x.zip", true), ("/*.zip", "/.zip", true), ("/*.zip", "/d/x.zip", false), ("/*.zip", "/x.zip.sig", false),
            ("*.zip", "/x.zip", true), ("*.zip", "/d/e/x.zip", true), ("**/*.zip", "/x.zip", true), ("**/*.zip", "/d/e/x.zip", true),
            ("**/*.zip", "/d/e/xzip", false),
            ("/pool/**", "/pool/", true), ("/pool/**", "/pool/a/b", true), ("/pool/**", "/pool", false), ("**", "/", true),
            ("/v2/**/tags/list", "/v2/tags/list", true), ("/v2/**/tags/list", "/v2/a/b/tags/list", true),
            ("/v2/**/tags/list", "/v2/atags/list", false),
            ("/{name}/", "/x/", true), ("/{name}/", "//", false), ("/{name}/", "/x/y/", false),
            ("/x.{whl,tar.gz,}", "/x.whl", true), ("/x.{whl,tar.gz,}", "/x.tar.gz", true), ("/x.{whl,tar.gz,}", "/x.", true),
            ("/x.{whl,tar.gz,}", "/x.tar", false), ("/{a*,b}", "/abc", true), ("/{a*,b}", "/a/c", false),
            ("/{n:digits}", "/0123", true), ("/{n:digits}", "/", false), ("/{n:digits}", "/12a", false),
            ("/v{v:version}.zip", "/v1.2.3.zip", true), ("/v{v:version}.zip", "/v1.2.3-rc.1+incompatible.zip", true),
            ("/v{v:version}.zip", "/v1.2.zip", false), ("/v{v:version}.zip", "/v1.2.3x.zip", false),
            ("/@{scope}/{name}", "/@a/b", true), ("/{name}", "/@a%2Fb", true),
            ("/a/*/c", "/a//c", true), ("/a%20b", "/a%20b", true),
        ] as [(String, String, Bool)])
    func matching(_ pattern: String, _ path: String, _ expected: Bool) throws {
        #expect((try PathPattern(pattern).match(path) != nil) == expected)
    }

    @Test func `the place of hexadecimal digits is found, and only lower-case ones are digits`() throws {
        let pattern = try PathPattern("/v2/**/blobs/sha256:{digest:hex64}")
        let hex = String(repeating: "0af3", count: 16)
        let path = "/v2/library/alpine/blobs/sha256:\(hex)"
        let digits = try #require(pattern.match(path)?.digits)
        #expect(String(decoding: Array(path.utf8)[digits], as: UTF8.self) == hex)
        #expect(pattern.match(path.dropLast()) == nil)
        #expect(pattern.match(path + "0") == nil)
        #expect(pattern.match("/v2/library/alpine/blobs/sha256:\(hex.uppercased())") == nil)
        // The last of several places, where both would do for the path alone.
        let two = "/v2/x/blobs/sha256:\(hex)/blobs/sha256:\(String(repeating: "1", count: 64))"
        let last = try #require(pattern.match(two)?.digits)
        #expect(String(decoding: Array(two.utf8)[last], as: UTF8.self) == String(repeating: "1", count: 64))
        #expect(try PathPattern("/a").match("/a")?.digits == nil)
    }

    @Test(
        "What is wrong with a pattern is said",
        arguments: [
            ("", "is empty"), ("/{a", "does not close a brace"), ("/a}", "closes a brace that is not open"),
            ("/{a,{b}}", "has braces within braces"), ("/{}", "has braces without a name"), ("/{A}", "has braces without a name"),
            ("/{a:hex12}", "has an unknown kind of text"), ("/{a:hex64}/{b:hex40}", "has hexadecimal digits in two places"),
            ("/***", "has more than two * in a row"), ("/a**/b", "has **/ within a segment"),
            ("/a?b", "has a character that is not allowed in a path"),
            ("/ä", "has a character that is not allowed in a path"), ("/a b", "has a character that is not allowed in a path"),
            ("/" + String(repeating: "a", count: 500), "is longer than 500 bytes"),
            (String(repeating: "/{a:hex128}", count: 1) + String(repeating: "{b,c}", count: 90), ""),
        ])
    func problems(_ pattern: String, _ reason: String) {
        do throws(PathPattern.SyntaxError) {
            _ = try PathPattern(pattern)
            #expect(reason.isEmpty)
        } catch {
            #expect(!reason.isEmpty && error.reason.hasPrefix(reason), "\(error.reason)")
        }
    }

    @Test func `a path that nearly matches in a thousand ways costs no more than one that does not`() throws {
        // With backtracking this would not end.
        let pattern = try PathPattern("**/a*a*a*a*a*a*a*a*b/**/a*a*a*a*a*a*c")
        let path = "/" + String(repeating: "a", count: 4_000) + "/" + String(repeating: "a/", count: 2_000)
        #expect(pattern.match(path) == nil)
    }
}
