import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import Retention
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Retention by cost: requests are answered as a plan of them says", .timeLimit(.minutes(2)))
struct LearningRequestTests {
    private static let bytes: Int64 = 1_000
    private static let prices = LearningScene.prices

    private func run(_ scene: LearningScene, _ body: (EngineFixture) async throws -> Void) async throws {
        try await EngineFixture.run({
            $0.clock = scene.clock
            $0.state = scene.state
            $0.store = MemoryStore(clock: scene.clock)
            $0.otherPools["local/second"] = MemoryStore(clock: scene.clock)
            ($0.policy, $0.grace, $0.coarseness) = (.cost, .zero, .zero)
            ($0.learned, $0.activity, $0.costs) = (scene.learned, scene.recorder, scene.policy)
        }) { engine async throws in
            engine.origin.on(everything: { _ in .generated(size: Self.bytes) })
            try await body(engine)
        }
    }

    /// Asks for an artifact, and returns once that is recorded.
    ///
    /// - Returns: The outcome, or why the origin is to be read.
    private func ask(_ path: String, in pool: Pool, _ engine: EngineFixture, _ scene: LearningScene) async throws -> String {
        let id = ReplicaID(artifact: try engine.artifact("/\(path)"), pool: pool.id)
        let answer = await engine.redirects.answer(id.artifact, in: pool, wait: nil)
        let now = ActivityRecord.seconds(scene.clock.now)
        // Of a copy it is known a little later that it is there.
        while try await scene.record(id)?.own != now {
            try Task.checkCancellation()
            await engine.uses.flush()
            await Task.yield()
        }
        return answer.fallback?.rawValue ?? answer.outcome.rawValue
    }

    // All times are whole seconds, as records have them, and what has expired is deleted before each request.
    @Test("What is there and what is copied at each request of thirty days")
    func requests() async throws {
        let scene = try LearningScene(pools: ["local/dev", "local/second"], prices: Self.prices)
        let start = scene.now
        let plan = try LearningTrace.plan(bytes: Self.bytes, Self.prices, from: Int(start))
        try await run(scene) { engine async throws in
            var outcomes: [String: Int] = [:]
            func sweep() async throws {
                for pool in engine.pools.all {
                    // The first marks, the second deletes.
                    for _ in 0..<2 { try await engine.sweeper.sweep(pool) }
                }
            }
            var nextTable = start + 86_400
            for (number, use) in LearningTrace.uses.enumerated() {
                let time = start + Double(use.time)
                while nextTable <= time {
                    scene.move(to: nextTable)
                    try await sweep()
                    await scene.learner.step()
                    #expect(scene.learned.lives.table?.time == nextTable)
                    nextTable += 86_400
                }
                scene.move(to: time)
                try await sweep()
                let outcome = try await ask(LearningTrace.path(use.artifact), in: engine.pools.all[use.pool], engine, scene)
                #expect(outcome == (plan.decisions.isHit[number] ? Outcome.hit : .wait).rawValue, "request \(number)")
                outcomes[outcome, default: 0] += 1
            }
            #expect(outcomes["hit", default: 0] > 100 && outcomes["wait", default: 0] > 50)
        }
        // Otherwise the trace would show nothing of what was learned.
        #expect(plan.hits.hazard != plan.hits.halfBreakEven)
    }

    @Test("A copy that is there before its claim has returned is recorded, too")
    func quickCopy() async throws {
        let scene = try LearningScene(pools: ["local/dev", "local/second"], prices: Self.prices)
        try await run(scene) { engine async throws in
            engine.base.after(.claim) {
                _ = try await engine.base.results(1)
                for _ in 0..<1_000 { await Task.yield() }
            }
            let id = try engine.id("/a")
            #expect(await engine.redirects.answer(id.artifact, in: engine.pool, wait: nil).outcome == .wait)
            for _ in 0..<1_000 {
                await engine.uses.flush()
                await Task.yield()
            }
            #expect(try await scene.record(id)?.uses == 1)
        }
    }
}
