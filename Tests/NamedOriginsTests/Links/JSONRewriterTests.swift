import MirrorCore
import Testing

@testable import NamedOrigins

@Suite struct JSONRewriterTests {
    private let digits = Rewriting.digits
    private let python = Rewriting(grammar: .python, contentType: "application/vnd.pypi.simple.v1+json; charset=utf-8")
    private let npm = Rewriting(grammar: .npm, page: "https://registry.example/a", prefix: "https://mirror.example/o/")
    private let cargo = Rewriting(grammar: .cargoConfig, page: "https://registry.example/config.json", prefix: "https://mirror.example/o/")
    private let conda = Rewriting(
        grammar: .condaRepodata, page: "https://index.example/noarch/repodata.json", prefix: "https://mirror.example/o/")

    @Test("The files of a Python index lead through the mirror with their digests, and nothing else changes")
    func pythonPage() throws {
        try python.expect(
            """
            {"meta":{"api-version":"1.4","url":"/x"},"files":[{"filename":"a.whl","core-metadata":{"sha256":"\(digits.reversed())"},
            "hashes":{"md5":"1","sha256":"\(digits)"},"provenance":"https://index.example/i","size":1,"yanked":false,
            "url":"https:\\/\\/files.example\\u002fa.whl"}],"project-status":{"status":"active"},"alternate-locations":["https://index.example/"],"url":"/y"}
            """,
            """
            {"meta":{"api-version":"1.4","url":"/x"},"files":[{"filename":"a.whl","core-metadata":{"sha256":"\(digits.reversed())"},
            "hashes":{"md5":"1","sha256":"\(digits)"},"provenance":"/o/pip/i","size":1,"yanked":false,
            "url":"/o/pip/~files.example/~sha256=\(digits)/a.whl"}],"project-status":{"status":"active"},"alternate-locations":["https://index.example/"],"url":"/y"}
            """)
    }

    @Test("The digest of a file may come behind its link, or not at all")
    func lateDigests() throws {
        try python.expect(
            "{\"files\":[{\"url\":\"../../a.whl\",\"x\":[{\"url\":\"q\"}],\"hashes\":{\"sha256\":\"\(digits)\"},\"provenance\":null},"
                + "{\"url\":\"b.whl\",\"hashes\":{\"sha256\":\"no\"}},{\"url\":\"c.whl\"}]}",
            "{\"files\":[{\"url\":\"/o/pip/~sha256=\(digits)/a.whl\",\"x\":[{\"url\":\"q\"}],\"hashes\":{\"sha256\":\"\(digits)\"},\"provenance\":null},"
                + "{\"url\":\"/o/pip/simple/x/b.whl\",\"hashes\":{\"sha256\":\"no\"}},{\"url\":\"/o/pip/simple/x/c.whl\"}]}")
    }

    @Test("A digest that comes too late is left out of the link")
    func tooLate() throws {
        let filler = String(repeating: "x", count: JSONRewriter.maxHeld)
        let page = "{\"files\":[{\"url\":\"/a\",\"f\":\"\(filler)\",\"hashes\":{\"sha256\":\"\(digits)\"}}]}"
        let expected = page.replacing("\"/a\"", with: "\"/o/pip/a\"")
        #expect(try python.run(page) == expected)
        for cut in [5, 18, 25, 1_000, JSONRewriter.maxHeld, page.utf8.count - 5] { #expect(try python.run(page, cuts: [cut]) == expected) }
    }

    @Test("The pages of a Python index are HTML unless they say that they are JSON")
    func forms() throws {
        for type in [nil, "text/html", "application/vnd.pypi.simple.v1+html"] {
            #expect(try Rewriting(grammar: .python, contentType: type).run("<a href='/a'>") == "<a href='/o/pip/a'>")
        }
        #expect(
            try Rewriting(grammar: .python, contentType: "application/json").run("{\"files\":[{\"url\":\"/a\"}]}<a href='/a'>")
                == "{\"files\":[{\"url\":\"/o/pip/a\"}]}<a href='/a'>")
    }

    @Test("The tarballs of npm lead through the mirror")
    func npmPackage() throws {
        let hash = [UInt8](repeating: 7, count: 64)
        let integrity = "sha1-x sha512-\(Base64.encode(hash))?opt sha512-y"
        try npm.expect(
            "{\"versions\":{\"1.0\":{\"dist\":{\"tarball\":\"https://registry.example/a/-/a.tgz\",\"integrity\":\"\(integrity)\",\"signatures\":[{}]}},"
                + "\"dist\":{\"dist\":{\"shasum\":\"1\",\"tarball\":\"https://else.example/b\"}}},\"tarball\":\"/c\"}",
            "{\"versions\":{\"1.0\":{\"dist\":{\"tarball\":\"https://mirror.example/o/npm/a/-/a.tgz\",\"integrity\":\"\(integrity)\",\"signatures\":[{}]}},"
                + "\"dist\":{\"dist\":{\"shasum\":\"1\",\"tarball\":\"https://else.example/b\"}}},\"tarball\":\"/c\"}")
        try npm.expect(
            "{\"name\":\"a\",\"dist\":{\"tarball\":\"/a.tgz\"}}",
            "{\"name\":\"a\",\"dist\":{\"tarball\":\"https://mirror.example/o/npm/a.tgz\"}}")
    }

    @Test("Cargo puts the checksum of a crate into its URL")
    func cargoConfig() throws {
        let prefix = "https://mirror.example/o/npm/~sha256={sha256-checksum}"
        for (template, expected) in [
            ("https://registry.example/dl", "\(prefix)/dl/{crate}/{version}/download"),
            ("https://registry.example/", "\(prefix)//{crate}/{version}/download"),
            ("https://registry.example/{prefix}/{crate}-{version}.crate", "\(prefix)/{prefix}/{crate}-{version}.crate"),
            ("https://registry.example/d?c={crate}&v={version}", "\(prefix)/d?c={crate}&v={version}"),
            ("https://else.example/dl", "https://else.example/dl"),
            ("https://{crate}.example/dl", "https://{crate}.example/dl"),
            ("https://registry.example/{other}", "https://registry.example/{other}"),
        ] {
            try cargo.expect(
                "{\"dl\":\"\(template)\",\"api\":\"https://registry.example\"}",
                "{\"dl\":\"\(expected)\",\"api\":\"https://registry.example\"}")
        }
    }

    @Test("The places that a conda channel names lead through the mirror")
    func condaRepodata() throws {
        try conda.expect(
            "{\"info\":{\"subdir\":\"noarch\",\"base_url\":\"https://files.example/c\",\"shards_base_url\":\"./shards/\"},\"packages\":{\"info\":{\"base_url\":\"/q\"}}}",
            "{\"info\":{\"subdir\":\"noarch\",\"base_url\":\"https://mirror.example/o/pip/~files.example/c\","
                + "\"shards_base_url\":\"https://mirror.example/o/pip/noarch/shards/\"},\"packages\":{\"info\":{\"base_url\":\"/q\"}}}")
    }

    @Test("What is not the document that it should be passes, and ends")
    func nonsense() throws {
        for text in [
            "", "not json ]]}} \"\\", "]{\"files\":", "[{\"files\":[{\"url\":\"/a\"}]}]", "{\"files\":{\"url\":\"/a\"}}",
            "{\"files\":[[{\"url\":\"/a\"}]]}",
            "{\"files\":[{\"url\":\"/a", "{\"files\":[{\"url\":\"\\q/a\"}]}", "{\"files\":[{\"url\":\"\\ud800/a\"}]}",
            "{\"files\":[{\"url\":1}]}",
            "{\"files\":[{\"\(String(repeating: "u", count: 65))\":\"/a\"}]}",
        ] {
            try python.expect(text, text)
        }
        try python.expect("{\"files\":[{\"url\":\"/a\",\"b", "{\"files\":[{\"url\":\"/o/pip/a\",\"b")
        try python.expect(
            "{\"\\u0066iles\":[{\"ur\\u006c\":\"\\/a\\ud83d\\ude00\"}]}", "{\"\\u0066iles\":[{\"ur\\u006c\":\"/o/pip/a%F0%9F%98%80\"}]}")
    }

    @Test("A link that is too long stays")
    func longLinks() throws {
        for length in [ArtifactURL.maxLength, 2 * LinkResolver.maxLength, 2 * LinkResolver.maxLength + 1] {
            let page = "{\"files\":[{\"url\":\"/\(String(repeating: "a", count: length))\",\"x\":\"y\"},{\"url\":\"/b\"}]}"
            let expected = page.replacing("\"/b\"", with: "\"/o/pip/b\"")
            for cuts in [[], [10], [25], [20, 5_000, 20_000 % page.utf8.count].sorted(), [page.utf8.count - 30]] {
                #expect(try python.run(page, cuts: cuts) == expected)
            }
        }
    }
}
