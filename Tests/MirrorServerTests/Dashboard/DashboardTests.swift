import CoreMetrics
import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorTesting
import MirrorViews
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct DashboardTests {
    @Test func `the five rows show what has happened, with units`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world, .with { $0.maxWait = .zero }) { mirror in
            #expect(try await mirror.get(World.target("/a.txt")).status == 302)
            let cookie = try await mirror.logIn()
            let page = try await mirror.get("/dashboard", [("Cookie", cookie)]).text
            for words in [
                "All is well.", ">Health<", ">Speed<", ">Savings<", ">Current work<", ">Origins and pools<", "rates since the start",
                "load the page again for newer figures",
                #"data-figure="redirects""#, #"<th scope="row">hit</th>"#, "local/dev", "healthy", #"data-figure="held">8 B<"#,
            ] { #expect(page.contains(words), "\(words)") }
            world.clock.advance(by: .seconds(2))
            let later = try await mirror.get("/dashboard", [("Cookie", cookie)]).text
            #expect(later.contains("rates over the last 2 s"))
        }
    }

    @Test func `what was saved and paid is in dollars, at list prices of a day`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        let options = MirrorOptions.with { options in
            options.isByCost = true
            options.prices = World.prices
        }
        try await MirrorFixture.run(world, options) { mirror in
            for _ in 0..<2 { #expect(try await mirror.get(World.target("/a.txt")).status == 302) }
            let page = try await mirror.get("/dashboard", [("Cookie", try await mirror.logIn())]).text
            for words in [
                #"data-figure="saved">$1.50<"#, #"data-figure="paid">$0.50<"#, #"data-figure="instead-never">$2.00<"#,
                #"data-figure="instead-ttl">$0.50<"#, #"data-figure="instead-tstar">$0.50<"#,
                "since the start, at list prices of 2026-01-01",
                "egress $0.00, storage $0.00, requests $0.50, at list prices of 2026-01-01",
            ] { #expect(page.contains(words), "\(words)") }
        }
    }

    @Test func `there are no dollars where nobody knows what the pools cost`() async throws {
        try await MirrorFixture.run { mirror in
            let page = try await mirror.get("/dashboard", [("Cookie", try await mirror.logIn())]).text
            #expect(page.contains("Storage held"))
            #expect(!page.contains("list prices"))
        }
    }

    @Test func `an origin has its answers and how long they take to begin`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let labels = [("origin", "https://artifacts.example.org/")]
            let times = mirror.services.registry.makeRecorder(label: OriginMetrics.Name.seconds, dimensions: labels, aggregate: true)
            for seconds in [0.02, 0.02, 0.4] { times.record(seconds) }
            let answers = mirror.services.registry.makeCounter(label: OriginMetrics.Name.requests, dimensions: labels + [("status", "2xx")])
            answers.increment(by: 3)
            let page = try await mirror.get("/dashboard", [("Cookie", try await mirror.logIn())]).text
            #expect(page.contains(#"<td class="n" data-label="2xx">3</td>"#))
            #expect(page.contains(#"<td class="n" data-label="95 of 100 within">500 ms</td>"#))
        }
    }

    @Test func `what is wrong is said, with the reason`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            mirror.store.breakDown()
            let page = try await mirror.get("/dashboard", [("Cookie", try await mirror.logIn())]).text
            #expect(page.contains("Something is wrong."))
            #expect(page.contains("local/dev: unavailable: broken on purpose"))
        }
    }

    @Test func `figures come every second, once for everybody, and end with the session`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let cookie = try await mirror.logIn()
            try await RawConnection.run(port: mirror.port) { connection in
                await connection.send("GET /dashboard/events HTTP/1.1\r\nHost: m\r\nCookie: \(cookie)\r\n\r\n")
                let first = try await connection.seen("event: rows\n")
                #expect(first.contains("text/event-stream"))
                #expect(first.contains("X-Accel-Buffering: no"))
                _ = try await connection.seen("data: <div id=\"rows\">")
                await world.clock.sleepers(1)
                world.clock.advance(by: DashboardFeed.interval)
                _ = try await connection.seen("event: rows\n", times: 2)
                mirror.server.reload(adminTokens: ["another"])
                await world.clock.sleepers(1)
                world.clock.advance(by: DashboardFeed.interval)
                _ = try await connection.seen("event: end\n")
                #expect(try await connection.seen("\r\n0\r\n\r\n").hasSuffix("0\r\n\r\n"))
            }
        }
    }

    @Test func `a shutdown ends the streams`() async throws {
        try await MirrorFixture.run { mirror in
            let cookie = try await mirror.logIn()
            try await RawConnection.run(port: mirror.port) { connection in
                await connection.send("GET /dashboard/events HTTP/1.1\r\nHost: m\r\nCookie: \(cookie)\r\n\r\n")
                _ = try await connection.seen("event: rows\n")
                await mirror.shutDown()
                let rest = try await connection.rest()
                #expect(String(decoding: rest.bytes, as: UTF8.self).hasSuffix("0\r\n\r\n"))
            }
            try await mirror.ended()
            #expect(mirror.server.dashboardFeed.open(for: "session") == nil)
        }
    }

    @Test func `only so many may look at a time, and a place is free when somebody leaves`() async throws {
        try await MirrorFixture.run { mirror in
            let feed = mirror.server.dashboardFeed
            var viewers = (0..<DashboardFeed.maxViewers).compactMap { feed.open(for: "\($0)") }
            #expect(viewers.count == DashboardFeed.maxViewers)
            let cookie = try await mirror.logIn()
            #expect(try await mirror.get("/dashboard/events", [("Cookie", cookie)]).status == 503)
            viewers.removeAll()
            #expect(feed.viewerCount == 0)
        }
    }

    @Test func `whoever has looked longest makes room for others, but not at once`() async throws {
        try await MirrorFixture.run { mirror in
            let feed = mirror.server.dashboardFeed
            var viewers = (0..<DashboardFeed.maxViewers).compactMap { feed.open(for: "\($0)") }
            mirror.world.clock.advance(by: DashboardFeed.stay - .seconds(1))
            #expect(feed.open(for: "new") == nil)
            mirror.world.clock.advance(by: .seconds(1))
            viewers.append(try require(feed.open(for: "new")))
            #expect(feed.viewerCount == DashboardFeed.maxViewers)
            // Its stream ends.
            for await _ in viewers[0].frames {}
            viewers.removeAll()
            #expect(feed.viewerCount == 0)
        }
    }

    @Test func `one session cannot take all places`() async throws {
        try await MirrorFixture.run { mirror in
            let feed = mirror.server.dashboardFeed
            let viewers = (0..<DashboardFeed.maxViewers).compactMap { _ in feed.open(for: "one") }
            #expect(viewers.count == DashboardFeed.maxOfSession)
            #expect(feed.open(for: "another") != nil)
            withExtendedLifetime(viewers) {}
        }
    }

    @Test(arguments: ["close", "reset", "half-close"])
    func `whoever leaves gives its place up at once, and not with the next figures`(way: String) async throws {
        try await MirrorFixture.run { mirror in
            let cookie = try await mirror.logIn()
            let connection = try await mirror.connection()
            await connection.send("GET /dashboard/events HTTP/1.1\r\nHost: m\r\nCookie: \(cookie)\r\n\r\n")
            _ = try await connection.seen("event: rows\n")
            #expect(mirror.server.dashboardFeed.viewerCount == 1)
            switch way {
            case "close": await connection.close()
            case "reset": try await connection.reset()
            default: await connection.finishSending()
            }
            while mirror.server.dashboardFeed.viewerCount > 0, !Task.isCancelled { await Task.yield() }
            await connection.close()
        }
    }

    @Test func `assets are found by their names, which change with their bytes`() async throws {
        try await MirrorFixture.run { mirror in
            let page = try await mirror.get("/", [("Accept", "text/html")]).text
            #expect(Asset.all.count == 3)
            for asset in Asset.all.values {
                #expect(page.contains("assets/\(asset.name)"))
                let response = try await mirror.get("/assets/\(asset.name)")
                #expect(response.status == 200)
                #expect(response.body == asset.bytes)
                #expect(response["Cache-Control"] == "public, max-age=31536000, immutable")
                #expect(response["Content-Type"] == asset.contentType)
            }
            #expect(try await mirror.get("/assets/style.css").status == 404)
        }
    }
}
