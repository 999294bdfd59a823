import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Retention: the sweep", .timeLimit(.minutes(1)))
struct SweeperTests {
    private func run(
        _ change: (inout EngineFixture.Setup) -> Void = { _ in },
        _ body: (EngineFixture, MemoryStateStore, ManualClock) async throws -> Void
    ) async throws {
        let clock = ManualClock()
        let memory = MemoryStateStore(clock: clock)
        try await EngineFixture.run({
            $0.clock = clock
            $0.state = memory
            $0.store = MemoryStore(clock: clock)
            $0.timeToLive = .seconds(3_600)
            $0.grace = .seconds(60)
            $0.coarseness = .zero
            change(&$0)
        }) { try await body($0, memory, clock) }
    }

    @Test("A replica unused for its life is marked, deleted after the grace, forgotten, and copied again when it is asked for")
    func expires() async throws {
        try await run { engine, _, clock async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            _ = try await engine.ask("/a.bin")
            clock.advance(by: .milliseconds(3_599_999))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.object("/a.bin").markedAt == nil)
            clock.advance(by: .milliseconds(1))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.object("/a.bin").markedAt == clock.now)
            #expect(try await engine.isInPool("/a.bin"))
            clock.advance(by: .milliseconds(59_999))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.isInPool("/a.bin"))
            #expect(try await engine.status("/a.bin") != nil)
            clock.advance(by: .milliseconds(1))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await !engine.isInPool("/a.bin"))
            #expect(try await engine.status("/a.bin") == nil)
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "expired") == 1)
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "max-bytes") == 0)
            #expect(try await engine.ask("/a.bin").outcome == .wait)
            #expect(engine.origin.requests.count == 2)
        }
    }

    @Test(
        "Sizes that no sum can hold, which a pool or a broken state may state, stop no sweep", arguments: [nil, 0, Int64.max] as [Int64?])
    func absurdSizes(_ maxBytes: Int64?) async throws {
        try await run({ $0.maxBytes = maxBytes }) { engine, memory, clock async throws in
            for name in ["/a.bin", "/b.bin", "/c.bin"] {
                let id = try engine.id(name)
                let object = StoredObject(key: ObjectKey(id.artifact), size: .max, sha256: nil, storedAt: clock.now, lastUsed: clock.now)
                _ = try await memory.recordPresent(id, object)
            }
            for _ in 1...3 {
                clock.advance(by: .seconds(3_600))
                try await engine.sweeper.sweep(engine.pool)
            }
            #expect(try await memory.totals(of: engine.pool.id) == PoolTotals())
        }
    }

    @Test("What was used since the shortest life is not looked at, however much there is of it")
    func stopsEarly() async throws {
        try await run { engine, memory, clock async throws in
            let count = Sweeper.page * 2 + 1
            for number in 0..<count {
                let id = try engine.id("/\(number).bin")
                let object = StoredObject(
                    key: ObjectKey(id.artifact), size: 1, sha256: nil, storedAt: clock.now, lastUsed: clock.now + .milliseconds(number))
                _ = try await memory.recordPresent(id, object)
            }
            try await engine.sweeper.sweep(engine.pool)
            #expect(engine.base.count(.leastRecentlyUsed) == 1)
            // The first page and one more are over by now: the third is the last that is looked at.
            clock.advance(by: .seconds(3_600) + .milliseconds(Sweeper.page))
            try await engine.sweeper.sweep(engine.pool)
            #expect(engine.base.count(.leastRecentlyUsed) == 3)
            #expect(try await engine.object("/\(Sweeper.page).bin").markedAt == clock.now)
            #expect(try await engine.object("/\(Sweeper.page + 1).bin").markedAt == nil)
        }
    }

    @Test("A use within the life puts the expiry off")
    func useExtends() async throws {
        try await run { engine, _, clock async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            _ = try await engine.ask("/a.bin")
            clock.advance(by: .seconds(3_000))
            #expect(try await engine.ask("/a.bin").outcome == .hit)
            await engine.uses.flush()
            clock.advance(by: .seconds(3_000))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.object("/a.bin").markedAt == nil)
        }
    }

    @Test("A use within the grace clears the mark, and the replica stays")
    func useClearsMark() async throws {
        try await run { engine, _, clock async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            _ = try await engine.ask("/a.bin")
            clock.advance(by: .seconds(3_600))
            try await engine.sweeper.sweep(engine.pool)
            clock.advance(by: .seconds(59))
            #expect(try await engine.ask("/a.bin").outcome == .hit)
            clock.advance(by: .seconds(60))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.isInPool("/a.bin"))
            #expect(try await engine.object("/a.bin").markedAt == nil)
            #expect(engine.origin.requests.count == 1)
        }
    }

    /// Replicas whose grace has ended.
    private func expired(_ count: Int, _ engine: EngineFixture, _ memory: MemoryStateStore, _ clock: ManualClock) async throws {
        for number in 0..<count {
            let id = try engine.id("/\(number).bin")
            let object = StoredObject(key: ObjectKey(id.artifact), size: 1, sha256: nil, storedAt: clock.now, lastUsed: clock.now)
            _ = try await memory.recordPresent(id, object)
        }
        clock.advance(by: .seconds(3_600))
        try await engine.sweeper.sweep(engine.pool)
        clock.advance(by: .seconds(60))
    }

    @Test("What has expired is taken out of service, deleted, and recorded as gone, many at a time")
    func removesTogether() async throws {
        try await run { engine, memory, clock async throws in
            try await expired(100, engine, memory, clock)
            let base = engine.base
            try await engine.sweeper.sweep(engine.pool)
            #expect(base.count(.confirm) == 0)
            #expect(base.count(.beginRemovals) == 1)
            #expect(engine.store.count(.deleteTogether) == 1)
            #expect(base.count(.endRemovals) == 1)
            #expect(try await memory.totals(of: engine.pool.id) == PoolTotals())
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "expired") == 100)
        }
    }

    @Test("While a page of objects is deleted, the next one is taken out of service, and no more")
    func removesPagesAtOnce() async throws {
        try await run { engine, memory, clock async throws in
            try await expired(1_600, engine, memory, clock)
            let (base, store) = (engine.base, engine.store)
            let door = Door()
            store.before(.deleteTogether) { try await door.pass() }
            async let sweep: Void = engine.sweeper.sweep(engine.pool)
            try await store.calls(.deleteTogether, 2)
            // A sweep that did not wait would be at the third page by then.
            for _ in 0..<1_000 { await Task.yield() }
            #expect(base.count(.beginRemovals) == 2)
            #expect(base.count(.endRemovals) == 0)
            door.open()
            try await sweep
            #expect(base.count(.endRemovals) == 4)
            #expect(try await memory.totals(of: engine.pool.id) == PoolTotals())
        }
    }

    @Test("A removal that began long ago is confirmed before its object is deleted")
    func confirmsOldRemovals() async throws {
        try await run { engine, memory, clock async throws in
            try await expired(3, engine, memory, clock)
            let id = try engine.id("/1.bin")
            try await engine.put("/1.bin", [1])
            // Another caller takes one over before this one goes on.
            engine.base.after(.beginRemovals) {
                clock.advance(by: .seconds(301))
                _ = try await memory.beginRemoval(id, .abandoned, duration: .seconds(300))
            }
            try await engine.sweeper.sweep(engine.pool)
            #expect(engine.base.count(.confirm) == 1)
            #expect(try await engine.isInPool("/1.bin"))
            #expect(try await memory.replica(id)?.status == .removing)
            #expect(try await memory.totals(of: engine.pool.id) == PoolTotals())
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "expired") == 2)
        }
    }

    @Test("A use between the sweep's look and its mark keeps the replica from being marked")
    func useDuringSweep() async throws {
        try await run { engine, memory, clock async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            _ = try await engine.ask("/a.bin")
            clock.advance(by: .seconds(3_600))
            let use = ReplicaUse(id: try engine.id("/a.bin"), at: clock.now)
            engine.base.after(.leastRecentlyUsed) { try await memory.touch([use]) }
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.object("/a.bin").markedAt == nil)
        }
    }

    @Test("A use between the sweep's look and the removal keeps the replica")
    func useBeforeRemoval() async throws {
        try await run { engine, memory, clock async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            _ = try await engine.ask("/a.bin")
            clock.advance(by: .seconds(3_600))
            try await engine.sweeper.sweep(engine.pool)
            clock.advance(by: .seconds(60))
            let use = ReplicaUse(id: try engine.id("/a.bin"), at: clock.now)
            engine.base.before(.beginRemovals) { try await memory.touch([use]) }
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.isInPool("/a.bin"))
            #expect(try await engine.ask("/a.bin").outcome == .hit)
        }
    }

    @Test("What a process that died was removing is removed by a sweep once the removal has run out")
    func endsRemovals() async throws {
        try await run { engine, memory, clock async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            _ = try await engine.ask("/a.bin")
            #expect(try await memory.beginRemoval(try engine.id("/a.bin"), .none, duration: .seconds(300)) != nil)
            clock.advance(by: .milliseconds(299_999))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.isInPool("/a.bin"))
            clock.advance(by: .milliseconds(1))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await !engine.isInPool("/a.bin"))
            #expect(try await memory.replica(try engine.id("/a.bin")) == nil)
        }
    }

    @Test("A purge that the pool fails is ended by the next sweep; nothing is handed out meanwhile")
    func endsFailedPurge() async throws {
        try await run { engine, _, _ async throws in
            engine.origin.on("/a.bin", .generated(size: 1_000))
            _ = try await engine.ask("/a.bin")
            engine.store.fail(.delete, .unavailable)
            await #expect(throws: StorageError.self) { _ = try await engine.remover.purge(try engine.id("/a.bin")) }
            #expect(try await engine.ask("/a.bin").fallback == .removing)
            engine.store.heal()
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await !engine.isInPool("/a.bin"))
            #expect(try await engine.status("/a.bin") == nil)
        }
    }

    @Test("A sweep goes through more replicas than fit one page")
    func pages() async throws {
        try await run({ $0.hasWorkers = false }) { engine, memory, clock async throws in
            let count = 2 * Sweeper.page + 7
            for number in 0..<count {
                let id = try engine.id("/\(number)")
                let object = StoredObject(key: ObjectKey(id.artifact), size: 1, sha256: nil, storedAt: clock.now, lastUsed: clock.now)
                _ = try await memory.recordPresent(id, object)
            }
            clock.advance(by: .seconds(3_600))
            try await engine.sweeper.sweep(engine.pool)
            clock.advance(by: .seconds(60))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await memory.totals(of: engine.pool.id) == PoolTotals())
            #expect(engine.counters.total(EngineMetrics.Name.evictions, "expired") == Int64(count))
        }
    }

    @Test("Failures are forgotten an hour after they could have been tried again, more than fit one page, and no sooner")
    func forgetsErrors() async throws {
        try await run({ $0.hasWorkers = false }) { engine, memory, clock async throws in
            let count = Sweeper.page + 7
            for number in 0..<count {
                let id = try engine.id("/\(number)")
                _ = try await memory.claim(id)
                let lease = try #require(try await memory.lease(pools: [id.pool], worker: "test", duration: .seconds(1)))
                let failure = CopyFailure(reason: .origin(status: 404), message: "there is none", retryAt: clock.now + .seconds(30))
                try await memory.finish(lease, .failed(failure))
            }
            clock.advance(by: .seconds(3_630))
            try await engine.sweeper.forgetErrors()
            #expect(try await memory.totals(of: engine.pool.id).errors == count)
            clock.advance(by: .milliseconds(1))
            try await engine.sweeper.forgetErrors()
            #expect(try await memory.totals(of: engine.pool.id) == PoolTotals())
        }
    }

    @Test(
        "A node whose clock is off expires replicas neither sooner nor later than others, and forgets no failure sooner",
        arguments: [7_200, -7_200])
    func clockIsOff(seconds: Int) async throws {
        let own = ManualClock()
        own.advance(by: .seconds(seconds))
        try await run({
            $0.clock = own
            $0.hasWorkers = false
        }) { engine, memory, others async throws in
            func sweep(after duration: Duration) async throws {
                for clock in [own, others] { clock.advance(by: duration) }
                try await engine.sweeper.sweep(engine.pool)
                try await engine.sweeper.forgetErrors()
            }
            try await engine.put("/a", [1])
            let id = try engine.id("/a")
            var object = try await engine.pooled("/a")
            object.lastUsed = others.now
            _ = try await memory.recordPresent(id, object)
            let failed = try engine.id("/b")
            _ = try await memory.claim(failed)
            let lease = try #require(try await memory.lease(pools: [id.pool], worker: "test", duration: .seconds(1)))
            let failure = CopyFailure(reason: .origin(status: 404), message: "there is none", retryAt: others.now + .seconds(3_660))
            try await memory.finish(lease, .failed(failure))

            try await sweep(after: .milliseconds(3_599_999))
            #expect(try await engine.object("/a").markedAt == nil)
            try await sweep(after: .milliseconds(1))
            #expect(try await engine.object("/a").markedAt == others.now)
            try await sweep(after: .milliseconds(59_999))
            #expect(try await engine.isInPool("/a"))
            try await sweep(after: .milliseconds(1))
            #expect(try await !engine.isInPool("/a"))
            #expect(try await memory.replica(failed)?.state == .error)
        }
    }

    @Test("The service sweeps at its start and then at every interval, and goes on when the pool or the state fails")
    func service() async throws {
        try await run({ $0.hasWorkers = false }) { engine, memory, clock async throws in
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await engine.sweeper.run() }
                // Sweeps and surveys.
                await clock.sleepers(2)
                #expect(engine.store.count(.list) == 1)
                #expect(engine.base.count(.totals) == 3)
                #expect(engine.base.count(.forgetErrors) == 1)
                engine.base.fail()
                clock.advance(by: .seconds(60))
                await clock.sleepers(2)
                engine.base.heal()
                let failed = (engine.base.count(.totals), engine.base.count(.forgetErrors))
                clock.advance(by: .seconds(60))
                try await engine.base.calls(.totals, failed.0 + 3)
                try await engine.base.calls(.forgetErrors, failed.1 + 1)
                // Comparing with the pool is for every few hours.
                #expect(engine.store.count(.list) == 1)
                group.cancelAll()
            }
        }
    }

    @Test("A comparison that the pool failed is tried again after ten minutes, and not only after six hours")
    func comparesAgain() async throws {
        try await run({ $0.hasWorkers = false }) { engine, _, clock async throws in
            engine.store.fail(.list, .unavailable)
            await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await engine.sweeper.run() }
                await clock.sleepers(2)
                engine.store.heal()
                for (duration, count) in [(599, 1), (60, 2), (21_000, 2), (600, 3)] {
                    clock.advance(by: .seconds(duration))
                    await clock.sleepers(2)
                    #expect(engine.store.count(.list) == count)
                }
                group.cancelAll()
            }
        }
    }

    @Test("A comparison that had to leave out an object is made again after ten minutes, and then after twice as long each time")
    func comparesLater() async throws {
        try await run({ $0.hasWorkers = false }) { engine, _, clock async throws in
            try await engine.put("/a", [1])
            engine.store.fail(.head, .unavailable)
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask { try await engine.sweeper.run() }
                await clock.sleepers(2)
                func pass(_ seconds: Int, comparisons: Int) async {
                    for (duration, count) in [(seconds - 1, comparisons - 1), (60, comparisons)] {
                        clock.advance(by: .seconds(duration))
                        await clock.sleepers(2)
                        #expect(engine.store.count(.list) == count)
                    }
                }
                await pass(600, comparisons: 2)
                await pass(1_200, comparisons: 3)
                engine.store.heal()
                await pass(2_400, comparisons: 4)
                #expect(try await engine.status("/a") != nil)
                // Of another object.
                try await engine.put("/b", [1])
                engine.store.fail(.head, .unavailable)
                await pass(21_600, comparisons: 5)
                await pass(600, comparisons: 6)
                group.cancelAll()
            }
        }
    }
}
