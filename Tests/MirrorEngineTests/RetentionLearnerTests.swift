import MirrorCore
import MirrorState
import MirrorTesting
import Retention
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: tables over time, and of other processes", .timeLimit(.minutes(1)))
struct RetentionLearnerTests {
    private static let day = Duration.seconds(86_400)

    /// With a table, which was made just now.
    private func learnt() async throws -> LearningScene {
        let scene = try LearningScene()
        _ = try await scene.use(try scene.id("a/1"))
        scene.clock.advance(by: Self.day)
        await scene.learner.step()
        #expect(scene.learned.lives.table?.time == scene.now)
        return scene
    }

    @Test("Each table of another process is taken over, not only the first")
    func newerTables() async throws {
        let scene = try await learnt()
        let learned = LearnedRetention(prices: scene.learned.lives.prices, isOn: true)
        let recorder = ActivityRecorder(store: scene.state, learned: learned, clock: scene.clock, logger: EngineFixture.logger)
        let other = RetentionLearner(
            store: scene.state, learned: learned, recorder: recorder, name: "other", clock: scene.clock, logger: EngineFixture.logger)
        for _ in 0..<3 {
            await other.step()
            #expect(learned.lives.table?.time == scene.now)
            #expect(learned.lives.table == scene.learned.lives.table)
            scene.clock.advance(by: Self.day)
            await scene.learner.step()
            #expect(scene.learned.lives.table?.time == scene.now)
        }
        #expect(!other.isComputing)
    }

    @Test("A table of the future, which a wrong clock has made, is replaced")
    func futureTable() async throws {
        let scene = try await learnt()
        let made = scene.now
        scene.clock.setTime(by: .zero - Self.day)
        await scene.learner.step()
        #expect(scene.learned.lives.table?.time == made, "clocks are off by hours")
        scene.clock.setTime(by: .seconds(-1))
        await scene.learner.step()
        #expect(scene.learned.lives.table?.time == scene.now)
    }

    @Test("That there was no new table for three days is said once")
    func staleTable() async throws {
        let scene = try await learnt()
        let log = LogRecorder()
        let learner = RetentionLearner(
            store: scene.state, learned: scene.learned, recorder: scene.recorder, name: "reader", clock: scene.clock, logger: log.logger)
        // A process that has the right to make tables, and makes none.
        try await scene.state.giveBackComputingLease("test")
        #expect(try await scene.state.takeComputingLease("stuck", duration: Self.day * 10))
        scene.clock.advance(by: Self.day * 3)
        await learner.step()
        #expect(log.all.isEmpty)
        for _ in 0..<2 {
            scene.clock.advance(by: .seconds(1))
            await learner.step()
            #expect(log.all.count == 1)
        }
        #expect(log.all.first?.contains("has not been learned again for three days") == true)
    }
}
