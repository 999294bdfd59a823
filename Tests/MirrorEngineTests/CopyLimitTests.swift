import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine
@testable import StorageLocal

@Suite("The copy path: limits", .timeLimit(.minutes(1)))
struct CopyLimitTests {
    private func reason(_ engine: EngineFixture, _ path: String) async throws -> CopyFailure.Reason? {
        guard case .error(let failure) = try await engine.status(path) else { return nil }
        return failure.reason
    }

    @Test("An artifact that states more bytes than are allowed is refused before a byte is stored, and not tried again")
    func tooLargeStated() async throws {
        try await EngineFixture.run({ $0.copy.maxObjectSize = 100_000 }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 100_001))
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(try await reason(engine, "/a.bin") == .tooLarge)
            #expect(engine.origin.requests.count == 1)
            #expect(engine.store.count(.beginUpload) == 0)
            engine.origin.on("/b.bin", .generated(size: 100_000))
            #expect(try await engine.ask("/b.bin").outcome == .wait)
        }
    }

    @Test("An artifact that turns out to be too large is broken off, and not tried again")
    func tooLargeUnstated() async throws {
        try await EngineFixture.run({ $0.copy.maxObjectSize = 100_000 }) { engine async throws in
            func chunked(_ size: Int64) -> FakeBehavior {
                .generated(size: size).with {
                    $0.acceptsRanges = false
                    $0.framing = .chunked
                }
            }
            engine.origin.on("/a.bin", chunked(100_001))
            engine.origin.on("/b.bin", chunked(100_000))
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(try await reason(engine, "/a.bin") == .tooLarge)
            #expect(engine.origin.requests.count == 1)
            #expect(engine.store.count(.abort) == 1)
            #expect(try await !engine.isInPool("/a.bin"))
            #expect(try await engine.ask("/b.bin").outcome == .wait)
        }
    }

    @Test("A pool that is full and has nothing to spare sends clients to the origin after one attempt", arguments: [true, false])
    func full(statesLength: Bool) async throws {
        try await EngineFixture.run({ $0.store = MemoryStore(capacity: 50_000) }) { engine async throws in
            engine.origin.on(
                "/a.bin",
                .generated(size: 60_000).with {
                    $0.framing = statesLength ? .length : .chunked
                    $0.acceptsRanges = false
                })
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(engine.base.results.count == 1)
            #expect(try await reason(engine, "/a.bin") == .noRoom)
            engine.origin.on("/b.bin", .generated(size: 50_000))
            #expect(try await engine.ask("/b.bin").outcome == .wait)
        }
    }

    @Test("On a disk that is full the least recently used replicas make room after their grace, before the copy needs it")
    func fullWithOlder() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.coarseness = .zero
            $0.store = MemoryStore(capacity: 3_500)
        }) { engine async throws in
            for path in ["/a", "/b", "/c"] {
                engine.origin.on(path, .generated(size: 1_000))
                _ = try await engine.ask(path)
                clock.advance(by: .seconds(1))
            }
            clock.advance(by: .seconds(60))
            engine.origin.on("/d", .generated(size: 1_200))
            #expect(try await engine.ask("/d").fallback == .copyFailed)
            #expect(try await reason(engine, "/d") == .noRoom)
            clock.advance(by: .seconds(60))
            #expect(try await engine.ask("/d").size == 1_200)
            #expect(engine.base.results.count == 5)
            #expect(try await engine.status("/a") == nil)
            for path in ["/b", "/c"] { #expect(try await engine.isInPool(path)) }
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "max-bytes") == 1)
        }
    }

    @Test(
        "A pool that turns out to be full gets another attempt once older replicas have made room, and none as long as they were just used")
    func fullAllTheSame() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.coarseness = .zero
            $0.copy.backoff.first = .zero
        }) { engine async throws in
            engine.origin.on("/a", .generated(size: 1_000))
            _ = try await engine.ask("/a")
            engine.store.before(.write) {
                if try await engine.isInPool("/a") { throw StorageError(.full, "scripted", operation: "scripted") }
            }
            engine.origin.on("/b", .generated(size: 1_000))
            #expect(try await engine.ask("/b").fallback == .copyFailed)
            #expect(try await engine.object("/a").markedAt == nil)
            clock.advance(by: .seconds(60))
            #expect(try await engine.ask("/b").fallback == .copyFailed)
            #expect(try await reason(engine, "/b") == .noRoom)
            #expect(try await engine.object("/a").markedAt == clock.now)
            #expect(engine.counters.total(EngineMetrics.Name.errors, "storage.full") == 2)
            clock.advance(by: .seconds(60))
            #expect(try await engine.ask("/b").size == 1_000)
            #expect(try await !engine.isInPool("/a"))
            #expect(engine.base.results.count == 5)
        }
    }

    @Test("One artifact too large for the disk does not empty the pool for nothing")
    func fullForGood() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.store = MemoryStore(capacity: 3_500)
        }) { engine async throws in
            for path in ["/a", "/b"] {
                engine.origin.on(path, .generated(size: 1_000))
                _ = try await engine.ask(path)
            }
            clock.advance(by: .seconds(600))
            engine.origin.on("/c", .generated(size: 4_000))
            #expect(try await engine.ask("/c").fallback == .copyFailed)
            for path in ["/a", "/b"] { #expect(try await engine.object(path).markedAt == nil) }
        }
    }

    @Test("A disk without room is no reason for an error")
    func diskIsFull() async throws {
        let directory = try TemporaryDirectory()
        let store = try await LocalStore.open(directory: directory.path, region: "dev", minFreeBytes: 1 << 60)
        try await EngineFixture.run({ $0.store = store }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 200_000))
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(try await reason(engine, "/a.bin") == .noRoom)
            #expect(try await !engine.isInPool("/a.bin"))
        }
    }

    @Test(
        "A pool that fails at any step of an upload gets another attempt, and no half object",
        arguments: [
            ScriptedStore.Call.beginUpload, .write, .read, .complete,
        ])
    func poolFails(call: ScriptedStore.Call) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 200_000))
            let isFirst = Watched(true)
            engine.store.before(call) {
                let fails = isFirst.change { first in
                    defer { first = false }
                    return first
                }
                if fails { throw StorageError(.unavailable, "scripted", operation: "scripted") }
            }
            #expect(try await engine.ask("/a.bin").outcome == .wait)
            #expect(try await engine.read("/a.bin").bytes == FakeBody.generated(size: 200_000, seed: 1).bytes(0..<200_000))
            #expect(engine.base.results.count == 2)
            #expect(engine.store.count(.abort) == (call == .beginUpload ? 0 : 1))
        }
    }

    @Test("A pool that refuses for good is not tried again")
    func poolRefuses() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 100))
            engine.store.fail(.beginUpload, .permissionDenied)
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(engine.base.results.count == 1)
            #expect(try await reason(engine, "/a.bin") == .storage)
        }
    }

    @Test("A job that two workers died over is set aside without another try; its clients go to the origin, and the metrics say so")
    func workersDied() async throws {
        try await EngineFixture.runInMemory { engine, memory, clock async throws in
            let id = try engine.id("/a.bin")
            _ = try await memory.claim(id)
            for attempt in 1...2 {
                let lease = try await memory.lease(pools: engine.pools.ids, worker: "dies", duration: .seconds(15))
                #expect(lease?.attempt == attempt)
                clock.advance(by: .seconds(15))
            }
            try await engine.running(engine.makeWorkers()) { () async throws in
                #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
                #expect(try await reason(engine, "/a.bin") == .unfinished)
                #expect(engine.origin.requests.isEmpty)
                #expect(engine.counters.total(EngineMetrics.Name.copies, "set-aside") == 1)
                #expect(engine.counters.total(EngineMetrics.Name.errors, "copy.unfinished") == 1)
            }
        }
    }
}
