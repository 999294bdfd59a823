import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorTesting
import NamedOrigins
import TestServers
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct RelayPlacesTests {
    private static let origin = "https://a.example"

    private static func network(_ text: String) -> ClientNetwork { ClientNetwork(IPAddress(text)) }

    private static func take(_ count: Int, _ places: RelayPlaces, _ network: ClientNetwork) async throws -> [RelayPlaces.Place] {
        var taken: [RelayPlaces.Place] = []
        for _ in 0..<count { taken.append(try await places.place(at: origin, for: network)) }
        return taken
    }

    @Test func `a network that has its share waits, and others do not`() async throws {
        let places = RelayPlaces(limit: 8)
        let (first, second) = (Self.network("192.0.2.1"), Self.network("192.0.2.2"))
        var taken = try await Self.take(2, places, first)
        async let waiting = places.place(at: Self.origin, for: first)
        try await places.waiting(1, at: Self.origin, for: first)
        let others = try await Self.take(2, places, second)
        // Of another origin.
        _ = try await places.place(at: "https://b.example", for: first)
        #expect(places.waiting(at: Self.origin, for: first) == 1)
        taken.removeLast()
        _ = try await waiting
        withExtendedLifetime((taken, others)) {}
    }

    @Test func `a site has three times the share of a network, and a share may be set`() async throws {
        let networks = (1...4).map { Self.network("2001:db8:1:\($0)::1") }
        for (places, share) in [(RelayPlaces(limit: 8), 2), (RelayPlaces(limit: 99, ofNetwork: 5), 5)] {
            var taken: [RelayPlaces.Place] = []
            for network in networks.prefix(3) { taken.append(contentsOf: try await Self.take(share, places, network)) }
            async let waiting = places.place(at: Self.origin, for: networks[3])
            try await places.waiting(1, at: Self.origin, for: networks[3])
            taken.removeLast()
            _ = try await waiting
        }
    }

    @Test func `who leaves while waiting takes no place`() async throws {
        let places = RelayPlaces(limit: 2)
        let network = Self.network("2001:db8:1:1::1")
        var taken = try await Self.take(1, places, network)
        let leaving = Task { _ = try await places.place(at: Self.origin, for: network) }
        try await places.waiting(1, at: Self.origin, for: network)
        leaving.cancel()
        await #expect(throws: CancellationError.self) { try await leaving.value }
        taken.removeAll()
        for _ in 0..<3 { _ = try await Self.take(1, places, network) }
    }

    @Test func `a place that is free is taken at once; where there is none, nothing is held`() throws {
        let places = RelayPlaces(limit: 4)
        let network = Self.network("2001:db8:1:1::1")
        let taken = try #require(places.free(at: Self.origin, for: network))
        // Each network may have one.
        #expect(places.free(at: Self.origin, for: network) == nil)
        var others = (1...3).compactMap { places.free(at: Self.origin, for: Self.network("192.0.2.\($0)")) }
        #expect(others.count == 3)
        let late = Self.network("192.0.2.9")
        #expect(places.free(at: Self.origin, for: late) == nil)
        others.removeAll()
        #expect(places.free(at: Self.origin, for: late) != nil)
        withExtendedLifetime(taken) {}
    }

    @Test func `a client waits for a place as long as it bears, and gets the answer when there is one`() async throws {
        try await FakeOrigin.run { origin in
            origin.on("/search", .body(Array("{}".utf8), type: "application/json"))
            let options = try NamedRouteTests.passing(to: origin)
            let world = World()
            try await MirrorFixture.run(world, options) { mirror async throws in
                let places = mirror.server.relays.places
                var taken: [RelayPlaces.Place] = []
                for _ in 0..<ServerConfiguration.defaults.maxRelays { taken.append(try await places.place(at: origin.url(""), for: nil)) }
                async let refused = mirror.request("POST", "/o/api/search", body: "x")
                try await places.waiting(1, at: origin.url(""))
                await world.clock.sleepers(1)
                world.clock.advance(by: .seconds(3_600))
                let answer = try await refused
                #expect(answer.status == 503)
                #expect(origin.requests.isEmpty)
                taken.removeLast()
                for _ in 0..<3 { #expect(try await mirror.request("POST", "/o/api/search", body: "x").status == 200) }
                withExtendedLifetime(taken) {}
            }
        }
    }

    @Test func `while others read objects slowly, small files are left to the pool, and others to the origin`() async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        let inline = [("X-Cloud-Mirror-Delivery", "inline")]
        let options = try NamedRouteTests.options([try NamedRouteTests.rule("**") { $0.inlineLimit = 99 }]) { $0.deliveryHeader = true }
        try await MirrorFixture.run(world, options) { mirror async throws in
            let pool = try require(World.pool)
            let places = mirror.server.relays.streams(from: pool)
            var taken: [RelayPlaces.Place] = []
            for _ in 0..<48 { taken.append(try await places.place(at: pool.service, for: nil)) }
            let key = ObjectKey(try world.id("/base/a.txt").artifact)
            for (fields, location) in [([], "/local/dev/\(key)"), (inline, World.origin + "/base/a.txt")] {
                async let waiting = mirror.get("/o/files/a.txt", fields)
                try await places.waiting(1, at: pool.service)
                await world.clock.sleepers(1)
                world.clock.advance(by: .seconds(3))
                let answer = try await waiting
                #expect(answer.status == 302 && answer["Location"] == location)
            }
            taken.removeLast()
            // Not from memory, either.
            for _ in 0..<3 { #expect(try await mirror.get("/o/files/a.txt").text == "artifact") }
            withExtendedLifetime(taken) {}
        }
    }
}
