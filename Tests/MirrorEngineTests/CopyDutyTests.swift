import MirrorCore
import MirrorState
import MirrorTesting
import ServiceLifecycle
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: front ends and copiers", .timeLimit(.minutes(1)))
struct CopyDutyTests {
    @Test("A front end leaves the jobs of a pool to its copiers, and takes them over once the last of them is gone")
    func takesOver() async throws {
        let clock = ManualClock()
        let registry = FakeRegistry()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
        }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            try await registry.register(copier: "copier", pools: engine.pools.ids, life: .seconds(15))
            let duty = CopyDuty.withoutCopiers(registry, patience: .seconds(5))
            try await engine.running(engine.makeWorkers("front end", duty: duty)) { () async throws in
                // It has looked and found nothing to do, and looks again when there is a job.
                try await engine.base.calls(.lease, 1)
                _ = try await engine.ask("/a.bin", wait: .zero)
                try await engine.base.calls(.lease, 2)
                // Nobody has leased it.
                let lease = try #require(
                    try await engine.base.lease(pools: engine.pools.ids, worker: "copier", duration: .seconds(15)))
                #expect(lease.attempt == 1)
                try await engine.base.finish(lease, .handBack)
                await clock.sleepers(1)
                try await registry.unregister(copier: "copier", pools: engine.pools.ids)
                clock.advance(by: .seconds(5))
                #expect(try await engine.ask("/a.bin").outcome == .wait)
            }
        }
    }

    @Test("A front end whose state cannot say who copies does not copy, and does as soon as it can")
    func unknown() async throws {
        let clock = ManualClock()
        let registry = FakeRegistry()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
        }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            registry.fail()
            let duty = CopyDuty.withoutCopiers(registry, patience: .seconds(5))
            try await engine.running(engine.makeWorkers("front end", duty: duty)) { () async throws in
                _ = try await engine.ask("/a.bin", wait: .zero)
                try await registry.asked(1)
                await clock.sleepers(1)
                registry.heal()
                clock.advance(by: .seconds(1))
                #expect(try await engine.ask("/a.bin").outcome == .wait)
            }
        }
    }

    @Test("A copier registers for as long as it runs, and takes itself off when it stops")
    func registers() async throws {
        let clock = ManualClock()
        let registry = FakeRegistry()
        let pools: Set<PoolID> = [try #require(PoolID("s3/eu-central-1"))]
        let registration = CopierRegistration(
            registry: registry, name: "copier", pools: pools, life: .seconds(16), clock: clock, logger: EngineFixture.logger)
        let group = ServiceGroup(configuration: .init(services: [.init(service: registration)], logger: EngineFixture.logger))
        async let running: Void = group.run()
        await clock.sleepers(1)
        #expect(registry.calls == [.register("copier", pools, .seconds(16))])
        // A state that is away for a moment does not end it.
        registry.fail()
        clock.advance(by: .seconds(4))
        try await registry.called(2)
        await clock.sleepers(1)
        registry.heal()
        clock.advance(by: .seconds(4))
        try await registry.called(3)
        await group.triggerGracefulShutdown()
        try await running
        #expect(registry.calls.count == 4)
        #expect(registry.calls.last == .unregister("copier", pools))
    }

    @Test("A copy that is done is recorded when a state store that is away comes back within the lease")
    func outlastsState() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
        }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            let away = Watched(3)
            engine.base.before(.finish) {
                let isAway = away.change { left in
                    left -= 1
                    return left >= 0
                }
                if isAway { throw StateError(.unavailable, "scripted") }
            }
            try await engine.running(engine.makeWorkers()) { () async throws in
                _ = try await engine.ask("/a.bin", wait: .zero)
                for count in 1...3 {
                    try await engine.base.calls(.finish, count)
                    // The heartbeat, the worker until the lease runs out, and the pause before the next try.
                    await clock.sleepers(3)
                    clock.advance(by: .milliseconds(100))
                }
                try await engine.base.calls(.finish, 4)
                #expect([.wait, .hit].contains(try await engine.ask("/a.bin").outcome))
                #expect(engine.store.count(.complete) == 1)
                #expect(engine.store.count(.delete) == 0)
            }
        }
    }
}

/// Remembers what it was told.
private final class FakeRegistry: CopierRegistry {
    enum Call: Sendable, Equatable {
        case register(String, Set<PoolID>, Duration)
        case unregister(String, Set<PoolID>)
    }

    private struct State: Sendable {
        var calls: [Call] = []
        var asked = 0
        var copiers: [String: Set<PoolID>] = [:]
        var isFailing = false
    }

    private let state = Watched(State())

    var calls: [Call] { state.current.calls }

    func fail() { state.change { $0.isFailing = true } }
    func heal() { state.change { $0.isFailing = false } }

    func called(_ count: Int) async throws { try await state.until { $0.calls.count >= count } }
    func asked(_ count: Int) async throws { try await state.until { $0.asked >= count } }

    func register(copier name: String, pools: Set<PoolID>, life: Duration) async throws {
        state.change { state in
            state.calls.append(.register(name, pools, life))
            state.copiers[name] = pools
        }
        try refuse()
    }

    func unregister(copier name: String, pools: Set<PoolID>) async throws {
        state.change { state in
            state.calls.append(.unregister(name, pools))
            state.copiers[name] = nil
        }
        try refuse()
    }

    func poolsWithCopiers(among pools: Set<PoolID>) async throws -> Set<PoolID> {
        state.change { $0.asked += 1 }
        try refuse()
        return pools.intersection(state.current.copiers.values.reduce(into: []) { $0.formUnion($1) })
    }

    private func refuse() throws {
        if state.current.isFailing { throw StateError(.unavailable, "scripted") }
    }
}
