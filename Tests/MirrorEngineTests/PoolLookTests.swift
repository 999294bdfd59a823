import MirrorCore
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Retention: looks at a pool that small artifacts share", .timeLimit(.minutes(1)))
struct PoolLookTests {
    private func run(_ body: (EngineFixture, ManualClock) async throws -> Void) async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
            $0.maxBytes = 64_000
        }) { engine async throws in
            try await body(engine, clock)
        }
    }

    /// Begins a small artifact.
    ///
    /// - Returns: How many looks that took.
    private func looks(_ engine: EngineFixture) async throws -> Int {
        let before = engine.base.count(.totals)
        let small = try await engine.space.begin(1_000, in: engine.pool)
        defer { small.release() }
        return engine.base.count(.totals) - before
    }

    @Test("In a pool with room to spare, one look is enough for the small artifacts of a second, until the pool is nearly full")
    func sharesLooks() async throws {
        try await run { engine, clock async throws in
            let held = Watched<[PoolSpace.Reservation]>([])
            /// Begins a small artifact.
            func looks() async throws -> Int {
                let before = engine.base.count(.totals)
                let reservation = try await engine.space.begin(1_000, in: engine.pool)
                #expect(reservation.bytes.reserved == 1_000)
                held.change { $0.append(reservation) }
                return engine.base.count(.totals) - before
            }
            func release() {
                for reservation in held.current { reservation.release() }
                held.change { $0 = [] }
            }
            #expect(try await looks() == 1)
            // Up to 95% of 64,000.
            for _ in 1..<60 { #expect(try await looks() == 0) }
            #expect(try await looks() == 1)
            release()
            #expect(try await looks() == 1)
            #expect(try await looks() == 0)
            clock.advance(by: PoolSpace.lookLife)
            #expect(try await looks() == 1)
            // A larger one looks by itself, and what was found before is no longer true.
            let large = try await engine.space.begin(50_000, in: engine.pool)
            try await large.take(50_000)
            #expect(try await looks() == 1)
            #expect(try await looks() == 0)
            release()
            large.release()
        }
    }

    @Test("What a larger artifact takes while others look is not room that they have found")
    func takenMeanwhile() async throws {
        try await run { engine, _ async throws in
            let large = try await engine.space.begin(50_000, in: engine.pool)
            let (door, calls, before) = (Door(), Watched(0), engine.base.count(.totals))
            engine.store.before(.space) {
                let isFirst = calls.change { calls in
                    calls += 1
                    return calls == 1
                }
                if isFirst { try await door.pass() }
            }
            async let small = engine.space.begin(1_000, in: engine.pool)
            try await door.waiting()
            try await engine.base.calls(.totals, before + 1)
            // Enough for it to read what other copies have taken.
            for _ in 0..<1_000 { await Task.yield() }
            try await large.take(50_000)
            door.open()
            let first = try await small
            #expect(try await looks(engine) == 1)
            first.release()
            large.release()
        }
    }

    @Test("A look that took its time counts from its beginning")
    func slowLook() async throws {
        try await run { engine, clock async throws in
            engine.base.after(.totals) { clock.advance(by: PoolSpace.lookLife) }
            let first = try await engine.space.begin(1_000, in: engine.pool)
            #expect(try await looks(engine) == 1)
            first.release()
        }
    }
}
