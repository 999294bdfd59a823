import MirrorCore
import MirrorNet
import Testing

@testable import NamedOrigins

@Suite struct NamedOriginTableTests {
    private static let hex = String(repeating: "ab", count: 32)

    private func table(https: Bool = true) throws -> NamedOriginTable {
        let python = NamedOrigin(
            name: "pip", url: try ArtifactURL("https://index.example.org/base/"), rules: Preset.python.rules,
            links: [LinkTarget(try ArtifactURL("https://files.example.org/"))])
        let images = NamedOrigin(name: "oci", url: try ArtifactURL("https://registry.example.org/"), rules: Preset.oci.rules)
        let policy = try EgressPolicy(
            allow: [python, images].flatMap { [$0.url] + $0.links.map(\.url) }.map { .prefix($0) } + [
                .prefix(try ArtifactURL("https://open.example.org/"), query: .keep),
                .prefix(try ArtifactURL("\(https ? "https" : "http")://plain.example.org:8080/")),
            ], requireHTTPS: https)
        return NamedOriginTable([python, images], policy: policy)
    }

    @Test(
        "A path below /o/ is a URL and a rule",
        arguments: [
            ("pip/simple/six/", "https://index.example.org/base/simple/six/", "rewritten"),
            ("pip/packages/a.whl", "https://index.example.org/base/packages/a.whl", "mirrored"),
            ("pip/~files.example.org/packages/a.whl", "https://files.example.org/packages/a.whl", "mirrored"),
            ("pip/~sha256=\(hex)/~files.example.org/a.whl", "https://files.example.org/a.whl", "mirrored"),
            ("pip/~files.example.org/~sha256=\(hex)/a.whl", "https://files.example.org/a.whl", "mirrored"),
            ("pip/~other.example.org/a.whl", "https://index.example.org/base/~other.example.org/a.whl", "mirrored"),
            ("pip/~files.example.org/~sha256%3D\(hex)/a.whl", "https://files.example.org/a.whl", "mirrored"),
            ("pip/~sha256=abc/a.whl", "https://index.example.org/base/~sha256=abc/a.whl", "mirrored"),
            ("pip/~hop=3/a.whl", "https://index.example.org/base/a.whl", "mirrored"),
            ("pip/./simple/./six/", "https://index.example.org/base/simple/six/", "rewritten"),
            ("pip/anything", "https://index.example.org/base/anything", "passed"),
            ("pip/", "https://index.example.org/base/", "rewritten"),
            ("open.example.org/a/b.html", "https://open.example.org/a/b.html", "mirrored"),
            ("OPEN.example.org/a", "https://open.example.org/a", "mirrored"),
            ("open.example.org:443/a", "https://open.example.org/a", "mirrored"),
            ("files.example.org/x/a.whl.metadata", "https://files.example.org/x/a.whl.metadata", "mirrored"),
            ("index.example.org/base/simple/six/", "https://index.example.org/base/simple/six/", "rewritten"),
        ])
    func calls(_ path: String, _ url: String, _ word: String) throws {
        let call = try table().call(Substring(path))
        #expect(call.url.description == url)
        #expect(call.rule.kind.word == word)
    }

    @Test func `a host has its port behind a colon, encoded or not, and http where only http is allowed`() throws {
        for path in ["plain.example.org:8080/a", "plain.example.org%3A8080/a", "plain.example.org%3a8080/a"] {
            #expect(try table(https: false).call(Substring(path)).url.description == "http://plain.example.org:8080/a")
            #expect(try table().call(Substring(path)).url.description == "https://plain.example.org:8080/a")
        }
    }

    @Test func `the query belongs to the URL`() throws {
        let call = try table().call("open.example.org/a", query: "x=1&X-Amz-Signature=2")
        #expect(call.url.description == "https://open.example.org/a?x=1&X-Amz-Signature=2")
        #expect(call.rule.query == .keep)
        #expect(try table().call("pip/a", query: nil).url.query == nil)
    }

    @Test func `a digest stands in the link or in the path, where the rule says so`() throws {
        let digest = try #require(Digest(.sha256, hex: Self.hex))
        #expect(try table().call("pip/~sha256=\(Self.hex)/a.whl").digest == digest)
        // As pip writes it.
        #expect(try table().call("pip/~sha256%3D\(Self.hex)/a.whl").digest == digest)
        // It is that of the wheel.
        #expect(try table().call("pip/~sha256=\(Self.hex)/a.whl.metadata").digest == nil)
        #expect(try table().call("pip/~sha256=\(Self.hex)/simple/six/").digest == nil)
        // The same of a host without a name, which pages of others may link to.
        #expect(try table().call("open.example.org/~sha256=\(Self.hex)/a.whl").digest == digest)
        #expect(try table().call("open.example.org/~sha256=\(Self.hex)/a.whl.metadata").digest == nil)
        #expect(try table().call("oci/v2/a/b/blobs/sha256:\(Self.hex)").digest == digest)
        #expect(try table().call(ArtifactURL("https://registry.example.org/v2/a/blobs/sha256:\(Self.hex)"))?.digest == digest)
        #expect(try table().call(ArtifactURL("https://open.example.org/a")) == nil)
    }

    @Test(
        "What leads nowhere is refused, with a reason",
        arguments: [
            ("nothing/a", .unknownOrigin), ("pip", .unknownOrigin), ("", .unknownOrigin), ("PIP/a", .unknownOrigin),
            ("closed.example.org/a", .notAllowed), ("127.0.0.1/a", .notAllowed), ("localhost/a", .notAllowed),
            ("user@open.example.org/a", .invalid), ("open.example.org:99999/a", .invalid), ("a%2Fb.example.org/a", .invalid),
            ("pip/../a", .invalid), ("pip/%2e%2e/a", .invalid), ("pip/%zz", .invalid),
            ("pip/a\\b", .invalid),
        ] as [(String, NamedCallError.Code)])
    func refusals(_ path: String, _ code: NamedCallError.Code) throws {
        let table = try table()
        do throws(NamedCallError) {
            let call = try table.call(Substring(path))
            Issue.record("\(call.url)")
        } catch {
            #expect(error.code == code, "\(error.message)")
        }
    }

    @Test(
        "A link leads through the origin of its page, another named one, or a host",
        arguments: [
            ("https://index.example.org/base/packages/a.whl", "pip/~sha256=\(hex)/packages/a.whl"),
            ("https://files.example.org/p/a.whl", "pip/~files.example.org/~sha256=\(hex)/p/a.whl"),
            ("https://registry.example.org/v2/", "oci/~sha256=\(hex)/v2/"),
            ("https://open.example.org/a?b=c", "open.example.org/~sha256=\(hex)/a?b=c"),
            ("http://plain.example.org:8080/a", "plain.example.org:8080/~sha256=\(hex)/a"),
            ("http://open.example.org/a", nil), ("https://closed.example.org/a", nil), ("https://index.example.org/other", nil),
        ] as [(String, String?)])
    func links(_ url: String, _ expected: String?) throws {
        let table = try table(https: false)
        let origin = try #require(table.origins.first)
        let mark = try DigestMark.text(of: #require(Digest(.sha256, hex: Self.hex)))
        let path = table.links(of: origin).place(of: try ArtifactURL(url)).map { place in
            "\(place.path)\(mark ?? "")/\(url.dropFirst(place.url.description.count))"
        }
        #expect(path == expected)
        // And back.
        guard let path else { return }
        let parts = path.split(separator: "?", maxSplits: 1)
        #expect(try table.call(parts[0], query: parts.count == 2 ? String(parts[1]) : nil).url.description == url)
    }

    @Test func `places on one host are told apart by their paths, also within each other`() throws {
        let origin = NamedOrigin(
            name: "pip", url: try ArtifactURL("https://index.example.org/"), rules: Preset.python.rules,
            links: try ["a/", "b/", "b/c/"].map { LinkTarget(try ArtifactURL("https://files.example.org/\($0)")) })
        let table = NamedOriginTable([origin], policy: try EgressPolicy(allow: origin.places.map { .prefix($0) }))
        for path in ["a/x.whl", "b/x.whl", "b/c/x.whl"] {
            let url = try ArtifactURL("https://files.example.org/\(path)")
            let place = try #require(table.links(of: origin).place(of: url))
            #expect(place == LinkPlace(url: try ArtifactURL("https://files.example.org/"), path: "pip/~files.example.org/", isWhole: false))
            let call = try table.call("pip/~sha256=\(Self.hex)/~files.example.org/\(path)")
            #expect(call.url == url)
            #expect(call.digest?.hex == Self.hex)
        }
        #expect(throws: NamedCallError.self) { try table.call("pip/~files.example.org/other/x.whl") }
        #expect(throws: NamedCallError.self) { try table.call("pip/~files.example.org/a/../other/x.whl") }
    }

    @Test(
        "What a lenient server would find beside an origin is not of that origin, even where everything is allowed",
        arguments: ["..%2Fprivate/a.whl", "..%252fprivate/a.whl", "x/..;/..;/private/a.whl", "%5C..%5Cprivate/a.whl"])
    func beside(_ path: String) throws {
        let origin = NamedOrigin(
            name: "pip", url: try ArtifactURL("https://index.example.org/public/"), rules: Preset.python.rules,
            links: [LinkTarget(try ArtifactURL("https://files.example.org/public/"))])
        let table = NamedOriginTable([origin], policy: EgressPolicy())
        #expect(throws: NamedCallError.self) { try table.call("pip/\(path)") }
        #expect(throws: NamedCallError.self) { try table.call("pip/~files.example.org/public/\(path)") }
        #expect(table.call(try ArtifactURL("https://index.example.org/public/\(path)")) == nil)
        // Its host may be fetched from like any other, without what the named origin has.
        #expect(try table.call("index.example.org/public/\(path)").origin.name == "index.example.org")
        #expect(
            table.links(of: origin).place(of: try ArtifactURL("https://index.example.org/public/\(path)"))?.path == "index.example.org/")
    }

    @Test func `the mark of a hop replaces the one before, and stands behind the name`() {
        #expect(NamedOriginTable.path("pip/a/b.whl", hop: 1) == "pip/~hop=1/a/b.whl")
        #expect(NamedOriginTable.path("pip/~hop=1/~sha256=x/b.whl", hop: 12) == "pip/~hop=12/~sha256=x/b.whl")
        #expect(NamedOriginTable.path("pip", hop: 1) == "pip")
    }

    @Test func `a hop is counted from its mark`() throws {
        #expect(try table().call("pip/~hop=7/a.whl").hop == 7)
        #expect(try table().call("open.example.org/~hop=7/a.whl").hop == 7)
        #expect(try table().call("pip/~hop=101/a.whl").hop == 0)
        #expect(try table().call("pip/a.whl").hop == 0)
    }

    @Test(
        "What a rule refuses is refused however it is spelled",
        arguments: [
            "private/a", "private/", "%70rivate/a", "./private/a", "x/../private/a", "/private/a", "//private//a", "private%2Fa",
            "private%2fa",
            "private%252Fa", "private%5Ca", "private;x=1/a", "private%3Bx/a", "private./a", "private%20/a", "x%2F..%2Fprivate/a",
            "x/..%2Fprivate/a", "x/..;/private/a", "x/%252e%252e/private/a", "private%09/a", "x/;/../../private/a", "secret.zip",
            "secret.zip.",
            "secret.zip;a", "secret.zip%00.txt", "secret.zip%3Fa", "secret%2Ezip", ".%2Fsecret.zip", "%C0%AFprivate/a", "private%EF%BC%8Fa",
        ])
    func refusedSpellings(_ path: String) throws {
        let rules = [
            OriginRule(try PathPattern("/private/**"), .refused, methods: .any), OriginRule(try PathPattern("/secret.zip"), .refused),
            OriginRule(.everything, .mirrored),
        ]
        let places = ["https://files.example.org/", "https://files.example.org/base/"]
        for base in places {
            let origin = NamedOrigin(name: "files", url: try ArtifactURL(base), rules: rules)
            // The whole host may be fetched from, so that nothing else refuses anything.
            let table = NamedOriginTable([origin], policy: try EgressPolicy(allow: [.prefix(ArtifactURL("https://files.example.org/"))]))
            let url = try ArtifactURL(base + path)
            #expect(table.call(url)?.rule.kind == .refused)
            let below = String(url.description.dropFirst("https://".count))
            #expect(try table.call(Substring(below)).rule.kind == .refused)
            // What leads out of a named origin is no path of it.
            if let call = try? table.call(Substring("files/" + path)) { #expect(call.rule.kind == .refused) }
        }
    }

    @Test(
        "What no rule refuses is not refused because of its spelling",
        arguments: ["a%2Fb.zip", "a;v=1/b.zip", "a//b.zip", "a./b.zip", "private2/b.zip"])
    func allowedSpellings(_ path: String) throws {
        let rules = [
            OriginRule(try PathPattern("/private/**"), .refused), OriginRule(try PathPattern("**/*.zip"), .mirrored),
            OriginRule(.everything, .refused),
        ]
        let origin = NamedOrigin(name: "files", url: try ArtifactURL("https://files.example.org/"), rules: rules)
        let table = NamedOriginTable([origin], policy: try EgressPolicy(allow: [.prefix(origin.url)]))
        let call = try table.call(Substring("files/" + path))
        #expect(call.rule.kind == .mirrored)
        #expect(call.url.description == "https://files.example.org/\(path)")
    }

    @Test func `what is beside a named origin is not refused by its rules`() throws {
        let origin = NamedOrigin(
            name: "files", url: try ArtifactURL("https://files.example.org/base/"), rules: [OriginRule(.everything, .refused)])
        let table = NamedOriginTable([origin], policy: try EgressPolicy(allow: [.prefix(ArtifactURL("https://files.example.org/"))]))
        #expect(try table.call("files.example.org/other//a").rule.kind == .mirrored)
        #expect(try table.call("files.example.org//base/a").rule.kind == .refused)
        #expect(try table.call("files.example.org/%2Fbase/a").rule.kind == .refused)
        #expect(try table.call("files.example.org/base%2Fa").rule.kind == .refused)
    }
}
