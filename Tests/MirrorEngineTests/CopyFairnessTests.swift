import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: fairness between origins", .timeLimit(.minutes(1)))
struct CopyFairnessTests {
    /// An answer that begins and then says nothing until the gate opens.
    private static func dripping(_ gate: FakeGate) -> FakeBehavior {
        .generated(size: 10_000).with {
            $0.acceptsRanges = false
            $0.stall = (100, gate)
        }
    }

    @Test("Copies that an origin does not end hold its share of the slots, and no request for another origin waits for them")
    func otherOriginsGoOn() async throws {
        let address = try #require(IPAddress("127.0.0.1"))
        try await EngineFixture.run({
            $0.copy.concurrency = 4
            $0.copy.maxPerOrigin = 2
            $0.resolver = FixedResolver(names: ["other.example.org": [address]])
            $0.allowedHosts = ["other.example.org"]
        }) { engine async throws in
            let gate = FakeGate()
            for number in 0..<20 {
                engine.origin.on("/\(number).bin", Self.dripping(gate))
                _ = try await engine.ask("/\(number).bin", wait: .zero)
            }
            try await gate.waiting(2)
            engine.origin.on("/other.bin", .generated(size: 1_000))
            let other = try ArtifactURL("http://other.example.org:\(engine.origin.port)/other.bin")
            #expect(await engine.redirects.answer(other, in: engine.pool, wait: nil).outcome == .wait)
            #expect(engine.origin.requests.count == 3)
            gate.open()
            #expect(try await engine.ask("/19.bin").redirect != nil)
        }
    }

    /// Lets the workers measure for one window: six heartbeats.
    private func passWindow(_ engine: EngineFixture, _ clock: ManualClock, _ sleepers: Int = 1) async throws {
        for _ in 0..<6 {
            await clock.sleepers(sleepers)
            let beats = engine.base.count(.extend)
            clock.advance(by: .seconds(5))
            try await engine.base.calls(.extend, beats + 1)
        }
    }

    @Test("A slow copy gives its only slot up to others, goes on, and succeeds")
    func slowCopySucceeds() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.copy.concurrency = 1
            $0.copy.slowConcurrency = 1
        }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/slow.bin", Self.dripping(gate))
            engine.origin.on("/quick.bin", .generated(size: 1_000))
            _ = try await engine.ask("/slow.bin", wait: .zero)
            try await gate.waiting()
            _ = try await engine.ask("/quick.bin", wait: .zero)
            try await passWindow(engine, clock)
            try await engine.counters.reach(1, EngineMetrics.Name.copies, "present")
            #expect(try await engine.isInPool("/quick.bin"))
            #expect(engine.counters.total(EngineMetrics.Name.slowCopies) == 1)
            gate.open()
            try await engine.counters.reach(2, EngineMetrics.Name.copies, "present")
            #expect(try await engine.read("/slow.bin").bytes == FakeBody.generated(size: 10_000, seed: 1).bytes(0..<10_000))
            #expect(engine.origin.requests.filter { $0.path == "/slow.bin" }.count == 1)
        }
    }

    @Test("Where too many are slow the slowest is put off, behind those that wait, and is tried again")
    func slowCopyIsPutOff() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.copy.concurrency = 1
            $0.copy.slowConcurrency = 0
        }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/slow.bin") { $0.number == 1 ? Self.dripping(gate) : .generated(size: 10_000) }
            engine.origin.on("/quick.bin", .generated(size: 1_000))
            _ = try await engine.ask("/slow.bin", wait: .zero)
            try await gate.waiting()
            // Nobody else wants its slot: it keeps it, however slow it is.
            try await passWindow(engine, clock)
            try await passWindow(engine, clock)
            #expect(engine.base.results.isEmpty)
            _ = try await engine.ask("/quick.bin", wait: .zero)
            try await engine.counters.reach(1, EngineMetrics.Name.copies, "present")
            guard case .retry = engine.base.results.first else {
                Issue.record("\(engine.base.results)")
                return
            }
            await clock.sleepers(1)
            clock.advance(by: .seconds(5))
            try await engine.counters.reach(2, EngineMetrics.Name.copies, "present")
            #expect(try await engine.read("/slow.bin").info.size == 10_000)
        }
    }

    @Test("A copy of an origin that sends just as much as has to be gives its slot up after the second window")
    func justAboveTheRate() async throws {
        let clock = ManualClock()
        let configuration = CopyConfiguration(concurrency: 1)
        let state = MemoryStateStore(clock: clock)
        let pool = try #require(PoolID("local/dev"))
        let id = ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/a.bin"), pool: pool)
        _ = try await state.claim(id)
        let outcome = try await state.lease(pools: [pool], passingOver: [], worker: "worker", duration: configuration.lease)
        guard case .leased(let lease) = outcome else {
            Issue.record("\(String(describing: outcome))")
            return
        }
        let slots = CopySlots(configuration, credit: OriginCredit(clock: clock))
        let (progress, freed, end) = (CopyProgress(clock: clock), Watched(0), Signal())
        let copy = slots.begin(lease, progress)
        let keeper = LeaseKeeper(
            state: state, slots: slots, memory: CopyMemory(configuration), configuration: configuration,
            metrics: EngineMetrics(pools: [pool], factory: CountingMetrics()), clock: clock, logger: EngineFixture.logger,
            onFreeSlot: { freed.change { $0 += 1 } })
        progress.beginWaiting()
        async let success = keeper.keep(lease, for: copy) {
            await end.wait(upTo: nil, clock: clock)
            return true
        }
        for beat in 1...12 {
            // The next one begins when this one is done.
            await clock.sleepers(1)
            #expect(slots.turn == .full, "beat \(beat)")
            progress.received(5 * 17 << 10)
            clock.advance(by: .seconds(5))
        }
        try await freed.until { $0 == 1 }
        // Its slot is free; its origin has as many copies as it may have.
        #expect(slots.turn == .lease([[copy.origin]]))
        end.notify()
        #expect(try await success)
    }

    @Test("A copy that ends during a heartbeat has its result once that has ended, whatever it finds")
    func heartbeatAtTheEnd() async throws {
        let clock = ManualClock()
        let configuration = CopyConfiguration(concurrency: 1)
        let state = ScriptedStateStore(MemoryStateStore(clock: clock))
        let pool = try #require(PoolID("local/dev"))
        let id = ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/a.bin"), pool: pool)
        _ = try await state.claim(id)
        let lease = try #require(try await state.lease(pools: [pool], worker: "worker", duration: configuration.lease))
        let slots = CopySlots(configuration, credit: OriginCredit(clock: clock))
        let copy = slots.begin(lease, CopyProgress(clock: clock))
        let keeper = LeaseKeeper(
            state: state, slots: slots, memory: CopyMemory(configuration), configuration: configuration,
            metrics: EngineMetrics(pools: [pool], factory: CountingMetrics()), clock: clock, logger: EngineFixture.logger, onFreeSlot: {})
        let (end, door, hasBeaten) = (Signal(), Door(), Watched(false))
        state.before(.extend) {
            // Nobody can cancel it.
            _ = await Task { try? await door.pass() }.value
            hasBeaten.change { $0 = true }
            throw StateError(.staleLease, "scripted")
        }
        let kept = Task {
            let isDone = try await keeper.keep(lease, for: copy) {
                await end.wait(upTo: nil, clock: clock)
                return true
            }
            return isDone && hasBeaten.current
        }
        await clock.sleepers(1)
        clock.advance(by: .seconds(5))
        try await door.waiting()
        end.notify()
        for _ in 0..<1_000 { await Task.yield() }
        door.open()
        #expect(try await kept.value)
    }

    @Test("A copy that waits for its pool is not slow")
    func slowPoolIsNoSlowOrigin() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.copy.concurrency = 1
        }) { engine async throws in
            let door = Door()
            engine.store.before(.complete) { try await door.pass() }
            engine.origin.on("/a.bin", .generated(size: 1_000))
            _ = try await engine.ask("/a.bin", wait: .zero)
            try await door.waiting()
            try await passWindow(engine, clock)
            #expect(engine.counters.total(EngineMetrics.Name.slowCopies) == 0)
            door.open()
            try await engine.counters.reach(1, EngineMetrics.Name.copies, "present")
        }
    }

    @Test("Origins that are silent, or send next to nothing, hold no memory that others need", arguments: [0, 10, 60_000] as [Int64])
    func silentOrigins(bytes: Int64) async throws {
        let address = try #require(IPAddress("127.0.0.1"))
        let names = (0..<8).map { "silent-\($0).example.org" }
        try await EngineFixture.run({
            $0.features = [.servedByMirror, .parallelParts]
            // Eight parts of 1 MiB.
            $0.copy.memory = 8 << 20
            $0.copy.partSize = 16 << 20
            $0.resolver = FixedResolver(names: Dictionary(uniqueKeysWithValues: names.map { ($0, [address]) }))
            $0.allowedHosts = names
        }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on(
                "/silent.bin",
                .generated(size: 4 << 20).with { if bytes == 0 { $0.gate = gate } else { $0.stall = (bytes, gate) } })
            for name in names {
                let artifact = try ArtifactURL("http://\(name):\(engine.origin.port)/silent.bin")
                _ = await engine.redirects.answer(artifact, in: engine.pool, wait: .zero)
            }
            try await gate.waiting(names.count)
            let honest = FakeBehavior.generated(size: 10 << 20)
            engine.origin.on("/honest.bin", honest)
            #expect(try await engine.ask("/honest.bin").outcome == .wait)
            #expect(try await engine.read("/honest.bin").info.metadata.sha256 == honest.body.sha256)
            gate.open()
            for name in names {
                let artifact = try ArtifactURL("http://\(name):\(engine.origin.port)/silent.bin")
                #expect(await engine.redirects.answer(artifact, in: engine.pool, wait: .seconds(600)).redirect != nil)
            }
        }
    }

    @Test("An origin whose copies end short of what it stated takes room byte by byte and has one slot")
    func lostCredit() async throws {
        try await EngineFixture.run({
            $0.copy.concurrency = 4
            $0.copy.maxPerOrigin = 4
            $0.copy.maxAttempts = 3
        }) { engine async throws in
            engine.origin.on(
                "/short.bin",
                .generated(size: 1_000).with {
                    $0.acceptsRanges = false
                    $0.truncateAfter = 10
                })
            #expect(try await engine.ask("/short.bin").fallback == .copyFailed)
            let gate = FakeGate()
            for number in 0..<4 {
                engine.origin.on("/\(number).bin", .generated(size: 1_000).with { $0.gate = gate })
                _ = try await engine.ask("/\(number).bin", wait: .zero)
            }
            try await gate.waiting(1)
            #expect(engine.origin.activeRequests == 1)
            gate.open()
            for number in 0..<4 { #expect(try await engine.ask("/\(number).bin").redirect != nil) }
            #expect(engine.origin.maxActiveRequests == 1)
        }
    }
}
