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
    /// T* is three days and some hours. A write costs a twentieth of what is read from the origin, so not every copy is expected to pay.
    private static let prices = PoolPrices(
        egress: 0.02, storage: 0.02 * 730 / 72, put: 0.001 * Double(bytes) / PoolPrices.gibibyte, get: 0, originGet: 0)

    private func run(_ scene: LearningScene, _ body: (EngineFixture) async throws -> Void) async throws {
        try await EngineFixture.run({
            $0.clock = scene.clock
            $0.state = scene.state
            $0.store = MemoryStore(clock: scene.clock)
            $0.otherPools["local/second"] = MemoryStore(clock: scene.clock)
            // The least that the service has. With less, the answer to a request that a copy was made for would be another use of it.
            ($0.policy, $0.grace, $0.coarseness) = (.cost, .zero, .seconds(1))
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
    @Test("What is there, what is copied, and what is neither at each request of thirty days", arguments: Admission.allCases)
    func requests(_ admission: Admission) async throws {
        let scene = try LearningScene(pools: ["local/dev", "local/second"], prices: Self.prices)
        scene.learned.replaceAdmission(with: admission)
        let start = scene.now
        let plan = try LearningTrace.plan(bytes: Self.bytes, Self.prices, admission: admission, from: Int(start))
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
                let copied = plan.decisions.isAdmitted[number] ? Outcome.wait.rawValue : Fallback.unlikelyToPay.rawValue
                #expect(outcome == (plan.decisions.isHit[number] ? Outcome.hit.rawValue : copied), "request \(number)")
                outcomes[outcome, default: 0] += 1
            }
            #expect(outcomes["hit", default: 0] > 100 && outcomes["wait", default: 0] > 50)
            #expect((outcomes[Fallback.unlikelyToPay.rawValue, default: 0] > 10) == (admission == .cost))
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

    @Test("A request that clears a mark is learned from")
    func marked() async throws {
        let scene = try LearningScene(pools: ["local/dev", "local/second"], prices: Self.prices)
        try await run(scene) { engine async throws in
            #expect(try await ask("a", in: engine.pool, engine, scene) == "wait")
            // More than half of T*.
            scene.clock.advance(by: .seconds(200_000))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.object("/a").markedAt != nil)
            let id = try engine.id("/a")
            #expect(await engine.redirects.answer(id.artifact, in: engine.pool, wait: nil).outcome == .hit)
            await engine.uses.flush()
            #expect(try await scene.record(id)?.uses == 2)
        }
    }

    // MARK: Admission

    /// Twenty artifacts that are read each hour, and a hundred that are read once; then a table is made of that.
    private func learn(_ engine: EngineFixture, _ scene: LearningScene) async throws {
        for round in 0..<10 {
            var uses = try (0..<20).map { try engine.id("/often/\($0)") }
            if round == 0 { uses += try (0..<100).map { try engine.id("/once/\($0)") } }
            await scene.recorder.record(uses.map { ActivityRecorder.Use(id: $0, at: scene.clock.now, bytes: Self.bytes) })
            scene.clock.advance(by: .seconds(3_600))
        }
        scene.clock.advance(by: .seconds(72_000))
        await scene.learner.step()
        #expect(scene.learned.lives.table != nil)
    }

    @Test("By cost, what its like is read again is copied, and what is not goes to the origin, and is recorded; HEAD is no use")
    func admission() async throws {
        let scene = try LearningScene(pools: ["local/dev", "local/second"], prices: Self.prices)
        try await run(scene) { engine async throws in
            try await learn(engine, scene)
            #expect(try await ask("once/always", in: engine.pool, engine, scene) == "wait")
            scene.learned.replaceAdmission(with: .cost)
            #expect(try await ask("often/new", in: engine.pool, engine, scene) == "wait")
            let requests = engine.origin.requests.count
            let head = await engine.redirects.answer(try engine.artifact("/once/new"), in: engine.pool, wait: nil, isHead: true)
            #expect(head.fallback == .unlikelyToPay)
            await engine.uses.flush()
            let id = try engine.id("/once/new")
            #expect(try await scene.record(id) == nil)
            #expect(try await ask("once/new", in: engine.pool, engine, scene) == "unlikely-to-pay")
            #expect(engine.origin.requests.count == requests)
            #expect(engine.counters.total(EngineMetrics.Name.fallbacks, "unlikely-to-pay") == 2)
            let record = try #require(try await scene.record(id))
            #expect(record.uses == 1)
            #expect(record.gone == record.own)
            // What is there is used, whatever its like does.
            #expect(try await ask("once/always", in: engine.pool, engine, scene) == "hit")
        }
    }

    @Test("What is recorded without a copy costs a claim; a network without any records nothing, and a guarded class is copied")
    func limits() async throws {
        let scene = try LearningScene(pools: ["local/dev", "local/second"], prices: Self.prices)
        try await run(scene) { engine async throws in
            try await learn(engine, scene)
            scene.learned.replaceAdmission(with: .cost)
            engine.redirects.coldClaims.reload(ColdClaimLimits(perSecond: 1, burst: 1, bytesPerMinute: 0))
            let network = ClientNetwork(IPAddress("192.0.2.1"))
            var reasons: [Fallback?] = []
            for number in 0..<2 {
                let artifact = try engine.artifact("/once/new\(number)")
                reasons.append(await engine.redirects.answer(artifact, in: engine.pool, wait: nil, from: network).fallback)
            }
            #expect(reasons == [.unlikelyToPay, .budget])
            await engine.uses.flush()
            #expect(try await scene.record(try engine.id("/once/new0")) != nil)
            #expect(try await scene.record(try engine.id("/once/new1")) == nil)
            let id = try engine.id("/once/new2")
            let key = scene.learned.lives.key(ActivityRecord.number(of: scene.learned.artifactClass(of: id.artifact)), id.pool)
            scene.learned.change { $0.guarded.since[key] = 1 }
            #expect(try await ask("once/new2", in: engine.pool, engine, scene) == "wait")
        }
    }

    @Test("By cost, an object that the state does not know is found, at the price of a claim; what is known to be gone is not looked for")
    func unknownObjects() async throws {
        // No copy ever pays.
        let prices = PoolPrices(
            egress: 0.02, storage: 0.02 * 730 / 72, put: 0.03 * Double(Self.bytes) / PoolPrices.gibibyte, get: 0, originGet: 0)
        let scene = try LearningScene(pools: ["local/dev", "local/second"], prices: prices)
        try await run(scene) { engine async throws in
            try await learn(engine, scene)
            scene.learned.replaceAdmission(with: .cost)
            for (path, isHead) in [("/once/a", false), ("/once/b", true)] {
                try await engine.put(path, [1, 2, 3])
                let answer = await engine.redirects.answer(try engine.artifact(path), in: engine.pool, wait: nil, isHead: isHead)
                #expect(answer.outcome == .backfill)
                #expect(try await engine.object(path).size == 3)
            }
            let looks = engine.store.count(.head)
            for _ in 0..<2 {
                #expect(try await ask("once/new", in: engine.pool, engine, scene) == "unlikely-to-pay")
                #expect(engine.store.count(.head) == looks + 1)
                scene.clock.advance(by: .seconds(60))
            }
            engine.redirects.coldClaims.reload(ColdClaimLimits(perSecond: 1, burst: 1, bytesPerMinute: 0))
            let (unknown, network) = (try engine.artifact("/once/unknown"), ClientNetwork(IPAddress("192.0.2.1")))
            for reason in [Fallback.unlikelyToPay, .budget] {
                let head = await engine.redirects.answer(unknown, in: engine.pool, wait: nil, isHead: true, from: network)
                #expect(head.fallback == reason)
                #expect(engine.store.count(.head) == looks + 2)
            }
            #expect(engine.origin.requests.isEmpty)
        }
    }

    @Test("Before the first table everything is copied")
    func noTable() async throws {
        let scene = try LearningScene(pools: ["local/dev", "local/second"], prices: Self.prices)
        scene.learned.replaceAdmission(with: .cost)
        try await run(scene) { engine async throws in
            #expect(try await ask("once/new", in: engine.pool, engine, scene) == "wait")
        }
    }
}
