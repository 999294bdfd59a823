import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: of the written uses of a replica, the first one in each period is learned from", .timeLimit(.minutes(1)))
struct UsePeriodTests {
    private let scene: LearningScene
    private let id: ReplicaID
    /// When the artifact was copied for its first use. Its next period begins 7.486 seconds later.
    private let start: Timestamp

    init() async throws {
        scene = try LearningScene(coarseness: .seconds(30))
        id = try scene.id("a")
        start = scene.clock.now
        _ = try await scene.use(id)
    }

    /// How many uses were recorded.
    private func recorded() async throws -> UInt16? { try await scene.record(id)?.uses }

    /// The last use that the state knows.
    private func written() async throws -> Timestamp? {
        guard case .present(let object) = try await scene.state.replica(id)?.status else { return nil }
        return object.lastUsed
    }

    private func recorder(_ state: any StateStore, coarsest: Duration = .seconds(30)) -> UseRecorder {
        UseRecorder(
            state: state, coarseness: .seconds(30)...coarsest, activity: scene.recorder, clock: scene.clock, logger: EngineFixture.logger)
    }

    @Test("Of a hot replica each use that is due is written, and a tenth is learned from")
    func hot() async throws {
        for number in 1...100 {
            scene.clock.advance(by: .seconds(30))
            scene.uses.record(id, bytes: 1, lastUsed: scene.clock.now - .seconds(30))
            #expect(await scene.uses.flush() == [id], "use \(number)")
        }
        #expect(try await written() == scene.clock.now)
        #expect(try await recorded() == 11)
    }

    @Test("Where several uses are written as one, the first one says when the previous use was")
    func together() async throws {
        scene.clock.advance(by: .seconds(40))
        let first = scene.clock.now
        scene.uses.record(id, bytes: 1, lastUsed: start)
        scene.clock.advance(by: .seconds(30))
        // What answers from memory knows of the first already.
        scene.uses.record(id, bytes: 1, lastUsed: first)
        #expect(await scene.uses.flush() == [id])
        #expect(try await recorded() == 2)
        #expect(try await scene.record(id)?.own == ActivityRecord.seconds(scene.clock.now))
    }

    @Test("A use that cannot be written is learned from once it is, also if there was another one meanwhile", arguments: [false, true])
    func failure(isUsedAgain: Bool) async throws {
        let state = ScriptedStateStore(scene.state)
        let uses = recorder(state)
        scene.clock.advance(by: .seconds(40))
        let first = scene.clock.now
        uses.record(id, bytes: 1, lastUsed: start)
        state.before(.touch) { [scene, id] in
            if isUsedAgain {
                scene.clock.advance(by: .seconds(30))
                uses.record(id, bytes: 1, lastUsed: first)
            }
            throw StateError(.unavailable, "scripted")
        }
        #expect(await uses.flush().isEmpty)
        #expect(try await recorded() == 1)
        state.heal()
        #expect(await uses.flush() == [id])
        #expect(try await recorded() == 2)
        #expect(try await scene.record(id)?.own == ActivityRecord.seconds(scene.clock.now))
    }

    @Test("A use that was written at once is learned from if it is the first one in its period")
    func atOnce() async throws {
        scene.clock.advance(by: .seconds(40))
        let first = scene.clock.now
        try await scene.uses.write(id, bytes: 1, lastUsed: start)
        #expect(await scene.uses.flush() == [id])
        #expect(try await recorded() == 2)
        scene.clock.advance(by: .seconds(40))
        try await scene.uses.write(id, bytes: 1, lastUsed: first)
        // What else is done after a use is done nevertheless.
        #expect(await scene.uses.flush() == [id])
        #expect(try await recorded() == 2)
    }

    @Test("A use is learned from if the last one is in the future, as after the clock was set back")
    func future() async throws {
        scene.clock.advance(by: .seconds(40))
        scene.uses.record(id, bytes: 1, lastUsed: scene.clock.now + .seconds(3_600))
        #expect(await scene.uses.flush() == [id])
        #expect(try await recorded() == 2)
    }

    @Test("Periods are longer while uses are written less often, and follow a new range")
    func lengths() async throws {
        let uses = recorder(scene.state, coarsest: .seconds(900))
        uses.adapt(to: 2 * UseRecorder.maxRate)
        for _ in 0..<50 {
            scene.clock.advance(by: .seconds(60))
            uses.record(id, bytes: 1, lastUsed: scene.clock.now - .seconds(60))
            #expect(await uses.flush() == [id])
        }
        // Ten minutes each.
        #expect(try await recorded() == 6)
        uses.reload(coarseness: .seconds(1)...Duration.seconds(1))
        for _ in 0..<10 {
            scene.clock.advance(by: .seconds(10))
            uses.record(id, bytes: 1, lastUsed: scene.clock.now - .seconds(10))
            await uses.flush()
        }
        #expect(try await recorded() == 16)
    }
}
