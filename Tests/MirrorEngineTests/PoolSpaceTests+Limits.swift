import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing
@testable import MirrorEngine

extension PoolSpaceTests {
    @Test("In a pool that is nearly full the sweep marks ahead, so that the next copy finds room at once, and deletes nothing")
    func sweepsAhead() async throws {
        try await run(3_200) { engine, clock async throws in
            clock.advance(by: .seconds(60))
            // A second sweep sees that enough is marked.
            for _ in 0..<2 { try await engine.sweeper.sweep(engine.pool) }
            #expect(try await marked(engine) == ["/a"])
            clock.advance(by: engine.pool.grace)
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.isInPool("/a"))
            engine.origin.on("/d", .generated(size: 1_000))
            #expect(try await engine.ask("/d").outcome == .wait)
            #expect(try await !engine.isInPool("/a"))
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "max-bytes") == 1)
        }
    }

    @Test("What is too much after maxBytes was lowered is marked by the sweep, the least recently used first, and deleted after the grace")
    func sweepsExcess() async throws {
        try await run(4_000) { engine, clock async throws in
            engine.pool.replaceLimits(with: .init(RetentionConfiguration(grace: engine.pool.grace), maxBytes: 2_500))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await marked(engine) == [])
            clock.advance(by: .seconds(60))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await marked(engine) == ["/a"])
            clock.advance(by: engine.pool.grace)
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await !engine.isInPool("/a"))
            #expect(try await engine.base.totals(of: engine.pool.id).bytes == 2_000)
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "max-bytes") == 1)
        }
    }

    @Test(
        "However small they are, a pool has so many replicas and no more: those not used for longest go as where bytes are missing",
        arguments: [(nil, 1), (1_000_000, 1), (nil, 0), (1_000_000, 0)] as [(Int64?, Int64)])
    func number(maxBytes: Int64?, size: Int64) async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.maxBytes = maxBytes
            $0.maxReplicas = 3
            $0.coarseness = .zero
        }) { engine async throws in
            for number in 0..<3 {
                engine.origin.on("/\(number)", .generated(size: Int64(number + 1)))
                #expect(try await engine.ask("/\(number)").outcome == .wait)
                clock.advance(by: .seconds(1))
            }
            clock.advance(by: .seconds(60))
            #expect(try await engine.ask("/0").outcome == .hit)
            for (number, isStated) in [(3, true), (4, false)] {
                engine.origin.on(
                    "/\(number)",
                    .generated(size: size).with {
                        $0.acceptsRanges = isStated
                        $0.framing = isStated ? .length : .chunked
                    })
                try await expectNoRoom(engine, "/\(number)")
                #expect(try await marked(engine).first == "/\(number - 2)")
                clock.advance(by: .seconds(60))
                #expect(try await engine.ask("/\(number)").outcome == .wait)
                #expect(try await !engine.isInPool("/\(number - 2)"))
                #expect(try await engine.base.totals(of: engine.pool.id).objects == 3)
            }
            #expect(try await engine.isInPool("/0"))
        }
    }

    @Test("What is too much in number, as after a look into the pool, is marked by the sweep and deleted after the grace")
    func sweepsNumber() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.maxReplicas = 3
            $0.coarseness = .zero
            $0.hasWorkers = false
        }) { engine async throws in
            for number in 0..<5 {
                try await engine.put("/\(number)", [1])
                _ = try await engine.base.recordPresent(try engine.id("/\(number)"), try await engine.pooled("/\(number)"))
                clock.advance(by: .seconds(1))
            }
            clock.advance(by: .seconds(60))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await marked(engine) == ["/0", "/1", "/2"])
            clock.advance(by: .seconds(60))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.base.totals(of: engine.pool.id).objects == 3)
            for number in 2..<5 { #expect(try await engine.isInPool("/\(number)")) }
        }
    }

    @Test("A node whose clock is off marks and deletes neither sooner nor later than others", arguments: [3_600, -3_600])
    func clockIsOff(seconds: Int) async throws {
        let (own, others) = (ManualClock(), ManualClock())
        own.advance(by: .seconds(seconds))
        func advance(by duration: Duration) { for clock in [own, others] { clock.advance(by: duration) } }
        try await EngineFixture.run({
            $0.clock = own
            $0.state = MemoryStateStore(clock: others)
            $0.maxBytes = 3_000
            $0.coarseness = .zero
            $0.hasWorkers = false
        }) { engine async throws in
            func hasRoom() async throws -> Bool {
                do {
                    let reservation = try await engine.space.begin(500, in: engine.pool)
                    defer { reservation.release() }
                    try await reservation.take(500)
                    return true
                } catch let error as CopyError where error.reason == .noRoom {
                    return false
                }
            }
            for name in ["/a", "/b", "/c"] {
                try await engine.put(name, Array(repeating: 1, count: 1_000))
                var object = try await engine.pooled(name)
                object.lastUsed = others.now
                _ = try await engine.base.recordPresent(try engine.id(name), object)
                advance(by: .seconds(1))
            }
            advance(by: .seconds(56))
            #expect(try await !hasRoom())
            #expect(try await marked(engine) == [])
            advance(by: .seconds(3))
            #expect(try await !hasRoom())
            #expect(try await marked(engine) == ["/a"])
            advance(by: .milliseconds(59_999))
            #expect(try await !hasRoom())
            advance(by: .milliseconds(1))
            #expect(try await hasRoom())
            #expect(try await !engine.isInPool("/a"))
            #expect(try await engine.isInPool("/b"))
        }
    }
}
