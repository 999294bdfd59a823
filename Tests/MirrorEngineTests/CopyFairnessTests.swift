import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
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
}
