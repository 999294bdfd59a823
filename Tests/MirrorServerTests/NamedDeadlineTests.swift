import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorSettings
import MirrorState
import MirrorTesting
import NamedOrigins
import TestServers
import Testing

@testable import MirrorServer

/// `/o/…`: a request has its answer within one time, whatever it waits for one after the other.
@Suite(.timeLimit(.minutes(5)))
struct NamedDeadlineTests {
    /// A mirror in front of an origin that only it can read, whose clients bear eight seconds of silence, and follow one hop.
    private static func run(
        _ rule: OriginRule = OriginRule(.everything, .mirrored), _ body: (MirrorFixture, FakeOrigin) async throws -> Void
    ) async throws {
        try await FakeOrigin.run { origin async throws in
            origin.on("/a", .text("content"))
            let named = NamedOrigin(
                name: "index", url: try ArtifactURL(origin.url("/")), rules: [rule], credentials: .bearer(Secret("t0ken")))
            let options = MirrorOptions.with {
                $0.named = [named]
                // Also because only plain HTTP is spoken there.
                $0.allow = [.prefix(named.url)]
                $0.fallback = World.pool
                $0.maxWait = .seconds(300)
                $0.patience = Patience(hop: .seconds(8), hops: 1)
            }
            try await MirrorFixture.run(World(), options) { mirror async throws in try await body(mirror, origin) }
        }
    }

    @Test func `whoever has waited for a whole hop asks once more, and the origin then has a whole one`() async throws {
        try await Self.run { mirror, origin async throws in
            for (path, location) in [("", "~hop=1/"), ("~hop=1/", "~hop=2/")] {
                async let asked = mirror.get("/o/index/\(path)a")
                await mirror.waiting(1)
                mirror.world.clock.advance(by: .seconds(8))
                let response = try await asked
                #expect(response.status == 302 && response["Location"] == "/o/index/\(location)a")
                #expect(response["X-Cloud-Mirror-Outcome"] == "hop")
            }
            #expect(origin.requests.isEmpty)
            #expect(try await mirror.get("/o/index/~hop=2/a").text == "content")
            // The request is counted once, with all its hops.
            let fallbacks = mirror.services.registry.values(of: EngineMetrics.Name.redirects).filter { $0.labels["outcome"] == "fallback" }
            #expect(fallbacks.reduce(0) { $0 + $1.value } == 1)
        }
    }

    @Test func `where little time is left when the copy fails, the client asks once more`() async throws {
        try await Self.run { mirror, origin async throws in
            async let asked = mirror.get("/o/index/a")
            await mirror.waiting(1)
            let (clock, state) = (mirror.world.clock, mirror.world.state)
            clock.advance(by: .seconds(6))
            let pool = try require(World.pool)
            let lease = try require(try await state.lease(pools: [pool], worker: "test", duration: .seconds(60)))
            let failure = CopyFailure(reason: .transfer, message: "no", retryAt: clock.now + .seconds(3_600))
            try await state.finish(lease, .failed(failure))
            let response = try await asked
            #expect(response.status == 302 && response["Location"] == "/o/index/~hop=1/a")
            #expect(origin.requests.isEmpty)
            #expect(try await mirror.get("/o/index/~hop=1/a").text == "content")
        }
    }

    @Test func `the origin has what is left of a short wait, and no more`() async throws {
        var rule = OriginRule(.everything, .mirrored)
        rule.wait = .seconds(3)
        try await Self.run(rule) { mirror, origin async throws in
            origin.on("/a", .text("content").with { $0.gate = FakeGate() })
            async let asked = mirror.get("/o/index/a")
            await mirror.waiting(1)
            mirror.world.clock.advance(by: .seconds(3))
            _ = try await origin.request(for: "/a")
            await mirror.world.clock.sleepers(1)
            mirror.world.clock.advance(by: .seconds(5))
            let response = try await asked
            #expect(response.status == 504)
        }
    }
}
