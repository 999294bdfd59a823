import MirrorCore
import MirrorNet
import MirrorState
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct DashboardReplicaTests {
    @Test func `replicas are listed by page, pool and state, and found by their URL in each pool`() async throws {
        let world = World()
        for number in 0..<51 { try await world.seed("/file-\(number)") }
        try await world.fail("/broken", .origin(status: 404), message: "the origin has <nothing>")
        try await MirrorFixture.run(world) { mirror in
            let cookie = [("Cookie", try await mirror.logIn())]
            let first = try await mirror.get("/dashboard/replicas?state=present", cookie).text
            let next = try require(
                first.split(separator: #"<a href="replicas?"#).last { $0.contains("rel=\"next\"") }?.split(separator: "\"").first)
            let second = try await mirror.get("/dashboard/replicas?\(next.replacing("&amp;", with: "&"))", cookie).text
            #expect(second.contains(World.origin))
            #expect(!second.contains("rel=\"next\""))
            let failed = try await mirror.get("/dashboard/replicas?state=error&pool=local/dev", cookie).text
            #expect(failed.contains("the origin has &lt;nothing&gt;"))
            let found = try await mirror.get("/dashboard/replicas?url=\(PercentCoding.encode(World.origin + "/file-1"))", cookie).text
            #expect(found.contains(">present") && found.contains(">absent"))
            for (query, status) in [
                ("state=odd", 400), ("pool=local/none", 404), ("url=nonsense", 400), ("url=%", 400), ("after=odd", 400),
            ] {
                #expect(try await mirror.get("/dashboard/replicas?\(query)", cookie).status == status, "\(query)")
            }
        }
    }

    @Test func `what may be copied is said where copies are asked for, and not to strangers`() async throws {
        let rules = try (0..<25).map { EgressPolicy.AllowRule.prefix(try ArtifactURL("https://origin-\($0).example/")) }
        try await MirrorFixture.run(World(), .with { $0.allow = rules }) { mirror in
            let page = try await mirror.get("/dashboard/replicas", [("Cookie", try await mirror.logIn())]).text
            #expect(page.contains("\(World.origin)/, https://origin-0.example/"))
            #expect(page.contains("https://origin-18.example/ and 6 more"))
            #expect(!page.contains("origin-19"))
            #expect(try await !mirror.get("/", [("Accept", "text/html")]).text.contains("origin-0.example"))
        }
    }

    @Test func `names and words of strangers are text, whatever they contain`() async throws {
        let hostile = "\"\u{301} onfocus=alert(1) autofocus x=\"><script>alert(1)</script>'&\r\ndata: x"
        try await MirrorFixture.run { mirror in
            let cookie = [("Cookie", try await mirror.logIn())]
            for target in ["/dashboard/replicas?url=", "/dashboard/replicas?address=", "/v1/go?url="] {
                let fields = target.hasPrefix("/v1") ? [("Accept", "text/html")] : cookie
                let page = try await mirror.get("\(target)\(PercentCoding.encode(hostile))", fields)
                #expect(page.text.contains("&quot;\u{301} onfocus"), "\(target)")
                #expect(!page.text.contains("<script>"), "\(target)")
                PageCheck.expectOwnFilesOnly(page)
                PageCheck.expectAccessible(page.text)
            }
        }
    }

    @Test func `copies are queued, and what is wrong with a URL is said before anything is`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let cookie = try await mirror.logIn()
            let key = ("form", try await mirror.formKey(cookie))
            let urls = "\(World.origin)/one\r\n\r\n  \(World.origin)/two "
            let page = try await mirror.post("/dashboard/warm", [("urls", urls), ("pool", "local/two"), key], cookie: cookie)
            #expect(page.status == 200)
            #expect(page.text.contains("\(World.origin)/one in local/two: pending"))
            for path in ["/one", "/two"] {
                #expect(try await world.state.replica(try world.id(path, in: World.otherPool))?.state == .pending)
            }
            for urls in ["", "nonsense\n\(World.origin)/three"] {
                #expect(try await mirror.post("/dashboard/warm", [("urls", urls), key], cookie: cookie).status == 400)
            }
            #expect(try await world.state.replica(try world.id("/three")) == nil)
        }
    }

    @Test func `which pool a client gets is explained`() async throws {
        try await MirrorFixture.run(World(), .with { $0.fallback = World.pool }) { mirror in
            let cookie = [("Cookie", try await mirror.logIn())]
            let page = try await mirror.get("/dashboard/replicas?address=192.0.2.1", cookie).text
            #expect(page.contains("A client at 192.0.2.1"))
            #expect(page.contains("gets local/dev, decided by: default"))
            #expect(try await mirror.get("/dashboard/replicas?address=nobody", cookie).text.contains("not an IPv4 or IPv6 address"))
        }
    }
}
