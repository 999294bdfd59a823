import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Retention: pools stay within maxBytes", .timeLimit(.minutes(1)))
struct PoolSpaceTests {
    /// A pool with three artifacts of 1,000 bytes: `/a`, which was used first, `/b` and `/c`.
    func run(
        _ maxBytes: Int64, coarseness: Duration = .zero, _ body: (EngineFixture, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.maxBytes = maxBytes
            $0.coarseness = coarseness
        }) { engine async throws in
            for name in ["a", "b", "c"] {
                engine.origin.on("/\(name)", .generated(size: 1_000))
                #expect(try await engine.ask("/\(name)").outcome == .wait)
                clock.advance(by: .seconds(1))
            }
            try await body(engine, clock)
        }
    }

    func expectNoRoom(_ engine: EngineFixture, _ path: String) async throws {
        #expect(try await engine.ask(path).fallback == .copyFailed)
        guard case .error(let failure) = try await engine.status(path) else {
            Issue.record("\(path) is no failure")
            return
        }
        #expect(failure.reason == .noRoom)
    }

    func marked(_ engine: EngineFixture) async throws -> [String] {
        try await engine.base.leastRecentlyUsed(in: engine.pool.id, after: nil, limit: 1_000).compactMap { replica in
            guard case .present(let object) = replica.status, object.markedAt != nil else { return nil }
            return replica.id.artifact.path
        }
    }

    @Test("What was used within a minute stays: a copy that would need its place is not made")
    func leavesReadersAlone() async throws {
        try await run(3_000) { engine, clock async throws in
            clock.advance(by: .seconds(56))
            engine.origin.on("/d", .generated(size: 500))
            try await expectNoRoom(engine, "/d")
            #expect(try await marked(engine) == [])
            for name in ["a", "b", "c"] { #expect(try await engine.isInPool("/\(name)")) }
        }
    }

    @Test("The least recently used replicas are marked, and go after the grace when a copy needs their place, and no more than must")
    func evicts() async throws {
        try await run(3_000) { engine, clock async throws in
            clock.advance(by: .seconds(60))
            #expect(try await engine.ask("/a").outcome == .hit)
            for path in ["/d", "/e"] { engine.origin.on(path, .generated(size: 500)) }
            try await expectNoRoom(engine, "/d")
            #expect(try await marked(engine) == ["/b"])
            clock.advance(by: .milliseconds(59_999))
            try await expectNoRoom(engine, "/d")
            // Nothing is remembered of this one.
            try await expectNoRoom(engine, "/e")
            clock.advance(by: .milliseconds(1))
            #expect(try await engine.isInPool("/b"))
            #expect(try await engine.ask("/d").outcome == .wait)
            #expect(try await engine.status("/b") == nil)
            #expect(try await !engine.isInPool("/b"))
            for name in ["a", "c", "d"] { #expect(try await engine.isInPool("/\(name)")) }
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "max-bytes") == 1)
            #expect(try await engine.base.totals(of: engine.pool.id).bytes == 2_500)
        }
    }

    @Test("A use within the grace clears the mark, and something else goes")
    func revives() async throws {
        try await run(3_000) { engine, clock async throws in
            clock.advance(by: .seconds(60))
            engine.origin.on("/d", .generated(size: 500))
            try await expectNoRoom(engine, "/d")
            #expect(try await marked(engine) == ["/a"])
            #expect(try await engine.ask("/a").outcome == .hit)
            clock.advance(by: .seconds(60))
            try await engine.sweeper.sweep(engine.pool)
            try await expectNoRoom(engine, "/d")
            #expect(try await marked(engine) == ["/b"])
            for name in ["a", "b", "c"] { #expect(try await engine.isInPool("/\(name)")) }
        }
    }

    @Test("A use that was not written yet counts, also one that need not be written")
    func trueLastUse() async throws {
        try await run(3_000, coarseness: .seconds(30)) { engine, clock async throws in
            engine.origin.on("/d", .generated(size: 500))
            // `/a` was used 3 seconds before: not worth a write.
            clock.advance(by: .seconds(26))
            #expect(try await engine.ask("/a").outcome == .hit)
            await engine.uses.flush()
            #expect(engine.base.count(.touch) == 0)
            clock.advance(by: .seconds(59))
            try await expectNoRoom(engine, "/d")
            #expect(try await marked(engine) == [])
            // Worth one, and not written yet.
            #expect(try await engine.ask("/a").outcome == .hit)
            #expect(engine.base.count(.touch) == 0)
            clock.advance(by: .seconds(60))
            try await expectNoRoom(engine, "/d")
            #expect(try await marked(engine) == ["/b"])
        }
    }

    @Test("What an origin states takes no place; what it sends does, and a little ahead of it")
    func takesWhatComes() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.maxBytes = 64_000
            $0.coarseness = .zero
        }) { engine async throws in
            for number in 0..<64 {
                engine.origin.on("/\(number)", .generated(size: 1_000))
                _ = try await engine.ask("/\(number)")
            }
            clock.advance(by: .seconds(60))
            let gate = FakeGate()
            engine.origin.on(
                "/all",
                .generated(size: 64_000).with {
                    $0.acceptsRanges = false
                    $0.stall = (10, gate)
                })
            try await expectNoRoom(engine, "/all")
            #expect(try await marked(engine).count == 64)
            clock.advance(by: .seconds(60))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.base.totals(of: engine.pool.id).objects == 64)
            async let answer = engine.ask("/all")
            try await gate.waiting()
            try await engine.counters.reach(2, EngineMetrics.Name.evictions, "max-bytes")
            #expect(try await engine.base.totals(of: engine.pool.id).objects == 62)
            gate.open()
            #expect(try await answer.outcome == .wait)
            #expect(try await engine.base.totals(of: engine.pool.id).objects == 1)
        }
    }

    @Test(
        "Marked replicas, copies under way and what is present never have more bytes together than the pool may", arguments: [true, false])
    func neverExceeds(statesLength: Bool) async throws {
        try await run(3_000) { engine, clock async throws in
            let most = Watched(0 as Int64)
            engine.store.after(.complete) {
                let bytes = try await engine.store.base.list(after: nil, limit: 1_000).reduce(0) { $0 + $1.size }
                most.change { $0 = max($0, bytes) }
            }
            var copied = 0
            for number in 0..<40 {
                engine.origin.on(
                    "/\(number)",
                    .generated(size: 700, seed: UInt64(number)).with {
                        $0.acceptsRanges = statesLength
                        $0.framing = statesLength ? .length : .chunked
                    })
                if try await engine.ask("/\(number)").outcome == .wait { copied += 1 }
                clock.advance(by: .seconds(30))
            }
            #expect(most.current <= 3_000)
            #expect(copied >= 10, "\(copied)")
        }
    }

    @Test("An artifact as large as the pool may be takes the place of everything older")
    func evictsAll() async throws {
        try await run(3_000) { engine, clock async throws in
            clock.advance(by: .seconds(60))
            engine.origin.on("/d", .generated(size: 3_000))
            try await expectNoRoom(engine, "/d")
            clock.advance(by: .seconds(60))
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

    @Test("An artifact larger than the pool may be goes to the origin, once asked for, and marks nothing", arguments: [true, false])
    func tooLarge(statesLength: Bool) async throws {
        try await run(3_000) { engine, clock async throws in
            clock.advance(by: .seconds(60))
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
            if statesLength { #expect(try await marked(engine) == []) }
        }
    }

    @Test("Copies under way count: what they took is not promised twice, and comes back")
    func reserves() async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.maxBytes = 1_500
        }) { engine async throws in
            let held = try await engine.space.begin(1_000, in: engine.pool)
            try await held.take(1_000)
            let error = await #expect(throws: CopyError.self) { _ = try await engine.space.begin(1_000, in: engine.pool) }
            #expect(error?.isTransient == false)
            #expect(error?.reason == .noRoom)
            let small = try await engine.space.begin(500, in: engine.pool)
            try await small.take(500)
            let unstated = try await engine.space.begin(nil, in: engine.pool)
            await #expect(throws: CopyError.self) { try await unstated.take(1) }
            for reservation in [held, small, unstated] { reservation.release() }
            let all = try await engine.space.begin(1_500, in: engine.pool)
            try await all.take(1_500)
            all.release()
            let tooLarge = await #expect(throws: CopyError.self) { _ = try await engine.space.begin(1_501, in: engine.pool) }
            #expect(tooLarge?.reason == .tooLarge)
        }
    }

    @Test("Room is taken for what has arrived, and a little ahead unless the origin is not trusted", arguments: [true, false])
    func takesAhead(mayTakeAhead: Bool) async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.maxBytes = 64_000
        }) { engine async throws in
            let held = try await engine.space.begin(50_000, in: engine.pool, mayTakeAhead: mayTakeAhead)
            #expect(held.bytes.reserved == 0)
            try await held.take(10)
            #expect(held.bytes.reserved == (mayTakeAhead ? 1_010 : 10))
            held.release()
        }
    }

    @Test("A small artifact takes its room with one look at the pool; a larger one, or one of an untrusted origin, with its bytes")
    func takesAllAtOnce() async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.maxBytes = 64_000
        }) { engine async throws in
            for (size, isTrusted, isTaken) in [(1_000, true, true), (1_001, true, false), (1_000, false, false)] as [(Int64, Bool, Bool)] {
                let looks = engine.base.count(.totals)
                let held = try await engine.space.begin(size, in: engine.pool, mayTakeAhead: isTrusted)
                #expect(held.bytes.reserved == (isTaken ? size : 0))
                try await held.take(Int(size))
                #expect(held.bytes.reserved == size)
                #expect(engine.base.count(.totals) == looks + (isTaken ? 1 : 2))
                held.release()
            }
        }
    }

    @Test("Small artifacts do not get the same room, and what could not be taken is not kept")
    func takesNothingTwice() async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.maxBytes = 64_000
        }) { engine async throws in
            let large = try await engine.space.begin(63_000, in: engine.pool)
            try await large.take(63_000)
            let small = try await engine.space.begin(1_000, in: engine.pool)
            let error = await #expect(throws: CopyError.self) { _ = try await engine.space.begin(1_000, in: engine.pool) }
            #expect(error?.reason == .noRoom)
            small.release()
            let other = try await engine.space.begin(1_000, in: engine.pool)
            #expect(other.bytes.reserved == 1_000)
            for reservation in [large, other] { reservation.release() }
        }
    }

    @Test("A copy under way goes by what was known last while the state is away")
    func stateIsAway() async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.maxBytes = 1_500
        }) { engine async throws in
            let held = try await engine.space.begin(1_000, in: engine.pool)
            engine.base.fail()
            try await held.take(1_000)
            held.release()
            engine.base.heal()
        }
    }

    @Test("A copy that fails gives back what it took")
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
