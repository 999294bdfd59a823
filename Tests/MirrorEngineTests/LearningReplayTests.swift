import MirrorCore
import MirrorState
import Retention
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: a mirror decides what a plan of the same requests says", .timeLimit(.minutes(1)))
struct LearningReplayTests {
    private struct Use {
        /// Seconds since the first.
        let time: Int
        let artifact: Int
        let pool: Int
    }

    /// Of three kinds of artifacts: some are read often for some days, some come back a little later than half of T*, and some never.
    private static let uses: [Use] = {
        var state: UInt64 = 42
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(limit))
        }
        var uses = [Use(time: 0, artifact: 0, pool: 0)]
        for artifact in 1..<90 {
            var time = 60 + next(16 * 86_400)
            for _ in 0..<[9, 5, 1][artifact % 3] {
                uses.append(Use(time: time, artifact: artifact, pool: next(5) == 0 ? 1 : 0))
                time += artifact % 3 == 0 ? 7_200 + next(14_400) : 131_000 + next(5_000)
            }
        }
        return uses.sorted { $0.time < $1.time }
    }()

    private static func path(_ artifact: Int) -> String { "\(["often", "again", "once"][artifact % 3])/\(artifact)" }

    /// What the learning policy of a plan does at each use.
    private static func plan(_ scene: LearningScene) throws -> (isHit: [Bool], hits: (halfBreakEven: Int, hazard: Int)) {
        var options = ReplayOptions()
        options.recordsDecisions = true
        var replay = Replay(options)
        for _ in scene.pools.all { _ = replay.addPool(LearningScene.prices) }
        for use in uses {
            let hash = UInt64(use.artifact)
            let artifact =
                replay.artifact(hash)
                ?? replay.addArtifact(hash, bytes: LearningScene.gibibyte, artifactClass: UInt32(use.artifact % 3))
            replay.use(artifact, in: use.pool, at: Int64(1_700_000_000 + use.time) * 1_000)
        }
        replay.end()
        let recorded = replay.decisions
        let decisions = try #require(recorded)
        return (decisions.isHit, (replay.total(of: .halfBreakEven).hits, replay.total(of: .hazard).hits))
    }

    // Both are exact here: all times are whole seconds, as records have them, and what has expired is deleted before each use.
    @Test("What is there at each request of thirty days is what the plan keeps, over tables, renewals and expiry")
    func replays() async throws {
        let scene = try LearningScene()
        let start = scene.now
        let plan = try Self.plan(scene)
        var differences: [Int] = []
        var nextTable = start + 86_400
        for (number, use) in Self.uses.enumerated() {
            let time = start + Double(use.time)
            while nextTable <= time {
                scene.move(to: nextTable)
                try await scene.sweep()
                await scene.learner.step()
                #expect(scene.learned.lives.table?.time == nextTable)
                nextTable += 86_400
            }
            scene.move(to: time)
            try await scene.sweep()
            if try await scene.use(try scene.id(Self.path(use.artifact), use.pool)) != plan.isHit[number] { differences.append(number) }
        }
        #expect(differences == [])
        #expect(scene.learned.lives.guarded.since.isEmpty)
        // Otherwise the trace would show nothing of what was learned.
        #expect(plan.hits.hazard != plan.hits.halfBreakEven)
    }
}
