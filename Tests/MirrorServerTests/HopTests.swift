import MirrorCore
import MirrorEngine
import MirrorTesting
import Testing

@testable import MirrorServer

/// Waiting in hops: what a client is redirected to that bears no longer silence.
@Suite(.timeLimit(.minutes(1)))
struct HopTests {
    private static let options = MirrorOptions.with {
        $0.maxWait = .seconds(300)
        $0.patience = Patience(hop: .seconds(8), hops: 5)
    }
    private static let pip = [("User-Agent", #"pip/23.2.1 {"ci":null}"#)]
    private static let target = World.target("/a.txt")

    /// Asks, and lets the hop's time pass.
    private func ask(
        _ mirror: MirrorFixture, _ target: String, _ fields: [(String, String)] = [], method: String = "GET", seconds: Int = 8
    ) async throws -> RawResponse {
        async let asked = mirror.request(method, target, fields)
        await mirror.waiting(1)
        mirror.world.clock.advance(by: .milliseconds(seconds * 1_000 - 1))
        #expect(mirror.services.waiters.count == 1)
        mirror.world.clock.advance(by: .milliseconds(1))
        return try await asked
    }

    private func sum(_ mirror: MirrorFixture, _ name: String) -> Int {
        mirror.services.registry.values(of: name).reduce(0) { $0 + Int($1.value) }
    }

    @Test func `a client follows hop by hop, all of its words are kept, and the last one leads to the origin`() async throws {
        try await MirrorFixture.run(World(), Self.options) { mirror in
            var target = Self.target
            for hop in 1...5 {
                let response = try await ask(mirror, target)
                #expect(response.status == 302)
                #expect(response["X-Cloud-Mirror-Outcome"] == "hop")
                #expect(response["X-Cloud-Mirror-Pool"] == "local/dev")
                #expect(response["Cache-Control"] == "no-store")
                #expect(!response.has("Repr-Digest"))
                #expect(response["Location"] == "\(Self.target)?hop=\(hop)")
                #expect(response.json["url"]?.string == response["Location"])
                target = try require(response["Location"])
            }
            let last = try await ask(mirror, target)
            #expect(last["Location"] == World.origin + "/a.txt")
            #expect(last["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(sum(mirror, "cloud_mirror_hops_total") == 5)
            #expect(sum(mirror, "cloud_mirror_redirects_total") == 1)
            // All of it is in one observation.
            let page = try PrometheusPage(try await mirror.get("/metrics").text)
            #expect(page.samples[#"cloud_mirror_redirect_wait_seconds_count{pool="local/dev"}"#] == 1)
            #expect(page.samples[#"cloud_mirror_redirect_wait_seconds_sum{pool="local/dev"}"#] == 48)
        }
    }

    @Test(
        arguments: [
            ("hop=1", "hop=2"), ("", "hop=2"), ("a=1&missing=1&b", "a=1&b&hop=2"), ("&hop&", "&&hop=2"),
            // Marks that combine with what stands before them, and one that what stands behind combines with.
            ("a\u{600}&hop=1", "a\u{600}&hop=2"), ("hop=\u{301}1&missing\u{600}=1", "missing\u{600}=1&hop=2"),
            ("hop=1&\u{301}hop=1", "\u{301}hop=1&hop=2"), ("missing\u{301}=1&hop=1", "missing\u{301}=1&hop=2"),
        ])
    func `the number of a hop replaces the one before, and the report of a missing copy goes, byte by byte`(query: String, expected: String)
    {
        let location = HopLocation.location(2, path: "/p", query: query, publicURL: nil)
        #expect(Array(location.utf8) == Array("/p?\(expected)".utf8))
    }

    @Test func `how long and how often is a matter of the client's family`() async throws {
        try await MirrorFixture.run(World(), Self.options) { mirror in
            let pip = try await ask(mirror, Self.target, Self.pip, seconds: 12)
            #expect(pip["Location"] == "\(Self.target)?hop=1")
            let late = try await ask(mirror, "\(Self.target)?hop=24", Self.pip, seconds: 12)
            #expect(late["Location"] == World.origin + "/a.txt")
            let curl = try await ask(mirror, "\(Self.target)?hop=11", [("User-Agent", "curl/8.5.0")], seconds: 25)
            #expect(curl["X-Cloud-Mirror-Outcome"] == "fallback")
            let lfs = try await ask(mirror, Self.target, [("User-Agent", "git-lfs/3.3.0 (GitHub; linux amd64; go 1.19)")], seconds: 25)
            #expect(lfs["X-Cloud-Mirror-Outcome"] == "fallback")
        }
    }

    @Test(arguments: [
        ("?pool=local/dev", "?pool=local/dev&hop=1"), ("?hop=3&pool=local%2Fdev", "?pool=local%2Fdev&hop=4"),
        ("?missing=1&x=%41&&y", "?x=%41&&y&hop=1"), ("?x=a%26hop=b", "?x=a%26hop=b&hop=1"), ("?", "?hop=1"),
        ("?hopper=1", "?hopper=1&hop=1"),
    ])
    func `the query stays as it was written but for what is about hops`(query: String, expected: String) async throws {
        try await MirrorFixture.run(World(), Self.options) { mirror in
            let response = try await ask(mirror, Self.target + query)
            #expect(response["Location"] == Self.target + expected)
        }
    }

    @Test(arguments: ["GET /", "GET http://mirror.example/"])
    func `the path stays as it was written, behind that of the public URL`(form: String) async throws {
        let options = MirrorOptions.with {
            $0.maxWait = .seconds(300)
            $0.patience = Patience(hop: .seconds(8), hops: 5)
            $0.publicURL = "https://mirror.example.org/cache"
        }
        let path = "v1/redirect/local/dev/HTTPS%3a%2f%2Fartifacts.example.org%2F%61.txt"
        try await MirrorFixture.run(World(), options) { mirror in
            try await RawConnection.run(port: mirror.port) { connection in
                await connection.send("\(form)\(path) HTTP/1.1\r\nHost: mirror.example\r\n\r\n")
                await mirror.waiting(1)
                mirror.world.clock.advance(by: .seconds(8))
                let response = try await connection.response()
                #expect(response["Location"] == "/cache/\(path)?hop=1")
            }
        }
    }

    @Test func `a hop has the configured status`() async throws {
        let options = MirrorOptions.with {
            $0.maxWait = .seconds(300)
            $0.patience = Patience(hop: .seconds(8), hops: 5)
            $0.redirectStatus = 307
        }
        try await MirrorFixture.run(World(), options) { mirror in
            let response = try await ask(mirror, Self.target)
            #expect(response.status == 307)
        }
    }

    @Test(arguments: ["x", "-1", "101", "", "1.5", "0x1", "%31%30%31", "99999999999999999999", "+1", "1 "])
    func `a hop that is no number from 0 to 100 is a 400`(hop: String) async throws {
        try await MirrorFixture.run(World(), Self.options) { mirror in
            let response = try await mirror.get(Self.target + "?hop=" + hop.replacing(" ", with: "%20"))
            #expect(response.status == 400)
            #expect(response.json["code"]?.string == "InputError")
        }
    }

    @Test func `who says how long it waits gets that and no hops`() async throws {
        try await MirrorFixture.run(World(), Self.options) { mirror in
            let response = try await ask(mirror, "\(Self.target)?hop=2&wait=20", Self.pip, seconds: 20)
            #expect(response["Location"] == World.origin + "/a.txt")
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            let none = try await mirror.get("\(Self.target)?wait=0", Self.pip)
            #expect(none["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(sum(mirror, "cloud_mirror_hops_total") == 0)
        }
    }

    @Test func `a hop finds the copy that was done meanwhile, and the fast path knows the plain URL alone`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.options) { mirror in
            let hop = try await ask(mirror, Self.target)
            try await world.finishCopy("/a.txt")
            for _ in 1...2 {
                let found = try await mirror.get(try require(hop["Location"]))
                #expect(found["X-Cloud-Mirror-Outcome"] == "wait")
                #expect(found["Location"]?.hasPrefix("/local/dev/") == true)
                #expect(found.has("Repr-Digest"))
            }
            #expect(mirror.hits == 0)
        }
    }

    // MARK: Together

    @Test func `those of one patience wait together and hop each in its own time, those of another by themselves`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.options) { mirror in
            func open(_ fields: [(String, String)], waiting: Int) async throws -> RawConnection {
                let connection = try await mirror.connection()
                let lines = fields.map { "\($0.0): \($0.1)\r\n" }.joined()
                await connection.send(RequestStream.request("GET", Self.target, lines))
                await mirror.waiting(waiting)
                return connection
            }
            let first = try await open(Self.pip, waiting: 1)
            let same = try await open([("Accept", "*/*"), ("user-agent", "pip/26.3   ")], waiting: 2)
            #expect(mirror.server.coalescing.count == 1)
            let unknown = try await open([], waiting: 3)
            #expect(mirror.server.coalescing.count == 2)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(4))
            let late = try await open(Self.pip, waiting: 4)
            #expect(mirror.server.coalescing.count == 2)

            world.clock.advance(by: .seconds(4))
            let unknownAnswer = try await unknown.response()
            #expect(unknownAnswer["Location"] == "\(Self.target)?hop=1")
            #expect(mirror.services.waiters.count == 3)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(4))
            for connection in [first, same] {
                let response = try await connection.response()
                #expect(response["Location"] == "\(Self.target)?hop=1")
                #expect(response["X-Cloud-Mirror-Outcome"] == "hop")
            }
            #expect(late.unread == 0)
            #expect(mirror.services.waiters.count == 1)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(4))
            let lateAnswer = try await late.response()
            #expect(lateAnswer["Location"] == "\(Self.target)?hop=1")
            #expect(sum(mirror, "cloud_mirror_hops_total") == 4)
            #expect(sum(mirror, "cloud_mirror_redirects_total") == 0)
            for connection in [first, same, unknown, late] { await connection.close() }
        }
    }

    @Test func `coalesced requests of the second hop have waited as long as their hops`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.options) { mirror in
            var connections: [RawConnection] = []
            for number in 1...3 {
                let connection = try await mirror.connection()
                await connection.send(RequestStream.request("GET", Self.target + "?hop=2"))
                await mirror.waiting(number)
                connections.append(connection)
            }
            try await world.finishCopy("/a.txt")
            for connection in connections {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                await connection.close()
            }
            let page = try PrometheusPage(try await mirror.get("/metrics").text)
            #expect(page.samples[#"cloud_mirror_redirect_wait_seconds_count{pool="local/dev"}"#] == 3)
            #expect(page.samples[#"cloud_mirror_redirect_wait_seconds_sum{pool="local/dev"}"#] == 48)
        }
    }
}
