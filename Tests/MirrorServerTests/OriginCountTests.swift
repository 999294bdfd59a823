import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorTesting
import NamedOrigins
import TestServers
import Testing

@testable import MirrorServer

/// Requests below `/o/` that reach an origin, as its metrics count them.
@Suite(.timeLimit(.minutes(5)))
struct OriginCountTests {
    /// How many answers there were, by origin and status.
    private static func counts(_ mirror: MirrorFixture) -> [String: Int] {
        mirror.services.registry.values(of: OriginMetrics.Name.requests).reduce(into: [:]) { counts, sample in
            counts["\(sample.labels["origin"] ?? "") \(sample.labels["status"] ?? "")", default: 0] += Int(sample.value)
        }
    }

    @Test func `an answer that is passed on is one of its origin`() async throws {
        try await FakeOrigin.run { origin in
            origin.on("/ok", .text("yes"))
            origin.on("/busy", .status(503))
            try await MirrorFixture.run(World(), try NamedRouteTests.passing(to: origin)) { mirror async throws in
                #expect(try await mirror.request("POST", "/o/api/ok", body: "x").status == 200)
                #expect(try await mirror.request("POST", "/o/api/busy", body: "x").status == 503)
                #expect(Self.counts(mirror) == ["api 2xx": 1, "api 5xx": 1])
            }
        }
    }

    @Test func `an origin that is silent until the client's time is over has not answered`() async throws {
        try await FakeOrigin.run { origin in
            let gate = FakeGate()
            origin.on("/slow", FakeBehavior.text("late").with { $0.gate = gate })
            let world = World()
            try await MirrorFixture.run(world, try NamedRouteTests.passing(to: origin)) { mirror async throws in
                let answer = Task { try await mirror.request("POST", "/o/api/slow", body: "x").status }
                try await gate.waiting()
                await world.clock.sleepers(1)
                world.clock.advance(by: .seconds(3_600))
                #expect(try await answer.value == 504)
                // The client does not wait until the request to the origin has ended.
                while Self.counts(mirror).isEmpty, !Task.isCancelled { await Task.yield() }
                #expect(Self.counts(mirror) == ["api none": 1])
                gate.open()
            }
        }
    }

    @Test func `a page is a request when it is fetched, and none when it is here`() async throws {
        try await FakeOrigin.run { origin in
            origin.on("/a", .text("page"))
            origin.on("/gone", .status(404))
            let directory = try TemporaryDirectory()
            let index = NamedOrigin(name: "index", url: try ArtifactURL(origin.url("/")), rules: [OriginRule(.everything, .revalidated)])
            let options = MirrorOptions.with {
                $0.named = [index]
                $0.allow = [.prefix(index.url)]
                $0.pages = "\(directory.path)/pages"
            }
            try await MirrorFixture.run(World(), options) { mirror async throws in
                for _ in 0..<2 { #expect(try await mirror.get("/o/index/a").text == "page") }
                #expect(try await mirror.get("/o/index/gone").status == 404)
                #expect(Self.counts(mirror) == ["index 2xx": 1, "index 4xx": 1])
            }
        }
    }

    @Test func `an origin that clients request by its host is counted by the rule that allows it`() async throws {
        try await FakeOrigin.run { origin in
            origin.on("/a", .text("content"))
            let url = try ArtifactURL(origin.url("/"))
            let options = MirrorOptions.with {
                $0.allow = [.prefix(url)]
                $0.fallback = World.pool
                $0.deliveryHeader = true
            }
            try await MirrorFixture.run(World(), options) { mirror async throws in
                // There is no copy, and the client wants the bytes from the mirror.
                let response = try await mirror.get("/o/\(url.authority)/a", [("X-Cloud-Mirror-Delivery", "inline")])
                #expect(response.text == "content")
                #expect(Self.counts(mirror) == ["\(url) 2xx": 1])
            }
        }
    }
}
