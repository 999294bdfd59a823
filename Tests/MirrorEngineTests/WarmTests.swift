import MirrorCore
import MirrorState
import MirrorStorage
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Warming: asking for copies ahead of use", .timeLimit(.minutes(1)))
struct WarmTests {
    @Test("Warming queues a copy and does not wait; asking again says that it is present")
    func queues() async throws {
        try await EngineFixture.run { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", .text("hello").with { $0.gate = gate })
            let artifact = try engine.artifact("/a.txt")
            #expect(await engine.redirects.warm(artifact, in: engine.pool).state == .pending)
            try await gate.waiting()
            #expect(await engine.redirects.warm(artifact, in: engine.pool).state == .pending)
            gate.open()
            #expect(try await engine.ask("/a.txt").redirect != nil)
            #expect(await engine.redirects.warm(artifact, in: engine.pool).state == .present)
            #expect(engine.origin.requests.count == 1)
        }
    }

    @Test("Warming says what stands in its way")
    func refuses() async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.maxQueued = 1
        }) { engine async throws in
            let refused = await engine.redirects.warm(try ArtifactURL("http://10.0.0.1/a"), in: engine.pool)
            #expect(refused.state == .refused)
            #expect(refused.message?.isEmpty == false)
            #expect(await engine.redirects.warm(try engine.artifact("/a"), in: engine.pool).state == .pending)
            #expect(await engine.redirects.warm(try engine.artifact("/b"), in: engine.pool).state == .queueFull)
            engine.base.fail()
            #expect(await engine.redirects.warm(try engine.artifact("/b"), in: engine.pool).state == .unavailable)
        }
    }
}
