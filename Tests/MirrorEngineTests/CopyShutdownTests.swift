import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import ServiceLifecycle
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: shutdown", .timeLimit(.minutes(1)))
struct CopyShutdownTests {
    private func group(_ workers: CopyWorkers) -> ServiceGroup {
        ServiceGroup(configuration: .init(services: [.init(service: workers)], logger: EngineFixture.logger))
    }

    @Test("A copy that does not end within the grace is handed back: nothing stays, and no attempt is lost")
    func handsBack() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on(
                "/a.bin",
                .generated(size: 100_000).with {
                    $0.acceptsRanges = false
                    $0.stall = (1_000, gate)
                })
            let services = group(engine.makeWorkers(shutdownGrace: .milliseconds(1)))
            async let running: Void = services.run()
            _ = try await engine.ask("/a.bin", wait: .zero)
            try await engine.store.calls(.write, 1)
            await services.triggerGracefulShutdown()
            try await running
            #expect(engine.base.results == [.handBack])
            #expect(engine.store.count(.abort) == 1)
            #expect(try await !engine.isInPool("/a.bin"))
            #expect(try await engine.status("/a.bin") == .pending)
            let lease = try await engine.base.lease(pools: engine.pools.ids, worker: "next", duration: .seconds(15))
            #expect(lease?.attempt == 1)
        }
    }

    @Test("A copy that ends within the grace becomes present, and no other is begun")
    func finishes() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
        }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.bin", .generated(size: 1_000).with { $0.gate = gate })
            engine.origin.on("/b.bin", .generated(size: 1_000))
            let services = group(engine.makeWorkers { $0.concurrency = 1 })
            async let running: Void = services.run()
            _ = try await engine.ask("/a.bin", wait: .zero)
            try await gate.waiting()
            _ = try await engine.ask("/b.bin", wait: .zero)
            await clock.sleepers(1)
            await services.triggerGracefulShutdown()
            // The heartbeat, and the grace that has begun.
            await clock.sleepers(2)
            gate.open()
            try await running
            #expect(try await engine.object("/a.bin").size == 1_000)
            #expect(try await engine.status("/b.bin") == .pending)
            #expect(engine.origin.requests(for: "/b.bin").isEmpty)
        }
    }

    @Test("Workers without anything to do end at once")
    func idle() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
        }) { engine async throws in
            let services = group(engine.makeWorkers())
            async let running: Void = services.run()
            try await engine.base.calls(.lease, 1)
            await services.triggerGracefulShutdown()
            try await running
            #expect(clock.sleeperCount == 0)
        }
    }

    @Test("Cancelled workers hand back what they do")
    func cancelled() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.bin", .generated(size: 1_000).with { $0.gate = gate })
            try await withThrowingTaskGroup(of: Void.self) { group in
                let workers = engine.makeWorkers()
                group.addTask { try await workers.run() }
                _ = try await engine.ask("/a.bin", wait: .zero)
                try await gate.waiting()
                group.cancelAll()
            }
            #expect(engine.base.results == [.handBack])
        }
    }
}
