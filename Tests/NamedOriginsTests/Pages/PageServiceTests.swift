import MirrorCore
import MirrorTesting
import TestServers
import Testing

@testable import NamedOrigins

@Suite(.timeLimit(.minutes(5))) struct PageServiceTests {
    @Test("A page is fetched once, given out while it is fresh, and then confirmed")
    func lives() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"))
            let first = try await scene.page("/a")
            #expect(first.status == 200)
            #expect(first.freshness == .fetched)
            #expect(try await first.text == "one")
            #expect(first.body.length == 3)
            #expect(first.field("ETag") == "\"v1\"")
            #expect(first.field("Content-Type") == "text/plain")
            #expect(first.field("Vary") == "Accept")
            #expect(first.field("Cache-Control") == "no-cache")

            scene.clock.advance(by: .milliseconds(59_999))
            let second = try await scene.page("/a")
            #expect(second.freshness == .fresh)
            #expect(try await second.text == "one")
            #expect(scene.origin.requests.count == 1)

            scene.clock.advance(by: .milliseconds(1))
            let third = try await scene.page("/a")
            #expect(third.freshness == .revalidated)
            #expect(try await third.text == "one")
            #expect(scene.origin.requests.count == 2)
            #expect(scene.origin.requests[1].header("If-None-Match") == "\"v1\"")
            // The life begins anew.
            scene.clock.advance(by: .milliseconds(59_999))
            #expect(try await scene.page("/a").freshness == .fresh)

            scene.origin.on("/a", .text("two!", etag: "\"v2\""))
            scene.clock.advance(by: .seconds(1))
            let fourth = try await scene.page("/a")
            #expect(fourth.freshness == .fetched)
            #expect(try await fourth.text == "two!")
            #expect(fourth.field("ETag") == "\"v2\"")
        }
    }

    @Test("A date validates what has no entity tag")
    func dates() async throws {
        try await PageScene.run { scene async throws in
            let date = "Sun, 06 Nov 1994 08:49:37 GMT"
            scene.origin.on("/a") { request in
                request.header("If-Modified-Since") == date
                    ? .status(304) : .text("one", etag: nil).with { $0.headers.append(("Last-Modified", date)) }
            }
            let first = try await scene.page("/a")
            #expect(first.field("Last-Modified") == date)
            #expect(first.field("ETag")?.utf8.count == 34, "one of the mirror's own")
            scene.clock.advance(by: .seconds(60))
            #expect(try await scene.page("/a").freshness == .revalidated)
            for (since, status) in [
                (date, 304), ("Mon, 07 Nov 1994 00:00:00 GMT", 304), ("Sun, 06 Nov 1994 08:49:36 GMT", 200), ("yesterday", 200),
            ] {
                #expect(try await scene.page("/a") { $0.ifModifiedSince = since }.status == status)
            }
        }
    }

    @Test("Clients get 304 for what they have")
    func conditions() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one", etag: "W/\"v1\""))
            for (field, status) in [
                ("\"v1\"", 304), ("W/\"v1\"", 304), ("\"v0\", \"v1\"", 304), ("*", 304), ("\"v0\"", 200), ("v1", 200), ("\"v1", 200),
                ("", 200),
            ] {
                let answer = try await scene.page("/a") {
                    $0.ifNoneMatch = field
                    $0.ifModifiedSince = "Fri, 31 Dec 9999 23:59:59 GMT"
                }
                #expect(answer.status == status, "\(field)")
                #expect(answer.field("ETag") == "W/\"v1\"")
                #expect(try await answer.text == (status == 200 ? "one" : ""))
            }
            #expect(scene.origin.requests.count == 1)
        }
    }

    @Test("All who want a page at the same time share one request, and go on if the first leaves")
    func singleFlight() async throws {
        try await PageScene.run { scene async throws in
            let gate = FakeGate()
            scene.origin.on("/a", .text("one").with { $0.gate = gate })
            let request = try scene.request("/a")
            let first = Task { try await scene.service.page(request) }
            try await gate.waiting()
            let others = (0..<20).map { _ in Task { try await scene.service.page(request) } }
            first.cancel()
            await #expect(throws: CancellationError.self) { try await first.value }
            gate.open()
            for other in others { #expect(try await other.value.text == "one") }
            #expect(scene.origin.requests.count == 1)
        }
    }

    @Test func `a page that is purged while it is fetched is for those who wait, and who asks later gets the new one`() async throws {
        try await PageScene.run { scene async throws in
            let gate = FakeGate()
            scene.origin.on("/a", .text("old").with { $0.stall = (1, gate) }, .text("new", etag: "\"v2\""))
            scene.origin.on("/none", .status(404, "none").with { $0.gate = gate }, .text("new"))
            scene.origin.on("/other", .text("other").with { $0.gate = gate })
            let requests = try ["/a", "/none", "/other"].map { try scene.request($0) }
            let early = requests.map { request in Task { try await scene.service.page(request) } }
            try await gate.waiting(3)
            for request in requests.dropLast() {
                #expect(scene.service.purge(request.url) == 0)
                #expect(try await scene.service.page(request).text == "new")
            }
            let joined = Task { try await scene.service.page(requests[2]) }
            gate.open()
            for (task, text) in zip(early, ["old", "none", "other"]) { #expect(try await task.value.text == text) }
            #expect(try await joined.value.text == "other")
            for (request, text) in zip(requests, ["new", "new", "other"]) {
                let later = try await scene.service.page(request)
                #expect(later.freshness == .fresh)
                #expect(try await later.text == text)
            }
            #expect(scene.origin.requests.count == 5)
        }
    }

    @Test("After a purge, a page that was too large is asked for again, also if that turns out only then")
    func purgedTooLarge() async throws {
        var configuration = PageConfiguration()
        configuration.maxPageBytes = 10
        try await PageScene.run(configuration) { scene async throws in
            let gate = FakeGate()
            scene.origin.on("/a", .text("much too large"), .text("small"))
            scene.origin.on("/late", .text("much too large").with { $0.gate = gate }, .text("small"))
            #expect(try await scene.failure("/a") == .tooLarge)
            scene.service.purge(try scene.request("/a").url)
            #expect(try await scene.page("/a").text == "small")
            let request = try scene.request("/late")
            let early = Task { try await scene.service.page(request) }
            try await gate.waiting()
            scene.service.purge(request.url)
            gate.open()
            await #expect { try await early.value } throws: { ($0 as? PageError)?.code == .tooLarge }
            #expect(try await scene.page("/late").text == "small")
        }
    }

    @Test("A page that is gone when it is to be read is fetched again, and kept")
    func lostPage() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .generated(size: 100_000))
            _ = try await scene.page("/a")
            try scene.directory.remove("pages/\(try scene.request("/a").key.fileName)")
            let again = try await scene.page("/a")
            #expect(again.status == 200 && again.freshness == .fetched)
            #expect(again.body.length == 100_000)
            #expect(scene.origin.requests.count == 2)
            #expect(try await scene.page("/a").freshness == .fresh)
        }
    }

    @Test("A client that wants a confirmed page gets one, and the origin's caches are asked to do the same")
    func wantsRevalidation() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"))
            _ = try await scene.page("/a")
            scene.clock.advance(by: .milliseconds(1_999))
            // However many ask for it, the origin is asked only so often.
            #expect(try await scene.page("/a") { $0.wantsRevalidation = true }.freshness == .fresh)
            scene.clock.advance(by: .milliseconds(1))
            #expect(try await scene.page("/a") { $0.wantsRevalidation = true }.freshness == .revalidated)
            #expect(try await scene.page("/a") { $0.wantsRevalidation = true }.freshness == .fresh)
            #expect(scene.origin.requests.count == 2)
            #expect(scene.origin.requests[1].header("Cache-Control") == "max-age=0")
            #expect(scene.origin.requests[1].header("If-None-Match") == "\"v1\"")
            #expect(PageRequest.wantsRevalidation(cacheControl: ["Max-Age=0"]))
            #expect(PageRequest.wantsRevalidation(cacheControl: ["x, no-cache"]))
            #expect(!PageRequest.wantsRevalidation(cacheControl: ["max-age=10", "only-if-cached"]))
        }
    }

    @Test func `the bytes that an origin sends are charged to the client that made the mirror ask, and to no other`() async throws {
        var configuration = PageConfiguration()
        configuration.maxPageBytes = 1_000
        try await PageScene.run(configuration) { scene async throws in
            let charged = WatchedState<Int64>(0)
            func page(_ path: String) async throws {
                _ = try await scene.failure(path) { $0.charge = { bytes in charged.change { $0 += bytes } } }
            }
            scene.origin.on("/a", .text("one"))
            scene.origin.on("/long", .generated(size: 100_000).with { $0.framing = .chunked })
            for _ in 0..<3 { try await page("/a") }
            scene.clock.advance(by: .seconds(60))
            // It is only confirmed.
            try await page("/a")
            #expect(charged.current == 3)
            try await page("/long")
            #expect(charged.current > 1_003)
        }
    }

    @Test(
        "An origin that says that a page is fresh for a shorter time is believed, one that says longer is not",
        arguments: [
            ("max-age=10", 10), ("s-maxage=5, max-age=10", 5), ("public, max-age=3600", 60), ("no-cache", 0), ("private", 0),
            ("max-age=x", 0),
        ])
    func originsLives(_ field: String, _ seconds: Int) async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one").with { $0.headers.append(("Cache-Control", field)) })
            _ = try await scene.page("/a")
            if seconds > 0 {
                scene.clock.advance(by: .milliseconds(Int64(seconds) * 1_000 - 1))
                #expect(try await scene.page("/a").freshness == .fresh)
                scene.clock.advance(by: .milliseconds(1))
            }
            #expect(try await scene.page("/a").freshness == .revalidated)
        }
    }

    @Test("A page that must not be stored is not, and neither is one of which nobody knows whether it is whole")
    func unstorable() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one").with { $0.headers.append(("Cache-Control", "no-store")) })
            scene.origin.on("/b", .text("two").with { $0.framing = .untilClose })
            for (path, text) in [("/a", "one"), ("/b", "two"), ("/a", "one"), ("/b", "two")] {
                let answer = try await scene.page(path)
                #expect(answer.freshness == .fetched)
                #expect(try await answer.text == text)
            }
            #expect(scene.origin.requests.count == 4)
            #expect(scene.store.usage.pages == 0)
            try await eventually("nothing is left over") { try scene.directory.files(in: "pages") == ["lock"] }
        }
    }

    @Test("A clock that is set back makes no page fresh for ever")
    func clock() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("one"))
            _ = try await scene.page("/a")
            scene.clock.setTime(by: .seconds(-3_600))
            #expect(try await scene.page("/a").freshness == .revalidated)
            #expect(try await scene.page("/a").freshness == .fresh)
        }
    }

    @Test("Clients that accept the same get the same page; others get another one")
    func accept() async throws {
        try await PageScene.run { scene async throws in
            let json = "application/vnd.pypi.simple.v1+json"
            scene.origin.on("/simple/a/") { request in
                request.header("Accept")?.hasPrefix(json) == true
                    ? .body(Array("{\"files\":[{\"url\":\"/a.whl\"}]}".utf8), type: json)
                    : .body(Array("<a href='/a.whl'>".utf8), type: "text/html")
            }
            let pip = "\(json), application/vnd.pypi.simple.v1+html; q=0.1, text/html; q=0.01"
            let uv = "\(json), application/vnd.pypi.simple.v1+html;q=0.2, text/html;q=0.01"
            for _ in 0..<2 {
                for accept in [pip, uv] {
                    #expect(
                        try await scene.page("/simple/a/", kind: .rewritten(.python)) { $0.accept = accept }.text
                            == "{\"files\":[{\"url\":\"/o/index/a.whl\"}]}")
                }
                #expect(
                    try await scene.page("/simple/a/", kind: .rewritten(.python)) { $0.accept = "text/html" }.text
                        == "<a href='/o/index/a.whl'>")
                #expect(try await scene.page("/simple/a/", kind: .rewritten(.python)).text == "<a href='/o/index/a.whl'>")
            }
            #expect(scene.origin.requests.count == 2)
            #expect(scene.service.purge(try ArtifactURL(scene.origin.url("/simple/a/"))) == 2)
            #expect(scene.store.usage.pages == 0)
            #expect(try await scene.page("/simple/a/", kind: .rewritten(.python)).freshness == .fetched)
            scene.origin.on("/b", .text("one"))
            for (number, freshness) in [PageAnswer.Freshness.fetched, .fresh, .fresh].enumerated() {
                let page = try await scene.page("/b") {
                    $0.accept = "made/up\(number)"
                    $0.rule.types = []
                }
                #expect(page.freshness == freshness)
            }
        }
    }

    @Test("An entity tag changes with the page, with what its links lead to, and with what they begin with")
    func rewrittenTags() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/a", .text("<a href='b'>").with { $0.headers.append(("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")) })
            func tag(_ change: (inout PageRequest) -> Void = { _ in }) async throws -> String? {
                try await scene.page("/a", kind: .rewritten(.html), change).field("ETag")
            }
            let first = try await scene.page("/a", kind: .rewritten(.html))
            #expect(first.field("Last-Modified") == nil)
            #expect(try await first.text == "<a href='/o/index/b'>")
            let etag = try #require(first.field("ETag"))
            let other = try TestLinks().with { $0.fingerprint = "other" }
            #expect(etag != "\"v1\"" && etag.hasPrefix("\""))
            #expect(try await tag() == etag)
            #expect(try await tag { $0.prefix = "https://mirror.example/o/" } != etag)
            #expect(try await tag { $0.links = other } != etag)
            #expect(try await scene.page("/a", kind: .rewritten(.html)) { $0.ifNoneMatch = etag }.status == 304)
            scene.origin.on("/a", .text("<a href='c'>", etag: "\"v2\""))
            scene.clock.advance(by: .seconds(60))
            #expect(try await tag() != etag)
        }
    }

    @Test("Links are relative to where the origin redirected to")
    func redirected() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on("/simple/a", .redirect(to: "/simple/a/"))
            scene.origin.on("/simple/a/", .text("<a href='b'>").with { $0.headers.append(("Link", "<?page=2>; rel=\"next\"")) })
            let page = try await scene.page("/simple/a", kind: .rewritten(.html))
            #expect(try await page.text == "<a href='/o/index/simple/a/b'>")
            #expect(page.field("Link") == "</o/index/simple/a/?page=2>; rel=\"next\"")
        }
    }

    @Test("Fields that clients need are kept, also those of redirects; all others are dropped")
    func fields() async throws {
        try await PageScene.run { scene async throws in
            scene.origin.on(
                "/m/resolve/main/a.bin",
                .redirect(to: "/cdn/a").with {
                    $0.headers += [
                        ("X-Repo-Commit", "c0ffee"), ("X-Linked-ETag", "\"abc\""), ("X-Linked-Size", "7"), ("X-Xet-Hash", "1"),
                        ("Set-Cookie", "a=b"), ("ETag", "\"no\""),
                    ]
                })
            scene.origin.on(
                "/cdn/a",
                .text("content", etag: "\"cdn\"").with {
                    $0.headers += [("X-Repo-Commit", "other"), ("x-checksum-sha1", "2"), ("Server", "x"), ("X-Xet-Refresh-Route", "y")]
                })
            let head = try await scene.page("/m/resolve/main/a.bin") { $0.form = .fields }
            #expect(head.status == 200)
            #expect(head.field("X-Repo-Commit") == "c0ffee")
            #expect(head.field("X-Linked-ETag") == "\"abc\"")
            #expect(head.field("X-Linked-Size") == "7")
            #expect(head.field("X-Checksum-Sha1") == "2")
            #expect(head.field("ETag") == "\"cdn\"")
            #expect(head.field("Content-Length") == "7")
            for name in ["X-Xet-Hash", "X-Xet-Refresh-Route", "Set-Cookie", "Server"] { #expect(head.field(name) == nil) }
            #expect(scene.origin.requests.map(\.method) == ["HEAD", "HEAD"])
            // The page is another one.
            #expect(try await scene.page("/m/resolve/main/a.bin").text == "content")
            #expect(try await scene.page("/m/resolve/main/a.bin") { $0.form = .fields }.freshness == .fresh)
        }
    }
}

extension TestLinks {
    func with(_ change: (inout TestLinks) -> Void) -> TestLinks {
        var copy = self
        change(&copy)
        return copy
    }
}
