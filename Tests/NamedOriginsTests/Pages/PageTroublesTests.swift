import MirrorCore
import MirrorNet
import MirrorSettings
import MirrorTesting
import TestServers
import Testing

@testable import NamedOrigins

@Suite(.timeLimit(.minutes(5))) struct PageTroublesTests {
    @Test("While the origin is down, what was seen before is given out and marked; the origin is not asked each time")
    func down() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"), .hangUp, .hangUp, .hangUp, .hangUp, .text("two", etag: "\"v2\""))
            _ = try await scene.page("/a")
            scene.clock.advance(by: .seconds(100))
            let stale = try await scene.page("/a")
            #expect(stale.freshness == .stale)
            #expect(stale.status == 200)
            #expect(stale.field("X-Cloud-Mirror-Stale") == "100")
            #expect(try await stale.text == "one")
            let asked = scene.origin.requests.count
            #expect(try await scene.page("/a") { $0.ifNoneMatch = "\"v1\"" }.status == 304)
            // Nor for another page of the same origin that is at hand.
            #expect(try await scene.page("/a") { $0.wantsRevalidation = true }.freshness == .stale)
            #expect(scene.origin.requests.count == asked)

            scene.origin.on("/a", .text("two", etag: "\"v2\""))
            scene.clock.advance(by: .seconds(5))
            let fresh = try await scene.page("/a")
            #expect(fresh.freshness == .fetched)
            #expect(fresh.field("X-Cloud-Mirror-Stale") == nil)
            #expect(try await fresh.text == "two")
        }
    }

    @Test("An origin that fails is down, too", arguments: [500, 502, 503, 504, 429, 408])
    func failing(_ status: Int) async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"), .status(status, "no"), .text("two", etag: "\"v2\""))
            scene.origin.on("/b", .status(status, "no").with { $0.headers.append(("Retry-After", "7")) })
            _ = try await scene.page("/a")
            scene.clock.advance(by: .seconds(60))
            #expect(try await scene.page("/a").freshness == .stale)
            scene.clock.advance(by: .seconds(5))
            #expect(try await scene.page("/a").text == "two")
            // What is not at hand gets the origin's word.
            let word = try await scene.page("/b")
            #expect(word.status == status)
            #expect(word.field("Retry-After") == "7")
            #expect(try await word.text == "no")
        }
    }

    @Test("A page that is too old is not given out any more")
    func staleLimit() async throws {
        var configuration = PageConfiguration()
        configuration.staleLimit = .seconds(1_000)
        try await PageScene.run(configuration) { scene async throws in
            scene.origin.on("/a", .text("one"), .hangUp, .hangUp, .hangUp, .hangUp)
            _ = try await scene.page("/a")
            scene.clock.advance(by: .seconds(999))
            #expect(try await scene.page("/a").freshness == .stale)
            scene.clock.advance(by: .seconds(1))
            #expect(try await scene.failure("/a") == .unreachable)
        }
    }

    @Test("A client does not wait for an origin that is slow to confirm a page; whoever comes after it has the new one")
    func patience() async throws {
        try await PageScene.run { scene async throws in
            let gate = FakeGate()
            scene.origin.on("/a", .text("one"), .text("two", etag: "\"v2\"").with { $0.gate = gate })
            _ = try await scene.page("/a")
            scene.clock.advance(by: .seconds(60))
            let request = try scene.request("/a")
            let slow = Task { try await scene.service.page(request) }
            try await gate.waiting()
            // Of the client, and of the fetch.
            await scene.clock.sleepers(2)
            scene.clock.advance(by: .seconds(3))
            #expect(try await slow.value.freshness == .stale)
            gate.open()
            try await eventually("the new page is there") { try await scene.page("/a").text == "two" }
            #expect(scene.origin.requests.count == 2)
        }
    }

    @Test("A client is answered at its deadline, whatever the origin does")
    func deadline() async throws {
        try await PageScene.run { scene async throws in
            let gate = FakeGate()
            scene.origin.on("/a", .text("one two").with { $0.stall = (3, gate) })
            let request = try scene.request("/a")
            let slow = Task { try await scene.service.page(request) }
            try await gate.waiting()
            // Of the client, and of the fetch.
            await scene.clock.sleepers(2)
            scene.clock.advance(by: .seconds(30))
            await #expect { try await slow.value } throws: { ($0 as? PageError)?.code == .timedOut }
            // It is fetched for the next one all the same.
            gate.open()
            try await eventually("the page is kept") { scene.store.usage.pages == 1 }
            #expect(try await scene.page("/a").freshness == .fresh)
        }
    }

    @Test("An origin that takes too long for a page is given up")
    func fetchLimit() async throws {
        try await PageScene.run { scene async throws in
            let gate = FakeGate()
            scene.origin.on("/a", .text("one two").with { $0.stall = (3, gate) })
            let request = try scene.request("/a") { $0.deadline = scene.clock.instant + .seconds(1_000) }
            let slow = Task { try await scene.service.page(request) }
            try await gate.waiting()
            // Of the client, and of the fetch.
            await scene.clock.sleepers(2)
            scene.clock.advance(by: .seconds(120))
            await #expect { try await slow.value } throws: { ($0 as? PageError)?.code == .timedOut }
            try await eventually("nothing is left over") { try scene.directory.files(in: "pages") == ["lock"] }
        }
    }

    @Test("That there is no such page is passed on, remembered briefly, and ends the page that was there", arguments: [404, 410, 451])
    func absence(_ status: Int) async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"), .status(status, "gone"), .text("two", etag: "\"v2\""))
            _ = try await scene.page("/a")
            scene.clock.advance(by: .seconds(60))
            for _ in 0..<3 {
                let answer = try await scene.page("/a")
                #expect(answer.status == status)
                #expect(try await answer.text == "gone")
            }
            #expect(scene.origin.requests.count == 2)
            #expect(scene.store.usage.pages == 0)
            scene.clock.advance(by: .seconds(5))
            #expect(try await scene.page("/a").text == "two")
        }
    }

    @Test("What an origin says at length in the place of a page is not remembered")
    func longWords() async throws {
        try await PageScene.run { scene async throws in
            let long = String(repeating: "x", count: 5_000)
            scene.origin.on("/body", .status(404, long))
            scene.origin.on("/fields", .status(404, "gone").with { $0.headers.append(("X-Error-Message", long)) })
            for path in ["/body", "/fields"] {
                for _ in 0..<2 { #expect(try await scene.page(path).status == 404) }
                #expect(scene.origin.requests(for: path).count == 2)
            }
        }
    }

    @Test(
        "An answer that is neither a page nor an error is none, and the page that was there is given out", arguments: [204, 206, 300, 304])
    func oddStatus(_ status: Int) async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .status(status), .text("one"), .status(status == 304 ? 206 : status))
            #expect(try await scene.failure("/a") == .unusable)
            #expect(try await scene.page("/a").text == "one")
            scene.clock.advance(by: .seconds(60))
            let answer = try await scene.page("/a")
            #expect(answer.freshness == .stale)
            #expect(try await answer.text == "one")
        }
    }

    @Test("While the origin is down, that there was no such page is passed on for longer")
    func absenceWhileDown() async throws {
        try await PageScene.run { scene in
            scene.origin.on("/a", .status(404, "gone"), .hangUp, .hangUp, .hangUp, .hangUp)
            #expect(try await scene.page("/a").status == 404)
            scene.clock.advance(by: .seconds(60))
            let answer = try await scene.page("/a")
            #expect(answer.status == 404)
            #expect(answer.freshness == .stale)
            #expect(try await answer.text == "gone")
            scene.origin.on("/a", .text("two"))
            scene.clock.advance(by: .seconds(5))
            #expect(try await scene.page("/a").text == "two")
        }
    }

    @Test("What else the origin says is passed on and not remembered", arguments: [400, 401, 403, 501])
    func otherWords(_ status: Int) async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"), .status(status, "no").with { $0.headers.append(("WWW-Authenticate", "Basic realm=\"a\"")) })
            _ = try await scene.page("/a")
            scene.clock.advance(by: .seconds(60))
            for number in 2...3 {
                let answer = try await scene.page("/a")
                #expect(answer.status == status)
                // What a client would send in answer to it is not passed on to this origin.
                #expect(answer.field("WWW-Authenticate") == nil)
                #expect(scene.origin.requests.count == number)
            }
        }
    }

    @Test("A page that breaks off, or is not as long as the origin says, is none")
    func brokenOff() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"), .text("longer than that", etag: "\"v2\"").with { $0.truncateAfter = 4 })
            scene.origin.on("/b", .text("short").with { $0.statedLength = 50 })
            scene.origin.on(
                "/c",
                .text("longer than that").with {
                    $0.truncateAfter = 4
                    $0.framing = .chunked
                })
            _ = try await scene.page("/a")
            scene.clock.advance(by: .seconds(60))
            #expect(try await scene.page("/a").text == "one")
            #expect(try await scene.failure("/b") == .unreachable)
            #expect(try await scene.failure("/c") != nil)
            #expect(scene.store.usage.pages == 1)
        }
    }

    @Test("A page that is too large is none, whether the origin says so or not")
    func tooLarge() async throws {
        var configuration = PageConfiguration()
        configuration.maxPageBytes = 1_000
        try await PageScene.run(configuration) { scene async throws in
            scene.origin.on("/a", .generated(size: 1_000))
            scene.origin.on("/b", .generated(size: 1_001))
            scene.origin.on("/c", .generated(size: 100_000).with { $0.framing = .chunked })
            #expect(try await scene.failure("/a") == nil)
            #expect(try await scene.failure("/b") == .tooLarge)
            #expect(try await scene.failure("/c") == .tooLarge)
            #expect(scene.store.usage.pages == 1)
            // It is not fetched in vain again and again.
            #expect(try await scene.failure("/c") == .tooLarge)
            #expect(scene.origin.requests(for: "/c").count == 1)
            scene.origin.on("/c", .text("small"))
            scene.clock.advance(by: .seconds(60))
            #expect(try await scene.page("/c").text == "small")
        }
    }

    @Test("What is encoded although that was not asked for, or is HTML where it cannot be, is no page")
    func unusable() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one").with { $0.headers.append(("Content-Encoding", "gzip")) })
            scene.origin.on("/b", .body(Array("<html>".utf8), type: "text/html; charset=utf-8"))
            scene.origin.on("/c", .text("one").with { $0.headers.append(("Content-Encoding", "identity")) })
            #expect(try await scene.failure("/a") == .unusable)
            for grammar in [LinkGrammar.npm, .cargoConfig, .condaRepodata] {
                #expect(try await scene.failure("/b", kind: .rewritten(grammar)) == .unusable)
            }
            #expect(try await scene.failure("/b", kind: .rewritten(.python)) == nil)
            #expect(try await scene.failure("/b") == nil)
            #expect(try await scene.failure("/c") == nil)
            #expect(scene.origin.requests[0].header("Accept-Encoding") == "identity")
        }
    }

    @Test("Where a page cannot be HTML, what a portal answers does not replace it")
    func portal() async throws {
        let portal = FakeBehavior.body(Array("<html>log in</html>".utf8), etag: "\"portal\"", type: "text/html")
        try await PageScene.run { scene async throws in
            scene.origin.on("/Packages", .text("Package: a"), portal, .text("Package: b", etag: "\"v2\""))
            scene.origin.on("/Sources", portal)
            func page() async throws -> PageAnswer { try await scene.page("/Packages") { $0.rule.refusesHTML = true } }
            #expect(try await page().text == "Package: a")
            scene.clock.advance(by: .seconds(60))
            let stale = try await page()
            #expect(stale.freshness == .stale)
            #expect(try await stale.text == "Package: a")
            scene.clock.advance(by: .seconds(60))
            #expect(try await page().text == "Package: b")
            #expect(try await scene.failure("/Sources") { $0.rule.refusesHTML = true } == .unusable)
        }
    }

    @Test("An origin that may not be fetched from, or redirects to an address that nobody may have from here, is refused")
    func refused() async throws {
        try await PageScene.run { scene async throws in
            let elsewhere = try ArtifactURL("http://other.example/")
            scene.origin.on("/a", .redirect(to: "http://10.0.0.1/"))
            #expect(try await scene.failure("/a") == .refused)
            #expect(try await scene.failure("/b") { $0.url = elsewhere } == .refused)
        }
    }

    @Test("Where an origin redirects to a host that is not allowed, the page before is given out, or none")
    func redirectRefused() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"), .redirect(to: "http://other.example/"))
            scene.origin.on("/b", .redirect(to: "http://other.example/"))
            #expect(try await scene.page("/a").text == "one")
            scene.clock.advance(by: .seconds(61))
            let older = try await scene.page("/a")
            #expect(try await older.text == "one")
            #expect(older.freshness == .stale)
            #expect(try await scene.failure("/b") == .redirectRefused)
        }
    }

    @Test("With a client's own credentials, nothing is kept and nothing is shared")
    func clientCredentials() async throws {
        try await PageScene.run { scene async throws in
            var scene = scene
            scene.named = NamedOrigin(name: "index", url: scene.named.url, credentials: .client)
            scene.origin.on("/a") { request in
                request.header("Authorization").map { .text("for \($0)") } ?? .status(401, "who?")
            }
            for name in ["one", "two", "one"] {
                let answer = try await scene.page("/a") { $0.authorization = Secret(name) }
                #expect(try await answer.text == "for \(name)")
                #expect(answer.field("Cache-Control") == "private, no-cache")
            }
            #expect(try await scene.page("/a").status == 401)
            #expect(scene.store.usage.pages == 0)
            #expect(scene.origin.requests.count == 4)
        }
    }

    @Test("What the mirror gets with its credentials is not given to those who ask without the named origin")
    func ownCredentials() async throws {
        try await PageScene.run { scene async throws in
            var other = scene
            other.named = NamedOrigin(name: "secret", url: scene.named.url, credentials: .bearer(Secret("t0ken")))
            scene.origin.on("/a") { request in
                request.header("Authorization") == "Bearer t0ken" ? .text("secret") : .status(404)
            }
            #expect(try await other.page("/a").text == "secret")
            #expect(try await scene.page("/a").status == 404)
            #expect(try await other.page("/a").freshness == .fresh)
            #expect(!scene.log.all.contains { $0.contains("t0ken") })
        }
    }

    @Test("The fields of an artifact are those of its redirect where the place that it leads to refuses HEAD", arguments: [403, 405])
    func headRefused(_ status: Int) async throws {
        try await PageScene.run { scene async throws in
            let told = [("X-Linked-Size", "5000"), ("X-Linked-ETag", "\"abc\""), ("X-Repo-Commit", "c0ffee"), ("Set-Cookie", "a=b")]
            scene.origin.on("/a", .redirect(to: "/signed").with { $0.headers += told })
            scene.origin.on("/bare", .redirect(to: "/signed"))
            scene.origin.on("/signed", .status(status, "no"))
            for freshness in [PageAnswer.Freshness.fetched, .fresh] {
                let answer = try await scene.page("/a") { $0.form = .fields }
                #expect(answer.status == 200 && answer.freshness == freshness)
                #expect(answer.field("Content-Length") == "5000" && answer.field("ETag") == "\"abc\"")
                #expect(answer.field("X-Repo-Commit") == "c0ffee" && answer.field("Set-Cookie") == nil)
            }
            #expect(try await scene.page("/bare") { $0.form = .fields }.status == status)
            // The page itself is not what the redirect tells.
            #expect(try await scene.page("/a").status == status)
        }
    }
}
