import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorSettings
import MirrorTesting
import NamedOrigins
import TestServers
import Testing

@testable import MirrorServer

/// `/o/…`: clients that hang up while they wait for an origin.
@Suite(.timeLimit(.minutes(5)))
struct NamedDepartureTests {
    enum Way: CaseIterable {
        case close, reset, halfClose

        func end(_ connection: RawConnection) async throws {
            switch self {
            case .close: await connection.close()
            case .reset: try await connection.reset()
            case .halfClose: await connection.finishSending()
            }
        }
    }

    /// A mirror in front of an origin on loopback whose answer for `/a` is held back. Time stands still.
    private static func run(
        _ kind: OriginRule.Kind, _ credentials: UpstreamCredentials = .none,
        _ body: (MirrorFixture, FakeOrigin, FakeGate) async throws -> Void
    ) async throws {
        try await FakeOrigin.run { origin async throws in
            let (directory, gate) = (try TemporaryDirectory(), FakeGate())
            origin.on("/a", .text("content").with { $0.gate = gate })
            let rule = OriginRule(.everything, kind, methods: .any)
            let named = NamedOrigin(name: "index", url: try ArtifactURL(origin.url("/")), rules: [rule], credentials: credentials)
            let options = MirrorOptions.with {
                $0.named = [named]
                // Also because only plain HTTP is spoken there.
                $0.allow = [.prefix(named.url)]
                $0.pages = "\(directory.path)/pages"
                $0.fallback = World.pool
            }
            try await MirrorFixture.run(World(), options) { mirror async throws in try await body(mirror, origin, gate) }
        }
    }

    private static func request(_ fields: String = "") -> String { "GET /o/index/a HTTP/1.1\r\nHost: m\r\n\(fields)\r\n" }

    @Test(arguments: ["", "Authorization: Bearer own\r\n"])
    func `a client that leaves while a page is fetched is answered at once, and another one gets the page`(fields: String) async throws {
        try await Self.run(.revalidated, .client) { mirror, origin, gate async throws in
            let leaving = try await RawConnection.open(port: mirror.port, sending: Self.request(fields))
            _ = try await origin.request(for: "/a")
            async let other = mirror.get("/o/index/a")
            await leaving.finishSending()
            let answer = try await leaving.response()
            #expect(answer.status == 302 && answer["Location"] == origin.url("/a"))
            #expect(answer["X-Cloud-Mirror-Outcome"] == "fallback")
            await leaving.close()
            gate.open()
            let page = try await other
            #expect(page.status == 200 && page.text == "content")
        }
    }

    @Test func `a client that leaves while a page is confirmed gets the page that is here`() async throws {
        try await Self.run(.revalidated) { mirror, origin, gate async throws in
            origin.on("/a", .text("old"), .text("new", etag: "\"v2\"").with { $0.gate = gate })
            #expect(try await mirror.get("/o/index/a").text == "old")
            // What was confirmed just now is not confirmed again.
            mirror.world.clock.advance(by: .seconds(3))
            let leaving = try await RawConnection.open(port: mirror.port, sending: Self.request("Cache-Control: no-cache\r\n"))
            _ = try await origin.request(2, for: "/a")
            await leaving.finishSending()
            let answer = try await leaving.response()
            #expect(answer.text == "old" && answer["X-Cloud-Mirror-Freshness"] == "stale")
            await leaving.close()
            gate.open()
        }
    }

    @Test(arguments: Way.allCases)
    func `a client that leaves before the origin has answered gives its place to another one`(way: Way) async throws {
        try await Self.run(.passed, .bearer(Secret("t0ken"))) { mirror, origin, gate async throws in
            let (places, place) = (mirror.server.relays.places, origin.url(""))
            var taken: [RelayPlaces.Place] = []
            for _ in 1..<ServerConfiguration.defaults.maxRelays { taken.append(try await places.place(at: place, for: nil)) }
            let leaving = try await RawConnection.open(port: mirror.port, sending: Self.request())
            _ = try await origin.request(for: "/a")
            async let next = places.place(at: place, for: nil)
            try await places.waiting(1, at: place)
            try await way.end(leaving)
            _ = try await next
            if way == .halfClose { #expect(try await leaving.response().status == 503) }
            await leaving.close()
            withExtendedLifetime(taken) {}
            gate.open()
        }
    }

    @Test(arguments: Way.allCases)
    func `a client that leaves while it waits for a place waits no longer`(way: Way) async throws {
        try await Self.run(.passed, .bearer(Secret("t0ken"))) { mirror, origin, gate async throws in
            let (places, place) = (mirror.server.relays.places, origin.url(""))
            var taken: [RelayPlaces.Place] = []
            for _ in 0..<ServerConfiguration.defaults.maxRelays { taken.append(try await places.place(at: place, for: nil)) }
            let leaving = try await RawConnection.open(port: mirror.port, sending: Self.request())
            try await places.waiting(1, at: place)
            try await way.end(leaving)
            try await places.waiting(0, at: place)
            await leaving.close()
            #expect(origin.requests.isEmpty)
            withExtendedLifetime(taken) {}
            gate.open()
        }
    }

    /// A mirror that sends a small artifact, whose pool has 48 places for that.
    private static func runSending(_ body: (MirrorFixture, ReplicaID) async throws -> Void) async throws {
        let world = World()
        let id = try await world.seed("/base/a")
        let options = try NamedRouteTests.options([try NamedRouteTests.rule("**") { $0.inlineLimit = 99 }]) { $0.deliveryHeader = true }
        try await MirrorFixture.run(world, options) { mirror async throws in try await body(mirror, id) }
    }

    @Test(arguments: Way.allCases, [true, false])
    func `a client that leaves while it waits for a place to be sent an object waits no longer`(way: Way, isInline: Bool) async throws {
        try await Self.runSending { mirror, id async throws in
            let (places, service) = (mirror.server.relays.streams(from: id.pool), id.pool.service)
            var taken: [RelayPlaces.Place] = []
            for _ in 0..<48 { taken.append(try await places.place(at: service, for: nil)) }
            let field = isInline ? "X-Cloud-Mirror-Delivery: inline\r\n" : ""
            let leaving = try await RawConnection.open(port: mirror.port, sending: "GET /o/files/a HTTP/1.1\r\nHost: m\r\n\(field)\r\n")
            try await places.waiting(1, at: service)
            try await way.end(leaving)
            try await places.waiting(0, at: service)
            if way == .halfClose {
                let answer = try await leaving.response()
                #expect(answer.status == 302)
                #expect(answer["Location"] == (isInline ? id.artifact.description : "/local/dev/\(ObjectKey(id.artifact))"))
            }
            await leaving.close()
            taken.removeAll()
            #expect(try await mirror.get("/o/files/a").text == "artifact")
        }
    }

    @Test func `a client that has closed its side is sent an object if there is a place for it`() async throws {
        try await Self.runSending { mirror, _ async throws in
            for _ in 1...10 {
                let connection = try await RawConnection.open(port: mirror.port, sending: "GET /o/files/a HTTP/1.1\r\nHost: m\r\n\r\n")
                await connection.finishSending()
                #expect(try await connection.response().text == "artifact")
                await connection.close()
            }
        }
    }
}
