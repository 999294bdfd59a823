import MirrorCore

@testable import NamedOrigins

extension FuzzTarget {
    private static let digits = String(repeating: "ab", count: 32)

    static let pages: [FuzzTarget] = [
        rewriter(
            "html-links", .html,
            seeds: [
                "<!DOCTYPE html><!-- - --><base href='/b/'><a href=\"https://files.example/p/a.whl#sha256=\(digits)\" x=y>a</a>",
                "<script>'</scrip</script><A HREF = ../../a?b&amp;c&#47;><title></title/><a href='//index.example/é b'>",
            ],
            words: [
                "<a href=", "<base href=", "\"", "'", ">", "<!--", "-->", "--!>", "</", "<script>", "</script", "<?", "&amp;", "&#x2f;",
                "&", "#sha256=",
                "../", "https://index.example/", "//", "%2e", "?", " ", "\n",
            ]),
        rewriter(
            "python-links", .python,
            seeds: [
                "{\"files\":[{\"url\":\"https:\\/\\/files.example/a.whl\",\"hashes\":{\"sha256\":\"\(digits)\"},\"provenance\":null}]}",
                "{\"files\":[{\"hashes\":{\"sha256\":\"x\"},\"url\":\"../a\\u002eb\",\"size\":1.5e3}],\"meta\":{}}",
            ], words: jsonLinkWords + ["\"files\"", "\"url\":", "\"hashes\":", "\"sha256\":"]),
        rewriter(
            "npm-links", .npm,
            seeds: [
                "{\"versions\":{\"1.0\":{\"dist\":{\"tarball\":\"https://index.example/a/-/a.tgz\",\"integrity\":\"sha512-\(String(repeating: "A", count: 86))==\"}}}}"
            ], words: jsonLinkWords + ["\"versions\":", "\"dist\":", "\"tarball\":", "\"integrity\":", "sha512-"]),
        rewriter(
            "cargo-links", .cargoConfig,
            seeds: ["{\"dl\":\"https://index.example/dl\",\"api\":\"x\"}", "{\"dl\":\"/{prefix}/{crate}-{version}.crate\"}"],
            words: jsonLinkWords + ["\"dl\":", "{crate}", "{version}", "{sha256-checksum}", "{"]),
        FuzzTarget(
            "link-field", seeds: ["<https://index.example/a?b,c>; rel=\"next\", </x>;rel=xet-auth"],
            words: ["<", ">", ";", ",", "rel=", "\"", "\\"]
        ) { bytes in
            var resolver = LinkResolver(page: try ArtifactURL("https://index.example/a"), prefix: "/o/", map: OneHost())
            let once = LinkField.rewrite(text(bytes), &resolver)
            try require(once?.utf8.contains(0x0A) != true || bytes.contains(0x0A), "a line feed that was not there")
        },
        FuzzTarget(
            "accept-field", seeds: ["application/vnd.pypi.simple.v1+json, text/html;q=0.1, */*;q=0"],
            words: [",", ";q=", "q=0.", "1.000", "/", "*/*"]
        ) { bytes in
            for grammar in [LinkGrammar.python, .npm, .html] {
                let field = AcceptField(text(bytes), for: grammar)
                try require(AcceptField(field.text, for: grammar) == field, "\(field.text) is not its own form")
                try require(field.text.utf8.allSatisfy { (0x20...0x7E).contains($0) }, "\(field.text) is no field")
            }
        },
        FuzzTarget(
            "token-challenge",
            seeds: ["Basic realm=\"a\", Bearer realm=\"https://auth.example/t\",service=\"s\",scope=\"repository:a:pull\""],
            words: ["Bearer", "realm=", "scope=", "\"", "\\", ",", "="]
        ) { bytes in
            var scanner = ChallengeScanner(text(bytes))
            var count = 0
            while scanner.next() != nil { count += 1 }
            try require(count <= bytes.count, "\(count) challenges in \(bytes.count) bytes")
            _ = Challenge([text(bytes)])
        },
        FuzzTarget("entity-tag", seeds: ["\"a\", W/\"b\"", "*"], words: ["\"", "W/", ",", "*"]) { bytes in
            _ = EntityTag.matches("\"b\"", ifNoneMatch: text(bytes))
            if EntityTag.isValid(text(bytes)) {
                try require(EntityTag.matches(text(bytes), ifNoneMatch: text(bytes)), "\(text(bytes)) is not itself")
            }
        },
        FuzzTarget(
            "page-record",
            seeds: [
                "{\"url\":\"u\",\"variant\":\"v\",\"finalURL\":\"f\",\"fields\":[{\"name\":\"n\",\"value\":\"v\"}],\"length\":1,\"sha256\":\"\",\"fetched\":2}"
            ], words: jsonWords + ["\"length\":", "9223372036854775808", "-1"]
        ) { bytes in
            _ = PageFooter(Array(bytes.suffix(PageFooter.size)))
            if let record = PageRecord.read(bytes) {
                try require(PageRecord.read(try record.bytes) == record, "the record is not read back")
            }
        },
    ]

    private static let jsonLinkWords = [
        "{", "}", "[", "]", ":", ",", "\"", "\\", "\\/", "\\u002f", "\\ud83d", "null", "/a", "https://index.example/",
    ]

    /// Pages in one piece and in many give the same; links to elsewhere do not change.
    private static func rewriter(_ name: String, _ grammar: LinkGrammar, seeds: [String], words: [String]) -> FuzzTarget {
        FuzzTarget(name, seeds: seeds, words: words) { bytes in
            func rewrite(_ size: Int, _ map: any LinkMap) throws -> [UInt8] {
                var rewriter = LinkRewriter(
                    grammar, contentType: name == "python-links" ? "application/json" : nil,
                    page: try ArtifactURL("https://index.example/simple/a/"),
                    prefix: "https://mirror.example/o/", map: map)
                var out: [UInt8] = []
                for start in stride(from: 0, to: bytes.count, by: size) {
                    bytes[start..<min(start + size, bytes.count)].withUnsafeBytes { rewriter.rewrite($0, into: &out) }
                }
                rewriter.finish(into: &out)
                return out
            }
            let whole = try rewrite(max(bytes.count, 1), OneHost())
            for size in [1, 2, 3, 7, 64] {
                try require(try rewrite(size, OneHost()) == whole, "pieces of \(size) bytes give something else")
            }
            try require(try rewrite(5, OneHost(isWhole: false)) == whole, "a place that is looked up each time gives something else")
        }
    }

    private struct OneHost: LinkMap {
        var isWhole = true
        var fingerprint: String { "" }

        func place(of url: ArtifactURL) -> LinkPlace? {
            guard url.host == "index.example", let base = try? ArtifactURL("\(url.scheme.rawValue)://\(url.authority)/") else { return nil }
            return LinkPlace(url: base, path: "index/", isWhole: isWhole)
        }
    }
}
