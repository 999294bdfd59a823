import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import Testing

@testable import MirrorEngine

@Suite("Retention: pools stay within maxBytes", .timeLimit(.minutes(1)))
struct PoolSpaceTests {
    private func run(_ maxBytes: Int64, _ body: (EngineFixture, ManualClock) async throws -> Void) async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.maxBytes = maxBytes
            $0.coarseness = .zero
        }) { engine async throws in
            for name in ["a", "b", "c"] {
                engine.origin.on("/\(name)", .generated(size: 1_000))
                #expect(try await engine.ask("/\(name)").outcome == .wait)
                clock.advance(by: .seconds(1))
            }
            try await body(engine, clock)
        }
    }

    @Test("The least recently used replicas go before a copy that would not fit, and no more than must")
    func evicts() async throws {
        try await run(3_000) { engine, clock async throws in
            #expect(try await engine.ask("/a").outcome == .hit)
            await engine.uses.flush()
            engine.origin.on("/d", .generated(size: 500))
            #expect(try await engine.ask("/d").outcome == .wait)
            #expect(try await engine.status("/b") == nil)
            #expect(try await !engine.isInPool("/b"))
            for name in ["a", "c", "d"] { #expect(try await engine.isInPool("/\(name)")) }
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "max-bytes") == 1)
            #expect(try await engine.base.totals(of: engine.pool.id).bytes == 2_500)
        }
    }

    @Test("An artifact as large as the pool may be takes the place of everything older")
    func evictsAll() async throws {
        try await run(3_000) { engine, _ async throws in
            engine.origin.on("/d", .generated(size: 3_000))
            #expect(try await engine.ask("/d").outcome == .wait)
            for name in ["a", "b", "c"] { #expect(try await !engine.isInPool("/\(name)")) }
        }
    }

    @Test("What fits evicts nothing")
    func fits() async throws {
        try await run(4_000) { engine, _ async throws in
            engine.origin.on("/d", .generated(size: 1_000))
            #expect(try await engine.ask("/d").outcome == .wait)
            #expect(try await engine.base.totals(of: engine.pool.id).objects == 4)
        }
    }

    @Test("An artifact larger than the pool may be goes to the origin, once asked for, and evicts nothing", arguments: [true, false])
    func tooLarge(statesLength: Bool) async throws {
        try await run(3_000) { engine, _ async throws in
            engine.origin.on(
                "/d",
                .generated(size: 3_001).with {
                    $0.acceptsRanges = false
                    $0.framing = statesLength ? .length : .chunked
                })
            #expect(try await engine.ask("/d").fallback == .copyFailed)
            #expect(engine.origin.requests(for: "/d").count == 1)
            #expect(try await engine.base.totals(of: engine.pool.id).objects == 3)
            #expect(try await !engine.isInPool("/d"))
        }
    }

    @Test("What grew beyond maxBytes all the same is marked by the sweep, the least recently used first, and deleted after the grace")
    func sweepsExcess() async throws {
        try await run(3_500) { engine, clock async throws in
            engine.origin.on(
                "/d",
                .generated(size: 1_000).with {
                    $0.acceptsRanges = false
                    $0.framing = .chunked
                })
            #expect(try await engine.ask("/d").outcome == .wait)
            #expect(try await engine.base.totals(of: engine.pool.id).bytes == 4_000)
            // A second sweep sees that enough is marked.
            for _ in 0..<2 { try await engine.sweeper.sweep(engine.pool) }
            #expect(try await engine.object("/a").markedAt == clock.now)
            for name in ["b", "c", "d"] { #expect(try await engine.object("/\(name)").markedAt == nil) }
            clock.advance(by: engine.pool.grace)
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await !engine.isInPool("/a"))
            #expect(try await engine.base.totals(of: engine.pool.id).bytes == 3_000)
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "max-bytes") == 1)
        }
    }

    @Test("Copies under way count: what they reserved is not promised twice, and comes back")
    func reserves() async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.maxBytes = 1_500
        }) { engine async throws in
            let held = try await engine.space.reserve(1_000, in: engine.pool)
            let error = await #expect(throws: CopyError.self) { try await engine.space.reserve(1_000, in: engine.pool) }
            #expect(error?.isTransient == true)
            #expect(error?.reason == .storage)
            try await engine.space.reserve(500, in: engine.pool).release()
            held.release()
            try await engine.space.reserve(1_500, in: engine.pool).release()
            let tooLarge = await #expect(throws: CopyError.self) { try await engine.space.reserve(1_501, in: engine.pool) }
            #expect(tooLarge?.isTransient == false)
        }
    }

    @Test("A copy that fails gives back what it reserved")
    func givesBack() async throws {
        try await EngineFixture.run({ $0.maxBytes = 1_000 }) { engine async throws in
            engine.origin.on(
                "/a",
                .generated(size: 1_000).with {
                    $0.acceptsRanges = false
                    $0.truncateAfter = 10
                })
            #expect(try await engine.ask("/a").fallback == .copyFailed)
            engine.origin.on("/b", .generated(size: 1_000))
            #expect(try await engine.ask("/b").outcome == .wait)
        }
    }
}
