import MirrorCore
import TestServers
import Testing

extension EndToEndNodes {
    @Suite(.enabled(if: Fleet.isExpected, "no Redis or no S3 server"), .timeLimit(.minutes(1)))
    struct NodeSignedURLTests {
        @Test(
            "A signature that one machine was given reaches the copier, is replaced by a newer one of another machine, and is gone after the copy"
        )
        func travels() async throws {
            let redis = try await RedisServer.start()
            var settings = FleetSettings()
            settings.frontEnds = 2
            try await Fleet.run(settings, redis: redis.url) { fleet async throws in
                let gate = FakeGate()
                let pool = settings.pools[0]
                fleet.origin.on("/a.bin") { request in
                    if request.uri.contains("Signature=s2") { return .text("hello") }
                    return FakeBehavior.status(403).with { if request.uri.contains("Signature=s1") { $0.gate = gate } }
                }
                let urls = (1...2).map { fleet.origin.url("/a.bin?X-Amz-Date=\($0)&X-Amz-Signature=s\($0)") }
                async let first = fleet.frontEnds[0].redirect(urls[0], in: pool)
                try await gate.waiting()
                async let second = fleet.frontEnds[1].redirect(urls[1], in: pool)
                try await eventually("the second signature is kept") {
                    try await redis.ask("GET", try await redis.ask("KEYS", "*:query:*")).contains("s2")
                }
                gate.open()
                let answers = [try await first, try await second]
                #expect(answers.map(\.outcome) == ["wait", "wait"])
                #expect(fleet.origin.requests.count { $0.uri.contains("Signature=s2") } == 1)
                #expect(try await !redis.ask("KEYS", "*").contains("Signature"))
                #expect(try await !redis.ask("KEYS", "*").contains(":query:"))
                #expect(fleet.logs.allSatisfy { !$0.contains("Signature=s") })
            }
        }
    }
}
