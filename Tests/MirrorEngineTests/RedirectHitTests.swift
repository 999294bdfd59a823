import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The redirect path: answers with the replica", .timeLimit(.minutes(1)))
struct RedirectHitTests {
    @Test("The first request waits for the copy and is redirected to it, the second is a hit")
    func waitsThenHits() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            let first = try await engine.ask("/a.txt")
            #expect(first.outcome == .wait)
            let key = try engine.key("/a.txt")
            #expect(first.redirect?.location.url == "/local/memory/\(key.percentEncoded)")
            let second = try await engine.ask("/a.txt")
            #expect(second.outcome == .hit)
            #expect(second.redirect?.location == first.redirect?.location)
            #expect(
                second.redirect?.object.sha256 == Digest(.sha256, hex: "2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824"))
            #expect(engine.origin.requests.count == 1)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "hit") == 1)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "wait") == 1)
            #expect(engine.counters.total(EngineMetrics.Name.egressAvoided) == 5)
        }
    }

    @Test("A copy by another process that was stored before the wait began is the answer as soon as there is news of it")
    func storedBeforeWait() async throws {
        try await EngineFixture.runInMemory { engine, memory, clock async throws in
            engine.base.after(.claim) {
                try await engine.put("/a.txt", [1, 2, 3])
                clock.advance(by: .milliseconds(5))
            }
            let looks = Watched(0)
            engine.base.after(.replica) { looks.change { $0 += 1 } }
            async let answer = engine.ask("/a.txt")
            await engine.waiting(1)
            let lease = try #require(try await memory.lease(pools: [engine.pool.id], worker: "other", duration: .seconds(60)))
            try await memory.finish(lease, .present(try await engine.pooled("/a.txt")))
            #expect(try await answer.outcome == .wait)
            #expect(try await answer.size == 3)
            #expect(looks.current == 1)
        }
    }

    @Test("A signed location is for others only while it works for as long as a redirect must")
    func signedLocation() async throws {
        try await EngineFixture.run({
            $0.features = MemoryStore().capabilities.features.union(.presignedLocations)
        }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            for outcome in [Outcome.wait, .hit] {
                let answer = try await engine.ask("/a.txt")
                #expect(answer.outcome == outcome)
                let redirect = try #require(answer.redirect)
                let expires = try #require(redirect.location.expires)
                #expect(redirect.notAfter == expires - RedirectConfiguration.locationLife)
            }
        }
    }

    @Test("Two hundred simultaneous requests cost one look into the pool and one origin GET, and all get the replica")
    func coalesces() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            let door = Door()
            engine.store.before(.head) { try await door.pass() }
            let outcomes = try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for _ in 0..<200 { group.addTask { try await engine.ask("/a.bin") } }
                // Each has looked at the state.
                try await engine.base.calls(.replica, 200)
                door.open()
                return try await group.reduce(into: [Outcome: Int]()) { counts, answer in
                    #expect(answer.size == 1_000)
                    counts[answer.outcome, default: 0] += 1
                }
            }
            #expect(outcomes == [.wait: 200])
            #expect(engine.origin.requests.count == 1)
            #expect(engine.store.count(.head) == 1)
            #expect(engine.base.count(.claim) == 1)
        }
    }

    @Test(
        "A request looks at the state once before its claim, and again only if another lookup of the same artifact has ended meanwhile",
        arguments: [false, true])
    func looksAgain(isSame: Bool) async throws {
        // No time passes while the door is closed.
        try await EngineFixture.run({
            $0.clock = ManualClock()
            $0.hasWorkers = false
        }) { engine async throws in
            #expect(try await engine.ask("/a.txt", wait: .zero).fallback == .timedOut)
            #expect(engine.base.count(.replica) == 1)
            let door = Door()
            engine.base.before(.replica) { try await door.pass() }
            async let late = engine.ask("/b.txt", wait: .zero)
            try await door.waiting()
            engine.base.heal()
            // Not one that is counted together with it.
            let place = ReplicaCounts.place(of: try engine.id("/b.txt"))
            let others = try (0..<100).map { "/c-\($0).txt" }.filter { try ReplicaCounts.place(of: engine.id($0)) != place }
            let other = try #require(others.first)
            #expect(try await engine.ask(isSame ? "/b.txt" : other, wait: .zero).fallback == .timedOut)
            #expect(engine.base.count(.replica) == 3)
            door.open()
            #expect(try await late.fallback == .timedOut)
            #expect(engine.base.count(.replica) == (isSame ? 4 : 3))
        }
    }

    @Test("That a replica was absent is believed of that replica, once, and until another request has come as far with it")
    func knownAbsence() async throws {
        try await EngineFixture.run({
            $0.clock = ManualClock()
            $0.hasWorkers = false
        }) { engine async throws in
            let client = ClientPresence()
            func note(_ path: String) throws {
                let id = try engine.id(path)
                client.note(.absent(id, landed: engine.redirects.landed(id)))
            }
            /// - Returns: How often the request has read the state.
            func reads(_ path: String, _ answer: Fallback? = .timedOut) async throws -> Int {
                let before = engine.base.count(.replica)
                let answered = await engine.redirects.answer(
                    try engine.artifact(path), in: engine.pool, wait: Wait(limit: .zero), client: client)
                #expect(answered.fallback == answer)
                return engine.base.count(.replica) - before
            }
            try note("/a.txt")
            #expect(try await reads("/a.txt") == 0)
            #expect(try await engine.state.replica(engine.id("/a.txt"))?.state == .pending)
            #expect(try await reads("/a.txt") == 1)
            try note("/b.txt")
            #expect(try await engine.ask("/b.txt", wait: .zero).fallback == .timedOut)
            #expect(try await reads("/b.txt") == 1)
            try note("/c.txt")
            #expect(try await reads("/d.txt") == 1)
            // Found in the pool by something else than a request.
            try note("/e.txt")
            try await engine.put("/e.txt", [1])
            _ = try await engine.state.recordPresent(engine.id("/e.txt"), engine.pooled("/e.txt"))
            let looks = engine.store.count(.head)
            #expect(try await reads("/e.txt", nil) == 0)
            #expect(engine.store.count(.head) == looks)
        }
    }

    @Test("Each request for what is pending claims it again, in case a shared state has lost its job")
    func claimsAgain() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            for count in 1...3 {
                #expect(try await engine.ask("/a.txt", wait: .zero).fallback == .timedOut)
                #expect(engine.base.count(.claim) == count)
            }
        }
    }

    @Test("After the state was lost an object is found in the pool by one HEAD, without asking the origin")
    func backfills() async throws {
        let store = MemoryStore()
        try await EngineFixture.run({ $0.store = store }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            _ = try await engine.ask("/a.txt")
            // Another process with the same pool and no state.
            let fresh = HotIndex(MemoryStateStore())
            let redirects = RedirectService(
                pools: engine.pools, state: fresh, origins: engine.origins, waiters: engine.waiters, uses: engine.uses,
                publications: engine.publications, presence: engine.presence, health: engine.health, configuration: engine.setup.redirect,
                coldClaims: engine.redirects.coldClaims, metrics: engine.metrics, clock: engine.setup.clock, logger: EngineFixture.logger)
            let heads = engine.store.count(.head)
            let answer = await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil)
            #expect(answer.outcome == .backfill)
            #expect(answer.size == 5)
            let copied = try await engine.object("/a.txt")
            #expect(answer.redirect?.object.sha256 == copied.sha256)
            let again = await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil)
            #expect(again.outcome == .hit)
            #expect(engine.store.count(.head) == heads + 1)
            #expect(engine.origin.requests.count == 1)
        }
    }

    @Test("A request that does not wait goes to the origin, the copy goes on, and a later request is a hit")
    func fallsBackWhileTheCopyGoesOn() async throws {
        try await EngineFixture.run { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", .text("hello").with { $0.gate = gate })
            #expect(try await engine.ask("/a.txt", wait: .zero).fallback == .timedOut)
            try await gate.waiting()
            #expect(try await engine.ask("/a.txt", wait: .milliseconds(1)).fallback == .timedOut)
            gate.open()
            #expect(try await engine.ask("/a.txt").size == 5)
            #expect(try await engine.ask("/a.txt", wait: .zero).outcome == .hit)
            #expect(engine.origin.requests.count == 1)
        }
    }
}
