import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorState
import MirrorTesting
import NamedOrigins
import TestServers
import Testing

@testable import MirrorServer

/// `/o/…`: artifacts, and what is left to the origin or refused.
@Suite(.timeLimit(.minutes(5)))
struct NamedRouteTests {
    private static let hex = "c7c5c1d70c5dec4416ab6158afd0b223ef40c29b1dc1f97ed9428b94d4cadb1c"

    static func options(
        _ rules: [OriginRule], delivery: Delivery = .redirect, _ change: (inout MirrorOptions) throws -> Void = { _ in }
    ) throws -> MirrorOptions {
        let origin = NamedOrigin(name: "files", url: try ArtifactURL(World.origin + "/base/"), rules: rules, delivery: delivery)
        return try .with {
            $0.named = [origin]
            $0.fallback = World.pool
            try change(&$0)
        }
    }

    /// A mirror that passes everything on to an origin on loopback, as `/o/api/`.
    static func passing(to origin: FakeOrigin) throws -> MirrorOptions {
        let named = NamedOrigin(name: "api", url: try ArtifactURL(origin.url("/")), rules: [try rule("**", .passed, methods: .any)])
        return .with {
            $0.named = [named]
            // Also because only plain HTTP is spoken there.
            $0.allow = [.prefix(named.url)]
        }
    }

    static func rule(
        _ pattern: String, _ kind: OriginRule.Kind = .mirrored, methods: RuleMethods = .read,
        _ change: (inout OriginRule) -> Void = { _ in }
    ) throws -> OriginRule {
        var rule = OriginRule(try PathPattern(pattern), kind, methods: methods)
        change(&rule)
        return rule
    }

    @Test func `an artifact is one, whether it is asked for by its URL, by its origin's name or by its host`() async throws {
        let world = World()
        let id = try await world.seed("/base/a.txt")
        try await MirrorFixture.run(world, try Self.options([try Self.rule("**")])) { mirror async throws in
            let location = "/local/dev/\(ObjectKey(id.artifact))"
            for target in ["/o/files/a.txt", "/o/files/./a.txt", "/o/artifacts.example.org/base/a.txt", World.target("/base/a.txt")] {
                // The second answer is the fast path's.
                for _ in 0..<2 {
                    let response = try await mirror.get(target)
                    #expect(response.status == 302, "\(target)")
                    #expect(response["Location"] == location)
                    #expect(response["X-Cloud-Mirror-Outcome"] == "hit")
                }
            }
            #expect(mirror.hits == 8)
            #expect(mirror.store.locations == 4)
        }
    }

    @Test func `HEAD is answered with what is known, and never from the memory of redirects`() async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        try await MirrorFixture.run(world, try Self.options([try Self.rule("**")])) { mirror async throws in
            for _ in 0..<2 {
                #expect(try await mirror.get("/o/files/a.txt").status == 302)
                let head = try await mirror.request("HEAD", "/o/files/a.txt")
                #expect(head.status == 200)
                #expect(head["Content-Length"] == "8")
                #expect(head["Content-Type"] == "text/plain")
                #expect(head["Accept-Ranges"] == "bytes")
                #expect(head.has("ETag"))
                #expect(!head.has("Location"))
                #expect(head.body.isEmpty)
            }
        }
    }

    @Test func `a small file is in the answer, with ranges and conditions, and a large one is not`() async throws {
        let world = World()
        try await world.seed("/base/small.txt")
        try await world.seed("/base/large.txt", Array(repeating: 1, count: 100))
        try await MirrorFixture.run(world, try Self.options([try Self.rule("**") { $0.inlineLimit = 99 }])) { mirror async throws in
            for _ in 0..<2 {
                let whole = try await mirror.get("/o/files/small.txt")
                #expect(whole.status == 200 && whole.text == "artifact")
                #expect(whole["Content-Length"] == "8" && whole["X-Cloud-Mirror-Outcome"] == "hit")
                #expect(whole["X-Cloud-Mirror-Pool"] == "local/dev")
                #expect(try await mirror.get("/o/files/large.txt").status == 302)
            }
            let part = try await mirror.get("/o/files/small.txt", [("Range", "bytes=2-4")])
            #expect(part.status == 206 && part.text == "tif" && part["Content-Range"] == "bytes 2-4/8")
            let etag = try #require(part["ETag"])
            #expect(try await mirror.get("/o/files/small.txt", [("If-None-Match", etag)]).status == 304)
            #expect(try await mirror.get("/o/files/small.txt", [("If-Match", "\"other\"")]).status == 412)
            #expect(try await mirror.get("/o/files/small.txt", [("Range", "bytes=9-")]).status == 416)
        }
    }

    @Test func `a digest that the copy does not have leads to the origin, and the copy stays for others`() async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        let rule = try Self.rule("**") { $0.digest = .link }
        try await MirrorFixture.run(world, try Self.options([rule])) { mirror async throws in
            let wrong = String(repeating: "0", count: 64)
            for _ in 0..<2 {
                let right = try await mirror.get("/o/files/~sha256=\(Self.hex)/a.txt")
                #expect(right["X-Cloud-Mirror-Outcome"] == "hit")
                let other = try await mirror.get("/o/files/~sha256=\(wrong)/a.txt")
                #expect(other.status == 302)
                #expect(other["Location"] == World.origin + "/base/a.txt")
                #expect(other.json["msg"]?.string == Fallback.otherDigest.message)
                #expect(try await mirror.get("/o/files/a.txt")["X-Cloud-Mirror-Outcome"] == "hit")
            }
        }
    }

    @Test func `a digest in a link counts for a host without a name, too, but not for what clients append to the link`() async throws {
        let world = World()
        for path in ["/a.whl", "/a.whl.metadata"] { try await world.seed(path) }
        try await MirrorFixture.run(world, MirrorOptions.with { $0.fallback = World.pool }) { mirror async throws in
            let (host, wrong) = ("/o/artifacts.example.org", String(repeating: "0", count: 64))
            #expect(try await mirror.get("\(host)/~sha256=\(Self.hex)/a.whl")["X-Cloud-Mirror-Outcome"] == "hit")
            let other = try await mirror.get("\(host)/~sha256=\(wrong)/a.whl")
            #expect(other["Location"] == World.origin + "/a.whl")
            #expect(other.json["msg"]?.string == Fallback.otherDigest.message)
            #expect(try await mirror.get("\(host)/~sha256=\(wrong)/a.whl.metadata")["X-Cloud-Mirror-Outcome"] == "hit")
        }
    }

    @Test func `what a miss does is said by the rule`() async throws {
        let world = World()
        try await world.seed("/base/there.refuse")
        let rules = [
            try Self.rule("**/*.copy") { $0.miss = .redirectAndCopy },
            try Self.rule("**/*.leave") { $0.miss = .redirect },
            try Self.rule("**/*.refuse") { $0.miss = .refuse },
        ]
        try await MirrorFixture.run(world, try Self.options(rules) { $0.maxWait = .seconds(3_600) }) { mirror async throws in
            let copied = try await mirror.get("/o/files/a.copy")
            #expect(copied.status == 302 && copied["Location"] == World.origin + "/base/a.copy")
            #expect(try await world.state.replica(world.id("/base/a.copy"))?.state == .pending)
            let left = try await mirror.get("/o/files/a.leave")
            #expect(left.status == 302 && left["Location"] == World.origin + "/base/a.leave")
            #expect(left.json["msg"]?.string == Fallback.notCopied.message)
            #expect(try await world.state.replica(world.id("/base/a.leave")) == nil)
            #expect(try await mirror.get("/o/files/a.refuse").status == 404)
            #expect(try await world.state.replica(world.id("/base/a.refuse")) == nil)
            #expect(try await mirror.get("/o/files/there.refuse")["X-Cloud-Mirror-Outcome"] == "hit")
        }
    }

    @Test func `a client that waits too long is redirected to the mirror, with the number of the hop behind the name`() async throws {
        let options = try Self.options([try Self.rule("**")]) {
            $0.maxWait = .seconds(300)
            $0.patience = Patience(hop: .seconds(8), hops: 2)
        }
        try await MirrorFixture.run(World(), options) { mirror async throws in
            let expected = ["/o/files/~hop=1/a.txt?x=1", "/o/files/~hop=2/a.txt?x=1", World.origin + "/base/a.txt?x=1"]
            var target = "/o/files/a.txt?x=1"
            for location in expected {
                let current = target
                async let asked = mirror.get(current)
                await mirror.waiting(1)
                mirror.world.clock.advance(by: .seconds(8))
                let response = try await asked
                #expect(response["Location"] == location)
                #expect(response["X-Cloud-Mirror-Outcome"] == (location.hasPrefix("/o/") ? "hop" : "fallback"))
                target = location
            }
        }
    }

    @Test func `what is passed leads to the origin, what is refused is forbidden, and only what is passed takes a POST`() async throws {
        let rules = [
            try Self.rule("/passed", .passed, methods: .any), try Self.rule("/refused", .refused, methods: .any),
            try Self.rule("/kept"),
        ]
        try await MirrorFixture.run(World(), try Self.options(rules)) { mirror async throws in
            for target in ["/o/files/passed?q=1", "/o/files/unmatched?q=1"] {
                let passed = try await mirror.get(target)
                #expect(passed.status == 302)
                #expect(passed["Location"] == World.origin + target.replacing("/o/files/", with: "/base/"))
            }
            let refused = try await mirror.get("/o/files/refused")
            #expect(refused.status == 403 && refused.json["code"]?.string == "Forbidden")
            #expect(try await mirror.request("POST", "/o/artifacts.example.org/other", body: "x").status == 403)
            #expect(try await mirror.request("PUT", "/o/files/passed", body: "x").status == 405)
            #expect(try await mirror.get("/o/nothing/a").status == 404)
            #expect(try await mirror.get("/o/closed.example.org/a").status == 403)
            #expect(try await mirror.get("/o/files/../a").status == 400)
            #expect(try await mirror.get("/o").status == 404)
            let counts = mirror.services.registry.values(of: NamedMetrics.Name.requests).filter { $0.labels["origin"] == "files" }
            #expect(counts.first { $0.labels["class"] == "passed" }?.value == 2)
            #expect(counts.first { $0.labels["class"] == "refused" }?.value == 1)
        }
    }

    @Test func `a POST is sent to the origin, and its answer comes back without cookies`() async throws {
        try await FakeOrigin.run { origin in
            let answer = [
                "HTTP/1.1 200 OK", "Content-Type: application/json", "Set-Cookie: a=b", "X-Xet-Hash: c", "X-Checksum-Sha512: d",
                "Content-Length: 2", "", "{}",
            ]
            origin.on("/search", FakeBehavior().with { $0.raw = Array(answer.joined(separator: "\r\n").utf8) })
            let named = NamedOrigin(
                name: "api", url: try ArtifactURL(origin.url("/")), rules: [try Self.rule("**", .passed, methods: .any)])
            let options = MirrorOptions.with {
                $0.named = [named]
                // Also because only plain HTTP is spoken there.
                $0.allow = [.prefix(named.url)]
            }
            try await MirrorFixture.run(World(), options) { mirror async throws in
                let answer = try await mirror.request("POST", "/o/api/search", [("Content-Type", "application/json")], body: "[1]")
                #expect(answer.status == 200 && answer.text == "{}")
                #expect(answer["Content-Type"] == "application/json")
                #expect(!answer.has("Set-Cookie") && !answer.has("X-Xet-Hash") && answer["X-Checksum-Sha512"] == "d")
                let sent = try #require(origin.requests.last)
                #expect(sent.method == "POST" && sent.path == "/search")
            }
        }
    }

    @Test func `the places of objects of Git LFS lead through the mirror, and an answer without places comes as it is`() async throws {
        try await FakeOrigin.run { origin in
            let oid = String(repeating: "0a", count: 32)
            let path = "/o/r.git/info/lfs/objects/batch"
            let type = "application/vnd.git-lfs+json"
            let question = #"{"objects":[],"operation":"download"}"#
            let answer = """
                {"objects":[{"actions":{"download":{"href":"\(origin.url("/alambic/media/1/0a/0a/\(oid)"))?X-Amz-Signature=1"}},"oid":"\(oid)"}]}
                """
            origin.on(path, .body(Array(answer.utf8), type: type), .status(401, "who?"), .body(Array("<html>".utf8), type: "text/html"))
            let named = NamedOrigin(name: "git", url: try ArtifactURL(origin.url("/")), rules: Preset.github.rules)
            let options = MirrorOptions.with {
                $0.named = [named]
                // Also because only plain HTTP is spoken there.
                $0.allow = [.prefix(named.url)]
                $0.publicURL = "https://mirror.example/base"
            }
            try await MirrorFixture.run(World(), options) { mirror async throws in
                let fields = [("Content-Type", type), ("Accept", type)]
                let batch = try await mirror.request("POST", "/o/git\(path)", fields, body: question)
                #expect(batch.status == 200 && batch["Content-Type"] == type)
                // The digest is in the path as well; there it says the same.
                let href = "https://mirror.example/base/o/git/~sha256=\(oid)/alambic/media/1/0a/0a/\(oid)?X-Amz-Signature=1"
                #expect(batch.text.contains(#""href":"\#(href)""#), "\(batch.text)")
                #expect(origin.requests.last?.header("Accept") == type)
                #expect(try await mirror.request("POST", "/o/git\(path)", fields, body: question).status == 401)
                #expect(try await mirror.request("POST", "/o/git\(path)", fields, body: question).status == 502)
                #expect(try await mirror.get("/o/git\(path)").status == 302)
            }
        }
    }

    @Test func `purging and looking up know both names of an artifact`() async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        try await MirrorFixture.run(world, try Self.options([try Self.rule("**")])) { mirror async throws in
            let name = PercentCoding.encode("/o/files/a.txt")
            let found = try await mirror.admin("GET", "/v1/replicas/\(name)")
            #expect(found.json["replicas"]?.array?.first?["url"]?.string == World.origin + "/base/a.txt")
            #expect(try await mirror.get("/o/files/a.txt")["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(try await mirror.admin("DELETE", "/v1/purge/local/dev/\(name)").status == 204)
            #expect(try await world.state.replica(world.id("/base/a.txt")) == nil)
            #expect(try await mirror.get("/o/files/a.txt")["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(try await mirror.admin("GET", "/v1/replicas/\(PercentCoding.encode("/o/nothing/a"))").status == 404)
        }
    }
}
