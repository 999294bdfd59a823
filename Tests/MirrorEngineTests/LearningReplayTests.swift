import MirrorCore
import MirrorState
import Retention
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: a mirror decides what a plan of the same requests says", .timeLimit(.minutes(1)))
struct LearningReplayTests {
    // Both are exact here: all times are whole seconds, as records have them, and what has expired is deleted before each use.
    @Test("What is there at each request of thirty days is what the plan keeps, over tables, renewals and expiry")
    func replays() async throws {
        let scene = try LearningScene()
        let start = scene.now
        let plan = try LearningTrace.plan(bytes: LearningScene.gibibyte, LearningScene.prices, from: Int(start))
        var differences: [Int] = []
        var nextTable = start + 86_400
        for (number, use) in LearningTrace.uses.enumerated() {
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
            let isHit = try await scene.use(try scene.id(LearningTrace.path(use.artifact), use.pool))
            if isHit != plan.decisions.isHit[number] { differences.append(number) }
        }
        #expect(differences == [])
        #expect(scene.learned.lives.guarded.since.isEmpty)
        // Otherwise the trace would show nothing of what was learned.
        #expect(plan.hits.hazard != plan.hits.halfBreakEven)
    }
}
