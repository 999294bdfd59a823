import MirrorCore
import MirrorState
import Retention
import MirrorTesting
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: a full pool", .timeLimit(.minutes(1)))
struct LeastWorthTests {
    @Test("What is expected to save least leaves first, even if it was used last")
    func leastWorth() async throws {
        let scene = try LearningScene(pools: ["local/a"], maxBytes: 4 * LearningScene.gibibyte)
        // Those in `daily` are read every six hours, those in `once` never again.
        for round in 0..<40 {
            for number in 0..<3 { _ = try await scene.use(try scene.id("daily/\(number)"), bytes: 1 << 20) }
            _ = try await scene.use(try scene.id("once/\(round)"), bytes: 1 << 20)
            scene.clock.advance(by: .seconds(21_600))
            try await scene.sweep()
        }
        await scene.learner.step()
        #expect(scene.learned.lives.table != nil)
        for number in 0..<3 { _ = try await scene.use(try scene.id("daily/\(number)")) }
        scene.clock.advance(by: .seconds(120))
        let young = try scene.id("once/young")
        _ = try await scene.use(young)
        scene.clock.advance(by: .seconds(120))
        let pool = scene.pools.all[0]
        let evictor = Evictor(
            state: scene.state, remover: scene.remover, uses: scene.uses,
            metrics: EngineMetrics(pools: [pool.id], factory: CountingMetrics()),
            logger: EngineFixture.logger)
        try await evictor.mark(PoolAmount(bytes: 1 << 29, replicas: 1), in: pool)
        let marked = try await scene.state.leastRecentlyUsed(in: pool.id, after: nil, limit: 100).filter { replica in
            if case .present(let object) = replica.status { object.markedAt != nil } else { false }
        }
        #expect(marked.contains { $0.id == young })
        #expect(!marked.contains { $0.id.artifact.path.hasPrefix("/daily/") })
    }
}
