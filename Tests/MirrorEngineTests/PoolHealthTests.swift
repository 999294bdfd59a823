import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import Synchronization
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Pools that cannot be read", .timeLimit(.minutes(1)))
struct PoolHealthTests {
    private let clock = ManualClock()

    /// A pool whose objects the mirror serves, and a replica in it.
    private func run(_ body: @Sendable (EngineFixture) async throws -> Void) async throws {
        try await EngineFixture.run({ $0.clock = clock }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            #expect(try await engine.ask("/a.txt").outcome == .wait)
            #expect(try await engine.ask("/a.txt").outcome == .hit)
            try await body(engine)
        }
    }

    @Test("Hits and misses of a pool that cannot be read go to the origin, at once, and nothing is forgotten")
    func unreadable() async throws {
        try await run { engine async throws in
            let forgotten = Mutex(0)
            engine.state.addObserver { if $0 == .everything { forgotten.withLock { $0 += 1 } } }
            engine.store.fail(.list, .unavailable)
            for _ in 0..<2 { await #expect(throws: StorageError.self) { try await engine.health.checkReading(engine.pool) } }
            #expect(!engine.health.isReadable(engine.pool.id))
            #expect(forgotten.withLock { $0 } == 1, "whoever stands in front of the index forgets its locations, once")
            let heads = engine.store.count(.head)
            for path in ["/a.txt", "/b.txt"] { #expect(try await engine.ask(path).fallback == .unavailable) }
            #expect(engine.store.count(.head) == heads)
            #expect(try await engine.status("/b.txt") == nil, "no copy is queued")
            engine.store.heal()
            try await engine.health.checkReading(engine.pool)
            #expect(engine.health.isReadable(engine.pool.id))
            #expect(try await engine.ask("/a.txt").outcome == .hit)
            #expect(engine.origin.requests.count == 1)
        }
    }

    @Test(
        "A pool that hangs cannot be read as soon as it has said nothing for two seconds; nobody else waits for it, and no second look is begun"
    )
    func hangs() async throws {
        try await run { engine async throws in
            let door = Door()
            defer { door.open() }
            // Nobody can cancel it.
            engine.store.before(.list) { _ = await Task { try? await door.pass() }.value }
            let looks = engine.store.count(.list)
            let first = Task { try await engine.health.checkReading(engine.pool) }
            try await door.waiting()
            // The look's time may only begin.
            while engine.health.isReadable(engine.pool.id), !Task.isCancelled {
                clock.advance(by: .seconds(1))
                await Task.yield()
            }
            await #expect(throws: StorageError.self) { try await first.value }
            await #expect(throws: StorageError.self) { try await engine.health.checkReading(engine.pool) }
            for path in ["/a.txt", "/b.txt"] { #expect(try await engine.ask(path).fallback == .unavailable) }
            #expect(engine.store.count(.list) == looks + 1)
            door.open()
            while !engine.health.isReadable(engine.pool.id), !Task.isCancelled { await Task.yield() }
            #expect(try await engine.ask("/a.txt").outcome == .hit)
        }
    }

    @Test("An object that seems to be missing from a pool that is away is not forgotten")
    func missingWithItsPool() async throws {
        try await run { engine async throws in
            engine.store.fail(.head, .notFound)
            engine.store.fail(.list, .unavailable)
            let answer = await engine.redirects.answer(
                try engine.artifact("/a.txt"), in: engine.pool, wait: nil, isReportedMissing: true)
            #expect(answer.fallback == .unavailable)
            #expect(!engine.health.isReadable(engine.pool.id))
            #expect(try await engine.status("/a.txt") != nil)
            #expect(engine.counters.total(EngineMetrics.Name.lost) == 0)
        }
    }

    @Test("Pools are looked at again and again, without anybody asking for something")
    func looksByItself() async throws {
        try await run { engine async throws in
            engine.store.fail(.list, .unavailable)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await engine.health.run() }
                // The test's time limit is for what never happens.
                while engine.health.isReadable(engine.pool.id), !Task.isCancelled { await Task.yield() }
                engine.store.heal()
                while !engine.health.isReadable(engine.pool.id), !Task.isCancelled {
                    clock.advance(by: .seconds(5))
                    await Task.yield()
                }
                group.cancelAll()
            }
            #expect(engine.health.isReadable(engine.pool.id))
        }
    }

    @Test("A pool that only takes no objects gives those that it has")
    func full() async throws {
        try await EngineFixture.run({
            $0.clock = clock
            $0.store = MemoryStore(capacity: 5, clock: clock)
        }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            #expect(try await engine.ask("/a.txt").outcome == .wait)
            await #expect(throws: StorageError.self) { try await engine.health.check(engine.pool) }
            #expect(engine.health.isReadable(engine.pool.id))
            #expect(try await engine.ask("/a.txt").outcome == .hit)
        }
    }

    @Test("A pool whose objects come from somewhere else is not judged by what the mirror can read of it")
    func servedElsewhere() async throws {
        try await EngineFixture.run({
            $0.clock = clock
            $0.features = [.parallelParts]
            $0.hasWorkers = false
        }) { engine async throws in
            engine.store.fail(.list, .unavailable)
            try await engine.health.check(engine.pool)
            #expect(engine.health.isReadable(engine.pool.id))
            #expect(engine.store.count(.list) == 0)
            // It goes on: the process ends when one of its parts does. The test's time limit is for one that ends.
            let sleeping = clock.sleeperCount
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await engine.health.run() }
                while clock.sleeperCount <= sleeping, !Task.isCancelled { await Task.yield() }
                group.cancelAll()
            }
            #expect(engine.store.count(.list) == 0)
        }
    }

    @Test("The replica of a key is known for those that were handed out last, in their pool alone")
    func keys() throws {
        let pool = try #require(PoolID("local/dev"))
        let other = try #require(PoolID("local/two"))
        let keys = ReplicaKeys(capacity: 4)
        let ids = try (0..<7).map { ReplicaID(artifact: try ArtifactURL("https://example.org/\($0)/a"), pool: pool) }
        for id in ids {
            keys.remember(id, as: ObjectKey(id.artifact))
            #expect(keys.replica(of: ObjectKey(id.artifact), in: pool) == id)
            #expect(keys.replica(of: ObjectKey(id.artifact), in: other) == nil)
        }
        #expect(ids.map { keys.replica(of: ObjectKey($0.artifact), in: pool) != nil } == [false, false, false, false, true, true, true])
        // An object under another key than its artifact's is not found by asking for the artifact again.
        keys.remember(ids[0], as: ObjectKey(ids[1].artifact))
        #expect(keys.replica(of: ObjectKey(ids[1].artifact), in: pool) == nil)
    }
}
