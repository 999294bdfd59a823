import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The redirect path: replicas that are marked for removal", .timeLimit(.minutes(1)))
struct RedirectMarkTests {
    /// A fixture with one present replica, marked.
    private func run(_ body: (EngineFixture, MemoryStateStore, ManualClock) async throws -> Void) async throws {
        let clock = ManualClock()
        let memory = MemoryStateStore(clock: clock)
        try await EngineFixture.run({
            $0.clock = clock
            $0.state = memory
        }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            _ = try await engine.ask("/a.txt")
            clock.advance(by: .seconds(10))
            #expect(try await engine.state.mark([try engine.id("/a.txt")], unusedSince: clock.now).count == 1)
            try await body(engine, memory, clock)
        }
    }

    @Test("A marked replica that is asked for is a hit, its mark cleared before the answer")
    func revives() async throws {
        try await run { engine, memory, clock async throws in
            #expect(try await engine.ask("/a.txt").outcome == .hit)
            #expect(engine.base.uses == [[ReplicaUse(id: try engine.id("/a.txt"), at: clock.now)]])
            #expect(try await engine.object("/a.txt").markedAt == nil)
            #expect(try await engine.object("/a.txt").lastUsed == clock.now)
            #expect(try await memory.beginRemoval(try engine.id("/a.txt"), .unused(since: clock.now), duration: .seconds(300)) == nil)
        }
    }

    @Test("A marked replica whose mark cannot be cleared is not handed out")
    func cannotRevive() async throws {
        try await run { engine, _, _ async throws in
            engine.base.before(.touch) { throw StateError(.unavailable, "scripted") }
            #expect(try await engine.ask("/a.txt").fallback == .unavailable)
        }
    }

    @Test("A marked replica that is taken away before its mark is cleared is not handed out")
    func removedMeanwhile() async throws {
        try await run { engine, memory, _ async throws in
            let id = try engine.id("/a.txt")
            engine.base.before(.touch) { _ = try await memory.beginRemoval(id) }
            #expect(try await engine.ask("/a.txt").fallback == .removing)
        }
    }

    @Test("What one request found is not to be remembered by another that began after the replica was taken away")
    func staleFlight() async throws {
        let memory = MemoryStateStore()
        try await EngineFixture.run({
            $0.state = memory
            $0.hasWorkers = false
        }) { engine async throws in
            let id = try engine.id("/a.txt")
            try await engine.put("/a.txt", Array("hello".utf8))
            let invalidations = Watched(0)
            engine.state.addObserver { _ in invalidations.change { $0 += 1 } }
            let door = Door()
            // The first request has just recorded what it found in the pool.
            engine.base.after(.recordPresent) { try await door.pass() }
            async let first = engine.ask("/a.txt")
            try await door.waiting()
            #expect(try await engine.state.remove(id))
            // By the call, and by the store's notices of the removal and of its end.
            try await invalidations.until { $0 >= 3 }
            // The second finds the replica absent and joins the first.
            let steps = StepExecutor()
            let second = Task(executorPreference: steps) { try await engine.ask("/a.txt") }
            steps.run()
            door.open()
            #expect(try await first.outcome == .backfill)
            steps.run()
            let redirect = try #require(try await second.value.redirect)
            #expect(!engine.state.isCurrent(redirect.token))
            #expect(engine.store.count(.head) == 1)
        }
    }
}
