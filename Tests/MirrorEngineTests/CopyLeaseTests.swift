import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import Synchronization
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: leases and fencing", .timeLimit(.minutes(1)))
struct CopyLeaseTests {
    /// Two processes with one state and one pool: the engine's own, and one whose calls can be held up.
    private func run(
        _ body: (_ engine: EngineFixture, _ slow: ScriptedStateStore, _ clock: ManualClock) async throws -> Void
    ) async throws {
        try await EngineFixture.runInMemory { engine, memory, clock in try await body(engine, ScriptedStateStore(memory), clock) }
    }

    @Test("A worker that lost its lease while it read notices before it publishes, and leaves the other's copy alone")
    func losesLeaseWhileReading() async throws {
        try await run { engine, slow, clock async throws in
            let gate = FakeGate()
            let door = Door()
            engine.origin.on("/a.bin") {
                .generated(size: 1_000, seed: UInt64($0.number)).with { $0.gate = $0.etag == "\"1000-1\"" ? gate : nil }
            }
            slow.before(.extend) { try await door.pass() }
            try await engine.running(engine.makeWorkers("slow", state: slow) { $0.concurrency = 1 }) { () async throws in
                _ = try await engine.ask("/a.bin", wait: .zero)
                try await gate.waiting()
                await clock.sleepers(1)
                // Its heartbeat comes too late.
                clock.advance(by: .seconds(16))
                try await door.waiting()
                try await engine.running(engine.makeWorkers("other")) { () async throws in
                    #expect(try await engine.ask("/a.bin").outcome == .wait)
                }
                let published = try await engine.object("/a.bin")
                gate.open()
                door.open()
                try await engine.store.ended(.abort, 1)
                #expect(engine.store.count(.complete) == 1)
                #expect(try await engine.object("/a.bin") == published)
                #expect(try await engine.read("/a.bin").bytes == FakeBody.generated(size: 1_000, seed: 2).bytes(0..<1_000))
                #expect(slow.results.isEmpty)
            }
        }
    }

    @Test("An object published after its replica was purged does not stay in the pool")
    func purgedWhilePublishing() async throws {
        // No heartbeat comes in between and breaks the copy off, however slow the machine is.
        try await EngineFixture.run({ $0.copy.lease = .seconds(600) }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            let door = Door()
            engine.store.before(.complete) { try await door.pass() }
            async let answer = engine.ask("/a.bin")
            try await door.waiting()
            let id = try engine.id("/a.bin")
            // It takes the replica out of service, and waits for the publication to be over.
            async let purge = engine.remover.purge(id)
            #expect(try await answer.fallback == .removing)
            door.open()
            _ = try await purge
            // The purge's, and the worker's.
            try await engine.store.ended(.delete, 2)
            #expect(try await !engine.isInPool("/a.bin"))
            #expect(try await engine.status("/a.bin") == nil)
            #expect(engine.counters.total(EngineMetrics.Name.copies) == 0)
        }
    }

    @Test("An object published too late is left alone where another process copies or has copied the same")
    func publishedTooLate() async throws {
        for isOver in [false, true] {
            try await run { engine, slow, clock async throws in
                engine.origin.on("/a.bin", .generated(size: 1_000))
                let others = Watched<CopyLease?>(nil)
                slow.before(.finish) {
                    clock.advance(by: .seconds(16))
                    let lease = try await engine.base.lease(pools: engine.pools.ids, worker: "other", duration: .seconds(15))
                    others.change { $0 = lease }
                    if isOver, let lease { try await engine.base.finish(lease, .present(try await engine.pooled("/a.bin"))) }
                }
                _ = try await engine.ask("/a.bin", wait: .zero)
                try await engine.running(engine.makeWorkers("slow", state: slow, publications: PublicationLock())) { () async throws in
                    _ = try await slow.results(1)
                }
                #expect(try await engine.isInPool("/a.bin"))
                #expect(engine.store.count(.delete) == 0)
                let lease = try #require(others.current)
                if !isOver { try await engine.base.finish(lease, .present(try await engine.pooled("/a.bin"))) }
                #expect(try await engine.ask("/a.bin").outcome == .hit)
            }
        }
    }

    @Test("An object published after its replica was purged by another process is removed, and nobody begins a copy meanwhile")
    func publishedAfterPurge() async throws {
        try await run { engine, slow, _ async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            let id = try engine.id("/a.bin")
            slow.before(.finish) {
                let isRemoved = try await engine.base.remove(id)
                #expect(isRemoved)
            }
            let meanwhile = Watched<Claim?>(nil)
            engine.store.before(.delete) {
                let claim = try await engine.base.claim(id)
                meanwhile.change { $0 = claim }
            }
            _ = try await engine.ask("/a.bin", wait: .zero)
            try await engine.running(engine.makeWorkers("slow", state: slow, publications: PublicationLock())) { () async throws in
                _ = try await slow.results(1)
            }
            guard case .exists(let replica) = meanwhile.current else {
                Issue.record("\(String(describing: meanwhile.current))")
                return
            }
            #expect(replica.status == .removing)
            #expect(try await !engine.isInPool("/a.bin"))
            #expect(try await engine.status("/a.bin") == nil)
        }
    }

    @Test("Heartbeats keep the lease of a copy that takes many times as long")
    func heartbeats() async throws {
        try await run { engine, _, clock async throws in
            let gate = FakeGate()
            engine.origin.on("/a.bin", .generated(size: 1_000).with { $0.gate = gate })
            try await engine.running(engine.makeWorkers()) { () async throws in
                async let answer = engine.ask("/a.bin")
                try await gate.waiting()
                for beat in 1...12 {
                    // The request, the heart, and the worker that waits for something to do.
                    await clock.sleepers(3)
                    clock.advance(by: .seconds(5))
                    try await engine.base.calls(.extend, beat)
                }
                #expect(try await engine.base.lease(pools: engine.pools.ids, worker: "other", duration: .seconds(15)) == nil)
                gate.open()
                #expect(try await answer.outcome == .wait)
                #expect(engine.origin.requests.count == 1)
            }
        }
    }

    @Test("A heartbeat that finds the state store away does not end the copy")
    func heartbeatFails() async throws {
        try await run { engine, _, clock async throws in
            let gate = FakeGate()
            engine.origin.on("/a.bin", .generated(size: 1_000).with { $0.gate = gate })
            try await engine.running(engine.makeWorkers()) { () async throws in
                async let answer = engine.ask("/a.bin")
                try await gate.waiting()
                engine.base.before(.extend) { throw StateError(.unavailable, "scripted") }
                await clock.sleepers(3)
                clock.advance(by: .seconds(5))
                try await engine.base.calls(.extend, 1)
                engine.base.heal()
                gate.open()
                #expect(try await answer.outcome == .wait)
                #expect(engine.origin.requests.count == 1)
            }
        }
    }

    @Test("Heartbeats that fail are told once for each copy, and again when they have worked in between")
    func heartbeatsFail() async throws {
        try await run { engine, _, clock async throws in
            let gate = FakeGate()
            engine.origin.on("/a.bin", .generated(size: 1_000).with { $0.gate = gate })
            let log = LogRecorder()
            // Nobody is free to lease the job anew when its lease runs out.
            var configuration = engine.setup.copy
            configuration.concurrency = 1
            let workers = CopyWorkers(
                name: "told", pools: engine.pools, state: engine.state, origins: engine.origins, space: engine.space,
                publications: engine.publications, configuration: configuration, negativeLife: engine.setup.negativeLife,
                shutdownGrace: .seconds(25), metrics: engine.metrics, clock: clock, logger: log.logger)
            try await engine.running(workers) { () async throws in
                async let answer = engine.ask("/a.bin")
                try await gate.waiting()
                for beat in 1...8 {
                    // The request waits; the heart sleeps, and has told of the beat before.
                    await clock.sleepers(2)
                    // Three that fail, one that works, four that fail.
                    if beat == 4 { engine.base.heal() } else { engine.base.before(.extend) { throw StateError(.unavailable, "scripted") } }
                    clock.advance(by: .seconds(5))
                    try await engine.base.calls(.extend, beat)
                }
                await clock.sleepers(2)
                let told = log.all.filter { $0.contains("heartbeat failed") && $0.contains("/a.bin") }
                #expect(told.count == 2, "\(log.all)")
                engine.base.heal()
                gate.open()
                #expect(try await answer.outcome == .wait)
            }
        }
    }

    @Test("A copy whose replica is purged is broken off by the next heartbeat")
    func purgeEndsTheCopy() async throws {
        try await run { engine, _, clock async throws in
            let gate = FakeGate()
            engine.origin.on(
                "/a.bin",
                .generated(size: 100_000).with {
                    $0.acceptsRanges = false
                    $0.stall = (1_000, gate)
                })
            try await engine.running(engine.makeWorkers { $0.concurrency = 1 }) { () async throws in
                _ = try await engine.ask("/a.bin", wait: .zero)
                try await gate.waiting()
                try await engine.store.calls(.write, 1)
                _ = try await engine.remover.purge(try engine.id("/a.bin"))
                await clock.sleepers(1)
                clock.advance(by: .seconds(5))
                try await engine.store.ended(.abort, 1)
                try await engine.origin.connections(atMost: 0)
                #expect(engine.base.results.isEmpty)
            }
        }
    }

    @Test("While the state store is away workers ask again, and go on when it is back")
    func stateIsAway() async throws {
        try await run { engine, slow, clock async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            slow.before(.lease) { throw StateError(.unavailable, "scripted") }
            _ = try await engine.ask("/a.bin", wait: .zero)
            try await engine.running(engine.makeWorkers(state: slow)) { () async throws in
                try await slow.calls(.lease, 1)
                await clock.sleepers(1)
                slow.heal()
                clock.advance(by: .seconds(1))
                #expect(try await engine.ask("/a.bin").redirect != nil)
            }
        }
    }

    @Test("While the state store is away, an attempt that has to be repeated does not become one that never ended")
    func stateIsAwayAtTheEnd() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            let id = try engine.id("/a.bin")
            _ = try await engine.base.claim(id)
            let lease = try #require(try await engine.base.lease(pools: [id.pool], worker: "test", duration: .seconds(600)))
            let clock = engine.setup.clock
            let slots = CopySlots(engine.setup.copy, credit: OriginCredit(clock: clock))
            let publisher = CopyPublisher(
                state: engine.base, desk: LeaseDesk(), publications: engine.publications, remover: engine.remover, lease: .seconds(600),
                clock: clock, logger: EngineFixture.logger)
            let ends = Mutex(0)
            engine.base.before(.finish) {
                let isFirst = ends.withLock { ends in
                    ends += 1
                    return ends == 1
                }
                if isFirst { throw StateError(.unavailable, "scripted") }
            }
            try await publisher.finish(slots.begin(lease, CopyProgress(clock: clock)), .retry(after: .zero))
            let next = try #require(try await engine.base.lease(pools: [id.pool], worker: "test", duration: .seconds(600)))
            #expect(next.attempt == 2)
            #expect(next.lane == lease.lane)
        }
    }
}
