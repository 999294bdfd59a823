import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Retention: uses are recorded coarsely and in batches", .timeLimit(.minutes(1)))
struct UseRecorderTests {
    private let clock = ManualClock()
    private let state: ScriptedStateStore
    private let recorder: UseRecorder

    init() {
        state = ScriptedStateStore(MemoryStateStore(clock: clock))
        recorder = UseRecorder(state: state, coarseness: .seconds(60)...Duration.seconds(60), clock: clock, logger: EngineFixture.logger)
    }

    private func id(_ number: Int) throws -> ReplicaID {
        ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/\(number)"), pool: try #require(PoolID("local/dev")))
    }

    @Test("A use is written once the last one that was written is old enough, with its own time")
    func coarse() async throws {
        let known = clock.now
        clock.advance(by: .milliseconds(59_999))
        recorder.record(try id(1), bytes: 1, lastUsed: known)
        await recorder.flush()
        #expect(state.uses.isEmpty)
        clock.advance(by: .milliseconds(1))
        recorder.record(try id(1), bytes: 1, lastUsed: known)
        let used = clock.now
        clock.advance(by: .milliseconds(500))
        await recorder.flush()
        #expect(state.uses == [[ReplicaUse(id: try id(1), at: used)]])
        await recorder.flush()
        #expect(state.uses.count == 1)
    }

    @Test("A use is written if the last one that was written is in the future, as after the clock was set back")
    func future() async throws {
        recorder.record(try id(1), bytes: 1, lastUsed: clock.now + .seconds(3_600))
        await recorder.flush()
        #expect(state.uses == [[ReplicaUse(id: try id(1), at: clock.now)]])
    }

    @Test("Many uses of one replica between two writes are one, the last")
    func once() async throws {
        let known = clock.now - .seconds(100)
        for _ in 0..<10 {
            recorder.record(try id(1), bytes: 1, lastUsed: known)
            clock.advance(by: .milliseconds(10))
        }
        await recorder.flush()
        #expect(state.uses == [[ReplicaUse(id: try id(1), at: clock.now - .milliseconds(10))]])
    }

    @Test("Uses of many replicas are written in batches, each use once")
    func batches() async throws {
        let known = clock.now - .seconds(100)
        for number in 0..<1_200 { recorder.record(try id(number), bytes: 1, lastUsed: known) }
        await recorder.flush()
        #expect(state.uses.map(\.count).sorted() == [200, 500, 500])
        #expect(Set(state.uses.joined().map(\.id)).count == 1_200)
    }

    @Test("Uses that cannot be written are held, with their own times, and written with later ones")
    func failure() async throws {
        state.before(.touch) { throw StateError(.unavailable, "scripted") }
        let (first, known) = (clock.now, clock.now - .seconds(100))
        recorder.record(try id(1), bytes: 1, lastUsed: known)
        recorder.record(try id(2), bytes: 1, lastUsed: known)
        #expect(await recorder.flush().isEmpty)
        state.heal()
        clock.advance(by: .seconds(1))
        recorder.record(try id(2), bytes: 1, lastUsed: known)
        #expect(Set(await recorder.flush()) == [try id(1), try id(2)])
        let written = try #require(state.uses.last)
        #expect(Set(written) == [ReplicaUse(id: try id(1), at: first), ReplicaUse(id: try id(2), at: clock.now)])
        #expect(await recorder.flush().isEmpty)
    }

    @Test("The more replicas are in use, the older a written use must be, within the range; when they are fewer, it goes back")
    func manyReplicas() async throws {
        let recorder = UseRecorder(
            state: state, coarseness: .seconds(30)...Duration.seconds(900), clock: clock, logger: EngineFixture.logger)
        #expect(recorder.coarseness == .seconds(30))
        recorder.adapt(to: UseRecorder.maxRate)
        #expect(recorder.coarseness == .seconds(30))
        recorder.adapt(to: UseRecorder.maxRate * 3 / 2)
        #expect(recorder.coarseness == .seconds(45))
        let known = clock.now
        clock.advance(by: .seconds(44))
        recorder.record(try id(1), bytes: 1, lastUsed: known)
        #expect(await recorder.flush().isEmpty)
        for _ in 0..<10 { recorder.adapt(to: 1_000_000) }
        #expect(recorder.coarseness == .seconds(900))
        for _ in 0..<100 { recorder.adapt(to: 0) }
        #expect(recorder.coarseness == .seconds(30))
        recorder.adapt(to: UseRecorder.maxRate * 2)
        recorder.reload(coarseness: .seconds(1)...Duration.seconds(5))
        #expect(recorder.coarseness == .seconds(1))
    }

    @Test("The number of uses in each second decides how old a written use must be")
    func adaptsWhileItRuns() async throws {
        let recorder = UseRecorder(
            state: state, coarseness: .seconds(30)...Duration.seconds(900), clock: clock, logger: EngineFixture.logger)
        let running = Task { await recorder.run() }
        await clock.sleepers(1)
        let known = clock.now - .seconds(3_600)
        for number in 0..<(2 * UseRecorder.maxRate) { recorder.record(try id(number), bytes: 1, lastUsed: known) }
        clock.advance(by: .seconds(1))
        await clock.sleepers(1)
        #expect(recorder.coarseness == .seconds(60))
        running.cancel()
        await running.value
    }

    @Test("While very many come within a second, fewer are held")
    func adaptsAtOnce() async throws {
        let recorder = UseRecorder(
            state: state, coarseness: .seconds(30)...Duration.seconds(900), clock: clock, logger: EngineFixture.logger)
        let known = clock.now - .seconds(800)
        for number in 0..<(20 * UseRecorder.maxRate) where recorder.isDue(clock.now, lastUsed: known) {
            recorder.record(try id(number), bytes: 1, lastUsed: known)
        }
        #expect(recorder.coarseness == .seconds(900))
        #expect(await recorder.flush().count == 10 * UseRecorder.maxRate + 1)
    }

    @Test("Uses of replicas that have a use to be written make no difference to that")
    func adaptsToReplicas() async throws {
        let recorder = UseRecorder(
            state: state, coarseness: .seconds(30)...Duration.seconds(900), clock: clock, logger: EngineFixture.logger)
        let known = clock.now - .seconds(3_600)
        for number in 0...(2 * UseRecorder.maxRate) { recorder.record(try id(number), bytes: 1, lastUsed: known) }
        #expect(recorder.coarseness == .seconds(60))
        for _ in 0..<10 { recorder.record(try id(0), bytes: 1, lastUsed: known) }
        #expect(recorder.coarseness == .seconds(60))
    }

    @Test("A use that was written at once is not written again")
    func atOnce() async throws {
        try await recorder.write(try id(1), bytes: 1, lastUsed: clock.now - .seconds(100))
        let written = [[ReplicaUse(id: try id(1), at: clock.now)]]
        #expect(state.uses == written)
        clock.advance(by: .seconds(1))
        // What is done after a use is still to be done.
        #expect(await recorder.flush() == [try id(1)])
        #expect(state.uses == written)
        #expect(await recorder.flush().isEmpty)
    }

    @Test("A use that was written at once is learned from, once")
    func atOnceAndLearned() async throws {
        let scene = try LearningScene()
        let id = try scene.id("a")
        let lastUsed = scene.clock.now
        _ = try await scene.use(id)
        scene.clock.advance(by: .seconds(3_600))
        try await scene.uses.write(id, bytes: LearningScene.gibibyte, lastUsed: lastUsed)
        for _ in 0..<2 { await scene.uses.flush() }
        let record = try #require(try await scene.record(id))
        #expect(record.uses == 2)
        #expect(record.own == ActivityRecord.seconds(scene.clock.now))
    }

    @Test("What is held is written every second, and once more at the end")
    func service() async throws {
        let running = Task { await recorder.run() }
        await clock.sleepers(1)
        recorder.record(try id(1), bytes: 1, lastUsed: clock.now - .seconds(100))
        clock.advance(by: .seconds(1))
        try await state.calls(.touch, 1)
        await clock.sleepers(1)
        recorder.record(try id(2), bytes: 1, lastUsed: clock.now - .seconds(100))
        running.cancel()
        await running.value
        #expect(state.uses.map { $0.map(\.id) } == [[try id(1)], [try id(2)]])
    }

    @Test("A hot replica costs no write within the coarseness, and one after it")
    func hot() async throws {
        let clock = clock
        try await EngineFixture.run({
            $0.clock = clock
            $0.coarseness = .seconds(60)
        }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            _ = try await engine.ask("/a.txt")
            for _ in 0..<100 { #expect(try await engine.ask("/a.txt").outcome == .hit) }
            await engine.uses.flush()
            #expect(engine.base.count(.touch) == 0)
            clock.advance(by: .seconds(60))
            for _ in 0..<100 {
                #expect(try await engine.ask("/a.txt").outcome == .hit)
                await engine.uses.flush()
            }
            #expect(engine.base.count(.touch) == 1)
            #expect(try await engine.object("/a.txt").lastUsed == clock.now)
        }
    }
}
