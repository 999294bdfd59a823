import MirrorCore
import MirrorState
import MirrorTesting
import Retention
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: uses are recorded and summed up", .timeLimit(.minutes(1)))
struct ActivityRecorderTests {
    private func object(_ id: ReplicaID, _ scene: LearningScene) -> StoredObject {
        StoredObject(key: ObjectKey(id.artifact), size: 1_000, sha256: nil, storedAt: scene.clock.now, lastUsed: scene.clock.now)
    }

    /// Tells the recorder of a change.
    private func tell(_ change: ReplicaChange, _ scene: LearningScene) async {
        let (changes, stream) = AsyncStream.makeStream(of: ReplicaChange.self)
        stream.yield(change)
        stream.finish()
        await scene.recorder.run(changes, scene.state)
    }

    @Test("A request that a copy is made for counts from when it was made, once the copy is there; what is never copied is not recorded")
    func misses() async throws {
        let scene = try LearningScene()
        let (copied, failed) = (try scene.id("a/1"), try scene.id("a/2"))
        let requested = scene.clock.now
        scene.recorder.expect(copied, at: requested)
        scene.recorder.expect(failed, at: requested)
        scene.clock.advance(by: .seconds(30))
        scene.recorder.expect(copied, at: scene.clock.now)
        let (changes, change) = AsyncStream.makeStream(of: ReplicaChange.self)
        change.yield(.replica(copied, Replica(id: copied, status: .pending)))
        change.yield(.replica(copied, Replica(id: copied, status: .present(object(copied, scene)))))
        let failure = CopyFailure(reason: .origin(status: 404), message: "there is none", retryAt: scene.clock.now)
        change.yield(.replica(failed, Replica(id: failed, status: .error(failure))))
        change.finish()
        await scene.recorder.run(changes, scene.state)
        await scene.recorder.record([])
        #expect(try await scene.record(copied)?.own == ActivityRecord.seconds(requested))
        #expect(try await scene.record(failed) == nil)
    }

    @Test("Where changes may have been missed, copies that have come are found all the same")
    func missedChanges() async throws {
        let scene = try LearningScene()
        let id = try scene.id("a/1")
        scene.recorder.expect(id, at: scene.clock.now)
        await scene.recorder.confirmExpected(id, scene.state)
        _ = try await scene.state.recordPresent(id, object(id, scene))
        let (changes, change) = AsyncStream.makeStream(of: ReplicaChange.self)
        change.yield(.everything)
        change.finish()
        await scene.recorder.run(changes, scene.state)
        await scene.recorder.record([])
        #expect(try await scene.record(id)?.uses == 1)
    }

    @Test("Late news of an earlier replica ends no wait for a copy, neither before its claim nor after it", arguments: [false, true])
    func lateNews(isClaimed: Bool) async throws {
        let scene = try LearningScene()
        let id = try scene.id("a/1")
        let old = object(id, scene)
        scene.clock.advance(by: .seconds(60))
        let requested = scene.clock.now
        scene.recorder.expect(id, at: requested)
        func claim() async throws {
            _ = try await scene.state.claim(id)
            await scene.recorder.confirmExpected(id, scene.state)
        }
        if isClaimed { try await claim() }
        let failure = CopyFailure(reason: .transfer, message: "", retryAt: requested)
        for late in [.present(old), .error(failure), .removing, nil] as [Replica.Status?] {
            await tell(.replica(id, late.map { Replica(id: id, status: $0) }), scene)
        }
        if !isClaimed { try await claim() }
        scene.clock.advance(by: .seconds(30))
        await tell(.replica(id, Replica(id: id, status: .present(object(id, scene)))), scene)
        await scene.recorder.record([])
        let record = try await scene.record(id)
        #expect(record?.uses == 1)
        #expect(record?.own == ActivityRecord.seconds(requested))
    }

    @Test("A copy that has ended before its claim has returned is not awaited for ever", arguments: [false, true])
    func endsEarly(isCopied: Bool) async throws {
        let scene = try LearningScene()
        let id = try scene.id("a/1")
        scene.recorder.expect(id, at: scene.clock.now)
        if isCopied { _ = try await scene.state.recordPresent(id, object(id, scene)) }
        await tell(.stale(id), scene)
        #expect(!scene.recorder.expect(id, at: scene.clock.now))
        await scene.recorder.confirmExpected(id, scene.state)
        #expect(scene.recorder.expect(id, at: scene.clock.now))
        await scene.recorder.record([])
        let record = try await scene.record(id)
        #expect((record != nil) == isCopied)
    }

    @Test("A replica that is swept leaves its record, with when it ended; a purge takes the record with it")
    func endings() async throws {
        let scene = try LearningScene()
        let (swept, purged) = (try scene.id("a/1"), try scene.id("a/2"))
        _ = try await scene.use(swept)
        _ = try await scene.use(purged)
        _ = try await scene.remover.purge(purged)
        #expect(try await scene.record(purged) == nil)
        // Half of T*, which is three days.
        scene.clock.advance(by: .seconds(129_599))
        try await scene.sweep()
        #expect(try await scene.isThere(swept))
        scene.clock.advance(by: .seconds(1))
        try await scene.sweep()
        #expect(try await !scene.isThere(swept))
        #expect(try await scene.record(swept)?.gone == ActivityRecord.seconds(scene.clock.now))
        scene.clock.advance(by: .seconds(60))
        #expect(try await !scene.use(swept))
        #expect(try await scene.record(swept)?.gone == 0)
        #expect(try await scene.record(swept)?.uses == 2)
    }

    @Test("A use in another pool keeps a replica for longer, as one that is judged anew")
    func renews() async throws {
        let scene = try LearningScene()
        let (here, elsewhere) = (try scene.id("a/1", 0), try scene.id("a/1", 1))
        _ = try await scene.use(here)
        scene.clock.advance(by: .seconds(100_000))
        _ = try await scene.use(elsewhere)
        scene.clock.advance(by: .seconds(100_000))
        try await scene.sweep()
        #expect(try await scene.isThere(here))
        scene.clock.advance(by: .seconds(29_600))
        try await scene.sweep()
        #expect(try await !scene.isThere(here))
    }

    @Test("Two processes that see half of the uses each add to the same sums, and either makes the table that both read")
    func shares() async throws {
        let one = try LearningScene()
        let learned = LearnedRetention(prices: one.learned.lives.prices, isOn: true)
        let recorder = ActivityRecorder(store: one.state, learned: learned, clock: one.clock, logger: EngineFixture.logger)
        let other = RetentionLearner(
            store: one.state, learned: learned, recorder: recorder, name: "other", clock: one.clock, logger: EngineFixture.logger)
        let alone = try LearningScene()
        for number in 0..<60 {
            let use = ActivityRecorder.Use(id: try one.id("a/\(number % 7)"), at: one.clock.now, bytes: 1 << 20)
            await (number.isMultiple(of: 2) ? one.recorder : recorder).record([use])
            await alone.recorder.record([use])
            one.clock.advance(by: .seconds(1_700))
            alone.clock.advance(by: .seconds(1_700))
        }
        await recorder.flush(at: one.clock.now)
        await one.learner.step()
        await alone.learner.step()
        await other.step()
        let table = try #require(one.learned.lives.table)
        let own = try #require(alone.learned.lives.table)
        #expect(learned.lives.table == table)
        #expect(table.nodes.count == own.nodes.count)
        for node in table.nodes.indices {
            #expect(zip(table.nodes[node].hazards.values, own.nodes[node].hazards.values).allSatisfy { abs($0 - $1) < 1e-9 }, "\(node)")
        }
        #expect(one.learner.isComputing)
        #expect(!other.isComputing)
    }

    @Test("An artifact that is forgotten to make room for others counts as one that was not used again", arguments: [1, 1_000])
    func forgotten(history: Int) async throws {
        let scene = try LearningScene(history: history)
        _ = try await scene.use(try scene.id("a/1"))
        scene.clock.advance(by: .seconds(3_600))
        await scene.recorder.flush(at: scene.clock.now)
        _ = try await scene.use(try scene.id("a/2"))
        await scene.recorder.flush(at: scene.clock.now)
        try await scene.learner.makeTable(at: scene.now)
        let all = try #require(scene.learned.lives.table?.nodes.first)
        // One was not used for an hour; what is older counts a little less.
        #expect(all.ended == 0)
        #expect(all.unended > 1.99 && all.unended <= 2)
    }

    @Test("There is no table of less than a day, and an old one stays in force")
    func tables() async throws {
        let scene = try LearningScene()
        _ = try await scene.use(try scene.id("a/1"))
        scene.clock.advance(by: .seconds(86_399))
        await scene.learner.step()
        #expect(scene.learned.lives.table == nil)
        scene.clock.advance(by: .seconds(3_600))
        await scene.learner.step()
        let first = try #require(scene.learned.lives.table?.time)
        #expect(first == scene.now)
        scene.clock.advance(by: .seconds(86_399))
        await scene.learner.step()
        #expect(scene.learned.lives.table?.time == first)
        scene.clock.advance(by: .seconds(1))
        await scene.learner.step()
        #expect(scene.learned.lives.table?.time == scene.now)
        // Another process finds it at its start.
        let restarted = LearnedRetention(prices: scene.learned.lives.prices, isOn: true)
        let recorder = ActivityRecorder(store: scene.state, learned: restarted, clock: scene.clock, logger: EngineFixture.logger)
        let learner = RetentionLearner(
            store: scene.state, learned: restarted, recorder: recorder, name: "restarted", clock: scene.clock, logger: EngineFixture.logger)
        await learner.step()
        #expect(restarted.lives.table == scene.learned.lives.table)
    }

    @Test(
        "What the state has lost while the mirror runs is learned again from nothing, as at the first start: lives are half of T* until then"
    )
    func lostState() async throws {
        let scene = try LearningScene()
        let store = LosableActivityStore(clock: scene.clock)
        let learned = LearnedRetention(prices: scene.learned.lives.prices, isOn: true)
        let recorder = ActivityRecorder(store: store, learned: learned, clock: scene.clock, logger: EngineFixture.logger)
        let learner = RetentionLearner(
            store: store, learned: learned, recorder: recorder, name: "test", clock: scene.clock, logger: EngineFixture.logger)
        let id = try scene.id("models/1")
        func use() async { await recorder.record([ActivityRecorder.Use(id: id, at: scene.clock.now, bytes: LearningScene.gibibyte)]) }

        for _ in 0..<24 {
            await use()
            scene.clock.advance(by: .seconds(3_600))
        }
        await learner.step()
        #expect(learned.lives.table?.time == scene.now)
        store.lose()
        await learner.step()
        #expect(learned.lives.table == nil)

        await use()
        let stored = try await store.activity(of: [ActivityKey(id.artifact)])
        let found = stored.first ?? nil
        let record = try #require(found)
        let uses = try #require(record.pools.first)
        let expiry = learned.lives.expiry(uses, of: record.artifactClass, bytes: LearningScene.gibibyte, in: id.pool)
        #expect(expiry == Double(uses.own) + 129_600)
        scene.clock.advance(by: .seconds(86_399))
        await learner.step()
        #expect(learned.lives.table == nil)
        scene.clock.advance(by: .seconds(3_600))
        await learner.step()
        let table = try #require(learned.lives.table)
        #expect(table.time == scene.now)
        // The class is in the list again, although this process had added it before.
        #expect(table.classes == ["https://artifacts.example.org/models"])
        #expect(table.nodes.count == 5)
        let document = try await store.document(.table)
        #expect(try #require(document).bytes == table.encoded)
    }

    @Test("A class that the state has lost is listed again at its next use")
    func lostClasses() async throws {
        let scene = try LearningScene()
        let store = LosableActivityStore(clock: scene.clock)
        let recorder = ActivityRecorder(store: store, learned: scene.learned, clock: scene.clock, logger: EngineFixture.logger)
        let id = try scene.id("models/1")
        let use = ActivityRecorder.Use(id: id, at: scene.clock.now, bytes: 1)
        await recorder.record([use])
        #expect(try await store.addClasses([]) == ["https://artifacts.example.org/models"])
        store.lose()
        try await recorder.refreshClasses()
        await recorder.record([use])
        #expect(try await store.addClasses([]) == ["https://artifacts.example.org/models"])
    }

    @Test("A class whose account is overdrawn is guarded at once: its replicas are kept for T*, in every process")
    func guards() async throws {
        let scene = try LearningScene()
        let id = try scene.id("a/1")
        _ = try await scene.use(id)
        await scene.learner.step()
        let key = scene.learned.lives.key(ActivityRecord.number(of: scene.learned.artifactClass(of: id.artifact)), id.pool)
        let before = try #require(try await scene.record(id))
        #expect(
            scene.learned.lives.expiry(before, of: key.artifactClass, bytes: LearningScene.gibibyte, in: id.pool) == Double(before.own)
                + 129_600)
        // As if what was learned had been wrong a hundred times.
        var account = GuardAccount()
        let costs = scene.learned.lives.costs(of: LearningScene.gibibyte, in: id.pool)
        var open = 0.0
        for _ in 0..<100 { account.settle(costs, gap: 1, kept: 0, isMiss: true, open: &open) }
        scene.recorder.accounts.add(account, key)
        scene.clock.advance(by: .seconds(10))
        _ = try await scene.use(id)
        #expect(scene.learned.lives.guarded.since[key] == ActivityRecord.seconds(scene.clock.now))
        let after = try #require(try await scene.record(id))
        let expiry = scene.learned.lives.expiry(after, of: key.artifactClass, bytes: LearningScene.gibibyte, in: id.pool)
        #expect(abs(expiry - Double(after.own) - 259_200) < 1e-3)
        let stored = try #require(try await scene.state.document(.guards))
        #expect(GuardedClasses(encoded: stored.bytes) == scene.learned.lives.guarded)
        // Where the account is in order again, a new table frees the class.
        var merit = GuardAccount()
        for _ in 0..<200 { merit.settle(costs, gap: 2e6, kept: 0, isMiss: true, open: &open) }
        scene.recorder.accounts.add(merit, key)
        scene.clock.advance(by: .seconds(86_400))
        await scene.learner.step()
        #expect(scene.learned.lives.guarded.since.isEmpty)
    }

    @Test("What leaves a full pool before its time is no misjudgement of its class; what expired before it was requested again is one")
    func evictions() async throws {
        let scene = try LearningScene()
        await scene.learner.step()
        let (evicted, expired) = (try scene.id("full/1"), try scene.id("short/1"))
        func debt(_ id: ReplicaID) -> Double {
            let artifactClass = ActivityRecord.number(of: scene.learned.artifactClass(of: id.artifact))
            return scene.recorder.accounts.account(scene.learned.lives.key(artifactClass, id.pool)).debt
        }
        let pool = try #require(scene.pools[evicted.pool])
        for _ in 0..<40 {
            #expect(try await !scene.use(evicted))
            scene.clock.advance(by: .seconds(3_600))
            let now = scene.clock.now
            _ = try await scene.state.mark([evicted], unusedSince: now)
            let removed = try await scene.remover.remove([(id: evicted, at: now, bytes: LearningScene.gibibyte)], in: pool)
            #expect(removed == [evicted])
            #expect(try await scene.record(evicted)?.gone == ActivityRecord.seconds(now))
            scene.clock.advance(by: .seconds(3_600))
        }
        #expect(debt(evicted) < 0)
        #expect(scene.learned.lives.guarded.since.isEmpty)
        _ = try await scene.use(expired)
        scene.clock.advance(by: .seconds(129_600))
        try await scene.sweep()
        #expect(try await !scene.use(expired))
        #expect(debt(expired) > 0)
    }

    @Test("Nothing is recorded where no pool goes by cost")
    func off() async throws {
        let scene = try LearningScene()
        scene.learned.isOn = false
        let id = try scene.id("a/1")
        _ = try await scene.use(id)
        await scene.learner.step()
        #expect(try await scene.record(id) == nil)
        #expect(try await scene.state.sums().isEmpty)
    }
}
