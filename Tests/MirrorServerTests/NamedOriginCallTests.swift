import MirrorCore
import MirrorNet
import MirrorSettings
import MirrorState
import MirrorTesting
import NamedOrigins
import TestServers
import Testing

@testable import MirrorEngine
@testable import MirrorServer

/// `/o/…`: what calls to origins cost, and what is told apart.
@Suite(.timeLimit(.minutes(5)))
struct NamedOriginCallTests {
    private static let question = #"{"operation":"download","objects":[]}"#
    private static let json = [("Content-Type", "application/json")]

    /// A mirror with pages in front of an origin on loopback, whose clients have so many claims; time stands still, so that nothing comes back.
    ///
    /// - Parameter bytes: For a minute; 0 sets no limit.
    private static func run(
        _ rule: OriginRule, _ credentials: UpstreamCredentials = .none, claims: Int, bytes: Int64 = 0, patience: Duration = .seconds(3_600),
        _ body: (MirrorFixture, FakeOrigin) async throws -> Void
    ) async throws {
        try await FakeOrigin.run { origin async throws in
            let directory = try TemporaryDirectory()
            let named = NamedOrigin(name: "index", url: try ArtifactURL(origin.url("/")), rules: [rule], credentials: credentials)
            let options = MirrorOptions.with {
                $0.named = [named]
                // Also because only plain HTTP is spoken there.
                $0.allow = [.prefix(named.url)]
                $0.pages = "\(directory.path)/pages"
                $0.fallback = World.pool
                $0.patience = Patience(hop: patience, hops: 0)
                $0.coldClaims = ColdClaimLimits(perSecond: 1, burst: claims, bytesPerMinute: bytes)
            }
            try await MirrorFixture.run(World(), options) { mirror async throws in try await body(mirror, origin) }
        }
    }

    @Test func `a page that is not here costs a claim, and one that is here costs none`() async throws {
        try await Self.run(OriginRule(.everything, .revalidated), claims: 2) { mirror, origin async throws in
            for path in ["/a", "/b", "/c"] { origin.on(path, .text("page")) }
            for path in ["/a", "/a", "/b"] { #expect(try await mirror.get("/o/index\(path)").text == "page") }
            let refused = try await mirror.get("/o/index/c?made=up")
            #expect(refused.status == 302 && refused["Location"] == origin.url("/c?made=up"))
            #expect(refused.json["msg"]?.string == Fallback.budget.message)
            #expect(try await mirror.get("/o/index/a").text == "page")
            // It is here, and is only confirmed, once for all who ask in the same moment.
            mirror.world.clock.advance(by: .seconds(2))
            for _ in 0..<3 { #expect(try await mirror.get("/o/index/b", [("Cache-Control", "no-cache")]).text == "page") }
            #expect(origin.requests.map(\.path) == ["/a", "/b", "/b"])
        }
    }

    @Test func `the bytes of pages that are fetched are charged, and those of pages that are here are not`() async throws {
        try await Self.run(OriginRule(.everything, .revalidated), claims: 100, bytes: 60) { mirror, origin async throws in
            for path in ["/a", "/b", "/c"] { origin.on(path, .text(String(repeating: "x", count: 31))) }
            for path in ["/a", "/a", "/a", "/b"] { #expect(try await mirror.get("/o/index\(path)").status == 200) }
            let refused = try await mirror.get("/o/index/c")
            #expect(refused.status == 302 && refused.json["msg"]?.string == Fallback.budget.message)
            #expect(try await mirror.get("/o/index/a").status == 200)
        }
    }

    @Test func `what a rule leaves out of the query makes no page of its own, and is not sent to the origin`() async throws {
        let queries: [(rule: QueryRule, asked: [String])] = [
            (.drop, ["/a", "/a"]), (.only(QueryNames(["n"])), ["/a", "/a?n=1", "/a", "/a?n=1"]),
            (.keep, ["/a", "/a?ns=one", "/a?ns=two&n=1", "/a", "/a?ns=one", "/a?ns=two&n=1"]),
        ]
        for (rule, asked) in queries {
            try await Self.run(OriginRule(.everything, .revalidated, query: rule), claims: 100) { mirror, origin async throws in
                origin.on("/a", .text("page"))
                let targets = ["/o/index/a", "/o/index/a?ns=one", "/o/index/a?ns=two&n=1"]
                for _ in 0..<2 {
                    for target in targets + targets { #expect(try await mirror.get(target).text == "page") }
                    // By whatever name, it is purged.
                    for target in targets {
                        #expect(try await mirror.admin("DELETE", "/v1/purge/\(PercentCoding.encode(target))").status == 204)
                    }
                }
                #expect(origin.requests.map(\.uri) == asked, "\(rule)")
            }
        }
    }

    @Test func `a purge says how many forms of a page there were`() async throws {
        try await Self.run(OriginRule(.everything, .revalidated), claims: 100) { mirror, origin async throws in
            origin.on("/a", .text("page"))
            for type in ["text/plain", "text/html"] {
                #expect(try await mirror.get("/o/index/a", [("Accept", type)]).text == "page")
            }
            let fields = [("Authorization", "Bearer \(MirrorFixture.token)"), ("Prefer", PurgeCall.preference)]
            for pages in [2, 0] as [Int64] {
                let answer = try await mirror.request("DELETE", "/v1/purge/\(PercentCoding.encode("/o/index/a"))", fields)
                #expect(answer.json["pages"] == .integer(pages), "\(answer.text)")
            }
        }
    }

    @Test func `nobody is redirected to an origin that only the mirror can read, and its answers cost a claim each`() async throws {
        for kind in [OriginRule.Kind.revalidated, .mirrored, .passed] {
            try await Self.run(OriginRule(.everything, kind), .bearer(Secret("t0ken")), claims: 1) { mirror, origin async throws in
                for path in ["/a", "/b"] { origin.on(path, .text("content")) }
                let fields = [("X-Cloud-Mirror-Delivery", "origin")]
                #expect(try await mirror.get("/o/index/a", fields).text == "content")
                #expect(try await mirror.get("/o/index/b", fields).status == 503)
                #expect(origin.requests.map(\.path) == ["/a"])
                #expect(origin.requests.first?.header("Authorization") == "Bearer t0ken")
            }
        }
    }

    @Test func `with the operator's credentials, a POST is sent only where a rule says so`() async throws {
        let rule = OriginRule(try PathPattern("/audit"), .passed, methods: .any)
        try await Self.run(rule, .bearer(Secret("t0ken")), claims: 10) { mirror, origin async throws in
            for path in ["/audit", "/token"] { origin.on(path, .text("content")) }
            #expect(try await mirror.request("POST", "/o/index/audit", body: "{}").text == "content")
            let refused = try await mirror.request("POST", "/o/index/token", body: "{}")
            #expect(refused.status == 403 && refused.json["code"]?.string == "Forbidden")
            #expect(try await mirror.get("/o/index/token").text == "content")
            #expect(origin.requests.map { "\($0.method) \($0.path)" } == ["POST /audit", "GET /token"])
        }
    }

    @Test(arguments: [OriginRule.Kind.passed, .rewritten(.lfs)])
    func `the bytes of an answer that is passed on are charged to the network, and then nothing is passed on for a while`(
        kind: OriginRule.Kind
    ) async throws {
        try await Self.run(OriginRule(.everything, kind, methods: .post), claims: 100, bytes: 600) { mirror, origin async throws in
            let answer = #"{"message":"\#(String(repeating: "x", count: 1_000))"}"#
            origin.on("/a", .body(Array(answer.utf8), type: "application/json"))
            for _ in 0..<2 {
                #expect(try await mirror.request("POST", "/o/index/a", Self.json, body: Self.question).text == answer)
                #expect(try await mirror.request("POST", "/o/index/a", Self.json, body: Self.question).status == 503)
                mirror.world.clock.advance(by: .seconds(60))
            }
            #expect(origin.requests.count == 2)
        }
    }

    @Test(
        "What a client shows to the mirror does not reach an origin that is not meant to see it",
        arguments: [OriginRule.Kind.passed, .rewritten(.lfs)], [UpstreamCredentials.none, .bearer(Secret("t0ken"))])
    func ownCredentials(kind: OriginRule.Kind, credentials: UpstreamCredentials) async throws {
        try await Self.run(OriginRule(.everything, kind, methods: .post), credentials, claims: 100) { mirror, origin async throws in
            origin.on("/a", .body(Array("{}".utf8), type: "application/json"))
            let own = [
                ("Authorization", "Bearer s3cret"), ("Proxy-Authorization", "Basic s3cret"), ("Cookie", "a=s3cret"),
                ("X-Api-Key", "s3cret"),
            ]
            #expect(try await mirror.request("POST", "/o/index/a", own + Self.json, body: Self.question).status == 200)
            let sent = try #require(origin.requests.first)
            #expect(!sent.headers.contains { $0.value.contains("s3cret") })
            let shown = sent.headers.filter { $0.name.lowercased() == "authorization" }.map { $0.value }
            #expect(shown == (credentials == .none ? [] : ["Bearer t0ken"]))
        }
    }

    @Test(arguments: [UpstreamCredentials.bearer(Secret("t0ken")), .none, .client])
    func `only downloads of Git LFS objects are asked for, unless with the client's own credentials`(
        credentials: UpstreamCredentials
    ) async throws {
        let rule = OriginRule(.everything, .rewritten(.lfs), methods: .post)
        try await Self.run(rule, credentials, claims: 100) { mirror, origin async throws in
            origin.on("/batch", .body(Array("{}".utf8), type: "application/json"))
            func status(_ body: String) async throws -> Int {
                try await mirror.request("POST", "/o/index/batch", [("Content-Type", "application/json")], body: body).status
            }
            #expect(try await status(#"{"operation":"download","objects":[]}"#) == 200)
            #expect(try await status(#"{ "objects": [{"oid":"a","size":1}], "operati\u006fn" : "download" }"#) == 200)
            #expect(origin.requests.count == 2)
            let others = [
                (#"{"operation":"upload","objects":[]}"#, 403), (#"{"operation":"Download"}"#, 403), (#"{"objects":[]}"#, 403),
                (#"{"operation":["download"]}"#, 403), (#"{"Operation":"download"}"#, 403),
                // Some servers take the second for the first, or the last of two.
                (#"{"operation":"download","Operation":"upload"}"#, 403), (#"{"operation":"download","operation":"upload"}"#, 400),
                (#"{"operation":"download","operati\u006fn":"upload"}"#, 400), ("[]", 400), ("upload", 400), ("", 400),
            ]
            for (body, expected) in others { #expect(try await status(body) == (credentials == .client ? 200 : expected), "\(body)") }
            #expect(origin.requests.count == 2 + (credentials == .client ? others.count : 0))
        }
    }

    @Test func `an origin that does not answer in time is not waited for`() async throws {
        try await Self.run(OriginRule(.everything, .passed), .bearer(Secret("t0ken")), claims: 1, patience: .seconds(5)) {
            mirror, origin async throws in
            let clock = try #require(mirror.services.clock as? ManualClock)
            origin.on("/a", .text("content").with { $0.gate = FakeGate() })
            async let answer = mirror.get("/o/index/a")
            _ = try await origin.request(for: "/a")
            await clock.sleepers(1)
            clock.advance(by: .seconds(5))
            let response = try await answer
            #expect(response.status == 504)
            #expect(response.json["message"]?.string == "the origin does not answer in time")
        }
    }

    @Test func `where an origin redirects to a host that is not allowed, a client that can ask the origin is left to it`() async throws {
        for kind in [OriginRule.Kind.revalidated, .rewritten(.html)] {
            for credentials in [UpstreamCredentials.none, .client, .bearer(Secret("t0ken"))] {
                try await Self.run(OriginRule(.everything, kind), credentials, claims: 100) { mirror, origin async throws in
                    origin.on("/a", .redirect(to: "http://elsewhere.example/a"))
                    for fields in [[], [("Authorization", "Bearer own")]] {
                        let response = try await mirror.get("/o/index/a", fields)
                        let isLeft = credentials != .bearer(Secret("t0ken"))
                        #expect(response.status == (isLeft ? 302 : 403))
                        #expect(response["Location"] == (isLeft ? origin.url("/a") : nil))
                    }
                    let counts = mirror.services.registry.values(of: OriginMetrics.Name.refusedRedirects)
                    #expect(counts.map { $0.value } == [2] && counts.first?.labels["host"] == "elsewhere.example")
                }
            }
        }
    }

    @Test func `what is passed on from a host that is not allowed is left to the client, if it can ask the origin`() async throws {
        for credentials in [UpstreamCredentials.client, .bearer(Secret("t0ken"))] {
            try await Self.run(OriginRule(.everything, .mirrored), credentials, claims: 100) { mirror, origin async throws in
                origin.on("/a", .redirect(to: "http://elsewhere.example/a"))
                let response = try await mirror.get("/o/index/a", [("Authorization", "Bearer own"), ("X-Cloud-Mirror-Delivery", "origin")])
                #expect(response.status == (credentials == .client ? 302 : 403))
                #expect(response["Location"] == (credentials == .client ? origin.url("/a") : nil))
            }
        }
    }

    @Test func `where clients show their own credentials, what others got is not remembered for them`() async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        let origin = NamedOrigin(
            name: "files", url: try ArtifactURL(World.origin + "/base/"), rules: [OriginRule(.everything, .mirrored)], credentials: .client)
        let options = MirrorOptions.with {
            $0.named = [origin]
            $0.fallback = World.pool
            $0.coldClaims = ColdClaimLimits(perSecond: 1, burst: 1, bytesPerMinute: 0)
        }
        try await MirrorFixture.run(world, options) { mirror async throws in
            // The only claim goes here, so that nothing is asked of the origin below.
            #expect(try await mirror.get("/o/files/missing").status == 302)
            for _ in 0..<2 {
                #expect(try await mirror.get("/o/files/a.txt")["X-Cloud-Mirror-Outcome"] == "hit")
                #expect(try await mirror.get("/o/files/a.txt", [("Authorization", "Bearer own")]).status == 503)
            }
        }
    }

    @Test func `a client that asks for a branch with conditions is redirected to the commit`() async throws {
        let commit = String(repeating: "0a", count: 20)
        var rule = OriginRule(.everything, .revalidated)
        rule.commit = CommitPlace(field: "X-Repo-Commit", segment: "resolve")
        try await Self.run(rule, claims: 10) { mirror, origin async throws in
            origin.on("/m/resolve/main/f", .text("text").with { $0.headers.append(("X-Repo-Commit", commit)) })
            for (name, value) in [("Accept", "*/*"), ("If-None-Match", "\"v1\""), ("If-None-Match", "*")] {
                let response = try await mirror.get("/o/index/m/resolve/main/f?x=1", [(name, value)])
                #expect(response.status == 302)
                #expect(response["Location"] == "/o/index/m/resolve/\(commit)/f?x=1")
            }
        }
    }

    @Test(
        "HEAD is answered as GET is, without the body",
        arguments: [OriginRule.Kind.revalidated, .rewritten(.html), .passed, .refused],
        [UpstreamCredentials.none, .bearer(Secret("t0ken"))])
    func heads(kind: OriginRule.Kind, credentials: UpstreamCredentials) async throws {
        try await Self.run(OriginRule(.everything, kind), credentials, claims: 100) { mirror, origin async throws in
            origin.on("/a", .text("<a href='b'>page</a>"))
            origin.on("/none", .status(404, "nothing"))
            origin.on("/broken", .status(500, "broken"))
            for path in ["/a", "/none", "/broken"] {
                _ = try await mirror.get("/o/index\(path)")
                let get = try await mirror.get("/o/index\(path)")
                let head = try await mirror.request("HEAD", "/o/index\(path)")
                #expect(head.status == get.status && head.body.isEmpty)
                for name in ["Location", "Content-Type", "ETag", "Cache-Control", "X-Cloud-Mirror-Outcome", "Vary"] {
                    #expect(head[name] == get[name], "\(path): \(name)")
                }
                // An error's own body names the method.
                if kind != .refused { #expect(head["Content-Length"] == get["Content-Length"], "\(path)") }
            }
        }
    }

    @Test("HEAD of an artifact that its rule does not copy is answered as GET is", arguments: [Miss.redirect, .refuse])
    func headsOfMisses(miss: Miss) async throws {
        var rule = OriginRule(.everything, .mirrored)
        rule.miss = miss
        try await Self.run(rule, claims: 100) { mirror, origin async throws in
            let get = try await mirror.get("/o/index/a")
            let head = try await mirror.request("HEAD", "/o/index/a")
            #expect(get.status == (miss == .refuse ? 404 : 302))
            #expect(head.status == get.status && head.body.isEmpty)
            #expect(head["Location"] == get["Location"])
            #expect(origin.requests.isEmpty)
        }
    }

    @Test(
        "A client is told what to show only if what it shows reaches the origin",
        arguments: [OriginRule.Kind.revalidated, .passed, .mirrored], ["GET", "HEAD"])
    func challenges(kind: OriginRule.Kind, method: String) async throws {
        for credentials in [UpstreamCredentials.none, .client, .bearer(Secret("t0ken"))] {
            try await Self.run(OriginRule(.everything, kind), credentials, claims: 100) { mirror, origin async throws in
                origin.on("/a", .status(401, "who?").with { $0.headers.append(("WWW-Authenticate", "Basic realm=\"origin\"")) })
                let id = ReplicaID(artifact: try ArtifactURL(origin.url("/a")), pool: try require(World.pool))
                _ = try await mirror.world.state.claim(id)
                let lease = try require(try await mirror.world.state.lease(pools: [id.pool], worker: "test", duration: .seconds(1)))
                let failure = CopyFailure(reason: .origin(status: 401), message: "no", retryAt: mirror.world.clock.now + .seconds(3_600))
                try await mirror.world.state.finish(lease, .failed(failure))
                let response = try await mirror.request(method, "/o/index/a")
                // What is left to the origin is asked of it by the client itself, unless only the mirror can.
                let isLeft = kind == .passed && credentials != .bearer(Secret("t0ken"))
                #expect(response.status == (isLeft ? 302 : 401))
                #expect(response["WWW-Authenticate"] == (credentials == .client && !isLeft ? "Basic realm=\"origin\"" : nil))
            }
        }
    }

    @Test func `a client that shows its own credentials is told by HEAD what the origin's redirect says about a file`() async throws {
        let commit = String(repeating: "0a", count: 20)
        let told = [("X-Repo-Commit", commit), ("X-Linked-Size", "4"), ("X-Linked-ETag", "\"file\"")]
        var branch = OriginRule(.everything, .revalidated)
        branch.commit = CommitPlace(field: "X-Repo-Commit", segment: "resolve")
        let file = OriginRule(.everything, .mirrored, digest: .field("X-Linked-ETag"))
        for (rule, path) in [(branch, "/m/resolve/main/f"), (file, "/m/resolve/\(commit)/f")] {
            try await Self.run(rule, .client, claims: 100) { mirror, origin async throws in
                let signed = FakeBehavior.redirect(to: origin.url("/signed")).with {
                    for (name, value) in told + [("Set-Cookie", "a=b")] { $0.headers.append((name, value)) }
                }
                origin.on(path) { request in request.header("Authorization") == "Bearer own" ? signed : .status(401, "who?") }
                // It is signed for GET.
                origin.on("/signed") { request in request.method == "GET" ? .text("file") : .status(403, "no") }
                for round in 1...2 {
                    let head = try await mirror.request("HEAD", "/o/index\(path)", [("Authorization", "Bearer own")])
                    #expect(head.status == 200)
                    for (name, value) in told { #expect(head[name] == value, "\(name)") }
                    #expect(head["Content-Length"] == "4" && head["Cache-Control"] == "private, no-cache")
                    #expect(!head.has("Set-Cookie"))
                    #expect(origin.requests(for: path).count == round)
                }
                #expect(try await mirror.get("/o/index\(path)", [("Authorization", "Bearer own")]).text == "file")
                #expect(try await mirror.request("HEAD", "/o/index\(path)").status == 401)
            }
        }
    }

    @Test func `a client that shows its own credentials gets pages of its own, whose links lead through the mirror`() async throws {
        try await Self.run(OriginRule(.everything, .rewritten(.html)), .client, claims: 3) { mirror, origin async throws in
            origin.on("/a/") { request in
                request.header("Authorization") == "Bearer own"
                    ? .text("<a href='/b'>private</a>") : .text("<a href='/b'>public</a>", etag: "\"v2\"")
            }
            let own = [("Authorization", "Bearer own")]
            for _ in 0..<2 {
                let page = try await mirror.get("/o/index/a/", own)
                #expect(page.status == 200 && page.text == "<a href='/o/index/b'>private</a>")
                #expect(page["Cache-Control"] == "private, no-cache")
            }
            #expect(try await mirror.get("/o/index/a/").text == "<a href='/o/index/b'>public</a>")
            #expect(origin.requests.count == 3)
            #expect(try await mirror.get("/o/index/a/", own).status == 503)
            #expect(try await mirror.get("/o/index/a/").text == "<a href='/o/index/b'>public</a>")
        }
    }
}
