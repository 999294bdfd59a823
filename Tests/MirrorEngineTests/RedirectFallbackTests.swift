import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The redirect path: falls back to the origin", .timeLimit(.minutes(1)))
struct RedirectFallbackTests {
    @Test("A request that no pool serves goes to the origin, and nothing is asked of anybody")
    func noPool() async throws {
        try await EngineFixture.run { engine async throws in
            let answer = await engine.redirects.answer(try engine.artifact("/a.txt"), in: nil, wait: nil)
            #expect(answer.fallback == .noPool)
            #expect(engine.origin.requests.isEmpty)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "none") == 1)
        }
    }

    @Test("A request goes to the origin once its wait is over, and not before")
    func waitIsOver() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
        }) { engine async throws in
            async let answer = engine.ask("/a.txt", wait: .seconds(5))
            await engine.waiting(1)
            clock.advance(by: .milliseconds(4_999))
            #expect(engine.waiters.count == 1)
            clock.advance(by: .milliseconds(1))
            #expect(try await answer.fallback == .timedOut)
            #expect(engine.waiters.count == 0)
        }
    }

    @Test("A request waits no longer than the limit, whatever it asks for")
    func waitIsLimited() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
            $0.redirect.waitLimit = .seconds(300)
        }) { engine async throws in
            async let answer = engine.ask("/a.txt", wait: .seconds(1_000_000))
            await engine.waiting(1)
            clock.advance(by: .seconds(300))
            #expect(try await answer.fallback == .timedOut)
        }
    }

    @Test("With as many jobs queued as may be, a new artifact goes to the origin at once and what is queued is still waited for")
    func queueIsFull() async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.maxQueued = 1
        }) { engine async throws in
            #expect(try await engine.ask("/a.txt", wait: .zero).fallback == .timedOut)
            #expect(try await engine.ask("/b.txt").fallback == .overloaded)
            #expect(try await engine.status("/b.txt") == nil)
            #expect(try await engine.ask("/a.txt", wait: .zero).fallback == .timedOut)
        }
    }

    @Test("With as many requests waiting as may be, the next goes to the origin at once, and the copy goes on")
    func tooManyWait() async throws {
        try await EngineFixture.run({ $0.redirect.maxWaiting = 1 }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", .text("hello").with { $0.gate = gate })
            async let first = engine.ask("/a.txt")
            await engine.waiting(1)
            #expect(try await engine.ask("/a.txt").fallback == .overloaded)
            gate.open()
            #expect(try await first.outcome == .wait)
            #expect(try await engine.ask("/a.txt").outcome == .hit)
        }
    }

    @Test("A request that waits for the copy that it has claimed does not look at the state again")
    func looksOnce() async throws {
        try await EngineFixture.run { engine async throws in
            let (gate, looks) = (FakeGate(), Watched(0))
            engine.origin.on("/a.txt", .text("hello").with { $0.gate = gate })
            engine.base.before(.replica) {
                let count = looks.change { looks in
                    looks += 1
                    return looks
                }
                if count > 1 { throw StateError(.unavailable, "scripted") }
            }
            async let answer = engine.ask("/a.txt")
            await engine.waiting(1)
            gate.open()
            #expect(try await answer.outcome == .wait)
        }
    }

    @Test("A client network whose share of the waits is used up goes to the origin at once, and the next one waits")
    func shareIsUsedUp() async throws {
        // A share of one.
        try await EngineFixture.run({ $0.redirect.maxWaiting = 4 }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", .text("hello").with { $0.gate = gate })
            let (one, two) = (ClientNetwork(IPAddress("192.0.2.1")), ClientNetwork(IPAddress("192.0.2.2")))
            func ask(_ network: ClientNetwork) async throws -> RedirectAnswer {
                await engine.redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil, from: network)
            }
            async let first = ask(one)
            await engine.waiting(1)
            #expect(try await ask(one).fallback == .share)
            #expect(engine.counters.total(EngineMetrics.Name.fallbacks, "share") == 1)
            async let second = ask(two)
            await engine.waiting(2)
            gate.open()
            #expect(try await first.outcome == .wait)
            #expect(try await second.outcome == .wait)
        }
    }

    @Test(
        "With the state store away requests go to the origin, and are served again when it is back",
        arguments: [
            ScriptedStateStore.Call.replica, .claim,
        ])
    func stateIsAway(call: ScriptedStateStore.Call) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            engine.base.before(call) { throw StateError(.unavailable, "scripted") }
            #expect(try await engine.ask("/a.txt").fallback == .unavailable)
            #expect(engine.origin.requests.isEmpty)
            #expect(engine.counters.total(EngineMetrics.Name.errors, "state.unavailable") == 1)
            engine.base.heal()
            #expect(try await engine.ask("/a.txt").outcome == .wait)
        }
    }

    @Test("With the state store away what is in memory is still answered")
    func stateIsAwayForHits() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            _ = try await engine.ask("/a.txt")
            engine.base.fail()
            #expect(try await engine.ask("/a.txt").outcome == .hit)
        }
    }

    @Test("With the pool away requests go to the origin, and nothing is queued for it")
    func poolIsAway() async throws {
        try await EngineFixture.run { engine async throws in
            engine.store.fail(.head, .unavailable)
            #expect(try await engine.ask("/a.txt").fallback == .unavailable)
            #expect(engine.base.count(.claim) == 0)
            #expect(engine.counters.total(EngineMetrics.Name.errors, "storage.unavailable") == 1)
            engine.store.heal()
            engine.origin.on("/a.txt", .text("hello"))
            #expect(try await engine.ask("/a.txt").outcome == .wait)
        }
    }

    @Test("A hit whose location cannot be made goes to the origin")
    func locationFails() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            _ = try await engine.ask("/a.txt")
            engine.store.fail(.location, .permissionDenied)
            #expect(try await engine.ask("/a.txt").fallback == .unavailable)
        }
    }

    @Test("A purge sends who waits to the origin, and the copy under way leaves nothing")
    func purgeWhileWaiting() async throws {
        try await EngineFixture.run { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", .text("old").with { $0.gate = gate }, .text("newer"))
            async let answer = engine.ask("/a.txt")
            try await gate.waiting()
            await engine.waiting(1)
            _ = try await engine.remover.purge(try engine.id("/a.txt"))
            #expect(try await answer.fallback == .removing)
            gate.open()
            try await engine.store.ended(.abort, 1)
            #expect(try await !engine.isInPool("/a.txt"))
            #expect(try await engine.status("/a.txt") == nil)
            #expect(try await engine.ask("/a.txt").size == 5)
        }
    }

    @Test("Late news of an earlier copy and of its purge ends no wait for the next copy")
    func lateNews() async throws {
        try await EngineFixture.run { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", .text("old"), .text("newer").with { $0.gate = gate })
            let id = try engine.id("/a.txt")
            _ = try await engine.ask("/a.txt")
            let old = try #require(try await engine.state.replica(id))
            _ = try await engine.remover.purge(id)
            async let answer = engine.ask("/a.txt")
            try await gate.waiting()
            let failure = CopyFailure(reason: .transfer, message: "", retryAt: SystemClock().now)
            for late in [old, Replica(id: id, status: .error(failure)), Replica(id: id, status: .removing), nil] {
                try await eventually("the request waits") { engine.waiters.count == 1 }
                let looks = engine.base.count(.replica)
                await engine.waiters.run(
                    AsyncStream { stream in
                        stream.yield(.replica(id, late))
                        stream.finish()
                    })
                try await engine.base.calls(.replica, looks + 1)
            }
            gate.open()
            #expect(try await answer.outcome == .wait)
            #expect(try await answer.size == 5)
        }
    }

    @Test("While a replica is removed requests go to the origin; afterwards it is copied again")
    func underRemoval() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            _ = try await engine.ask("/a.txt")
            let door = Door()
            engine.store.before(.delete) { try await door.pass() }
            let id = try engine.id("/a.txt")
            async let purge = engine.remover.purge(id)
            try await door.waiting()
            #expect(try await engine.ask("/a.txt").fallback == .removing)
            #expect(engine.origin.requests.count == 1)
            door.open()
            _ = try await purge
            #expect(try await engine.ask("/a.txt").outcome == .wait)
            #expect(engine.origin.requests.count == 2)
        }
    }

    @Test("Closing answers all who wait with the origin, and who comes later at once")
    func closing() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for number in 0..<20 { group.addTask { try await engine.ask("/\(number)") } }
                await engine.waiting(20)
                engine.redirects.close()
                for try await answer in group { #expect(answer.fallback == .shuttingDown) }
            }
            #expect(try await engine.ask("/later").fallback == .shuttingDown)
            #expect(engine.waiters.count == 0)
        }
    }
}
