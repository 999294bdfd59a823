import MirrorCore
import MirrorState
import MirrorTesting
import Retention
import Testing

@testable import MirrorEngine

@Suite("Dollars that copies save and cost", .timeLimit(.minutes(1)))
struct SavingsMeterTests {
    private static let gibibyte = Double(LearningScene.gibibyte)
    private static let prices = PoolPrices(egress: 2, storage: 730, put: 3, get: 1, originGet: 5)

    @Test("What was counted since the last look is priced once, and storage by the time in between")
    func prices() async throws {
        let scene = try LearningScene(pools: ["local/a"], prices: Self.prices)
        let pool = scene.pools.all[0].id
        let counters = CountingMetrics()
        let meter = SavingsMeter(
            learned: scene.learned, learner: scene.learner, recorder: scene.recorder, factory: counters, clock: scene.clock)
        await scene.learner.step()
        #expect(scene.learner.isComputing)
        meter.record([pool: SavingsMeter.Counts()])
        scene.clock.advance(by: .seconds(3_600))
        var counts = SavingsMeter.Counts()
        (counts.hits, counts.copies) = (4, 2)
        counts.replicaBytes = 5 * Self.gibibyte
        (counts.avoidedBytes, counts.originBytes, counts.heldBytes) = (10 * Self.gibibyte, 3 * Self.gibibyte, 6 * Self.gibibyte)
        // No time passes between the two, and nothing is counted.
        for _ in 0..<2 { meter.record([pool: counts]) }
        #expect(counters.total(SavingsMeter.Name.saved) == 10 * 2 + 4 * 5 - 4 * 1)
        #expect(counters.total(SavingsMeter.Name.cost, "egress") == 3 * 2)
        #expect(counters.total(SavingsMeter.Name.cost, "storage") == 6)
        #expect(counters.total(SavingsMeter.Name.cost, "requests") == 4 * 1 + 2 * (3 + 1 + 5))
        #expect(counters.total(SavingsMeter.Name.counterfactual, "never") == (10 + 3 + 5) * 2 + 6 * 5)
        for policy in ["tstar", "ttl"] { #expect(counters.total(SavingsMeter.Name.counterfactual, policy) == 6) }
        #expect(counters.gauge(SavingsMeter.Name.guarded, "local/a") == 0)
        #expect(counters.gauge(SavingsMeter.Name.tableAge) == nil)
    }

    @Test("What the pools hold is counted by one of the processes that share them")
    func sharedPools() async throws {
        let scene = try LearningScene(pools: ["local/a"], prices: Self.prices)
        let pool = scene.pools.all[0].id
        let counters = CountingMetrics()
        let meter = SavingsMeter(
            learned: scene.learned, learner: scene.learner, recorder: scene.recorder, factory: counters, clock: scene.clock)
        #expect(try await scene.state.takeComputingLease("other", duration: .seconds(600)))
        await scene.learner.step()
        meter.record([pool: SavingsMeter.Counts()])
        scene.clock.advance(by: .seconds(3_600))
        var counts = SavingsMeter.Counts()
        (counts.originBytes, counts.heldBytes) = (3 * Self.gibibyte, 6 * Self.gibibyte)
        meter.record([pool: counts])
        #expect(counters.total(SavingsMeter.Name.cost, "storage") == 0)
        #expect(counters.total(SavingsMeter.Name.cost, "egress") == 3 * 2)
    }

    @Test("A look that another one has overtaken counts nothing twice")
    func overtaken() throws {
        let scene = try LearningScene(pools: ["local/a"], prices: Self.prices)
        let pool = scene.pools.all[0].id
        let counters = CountingMetrics()
        let meter = SavingsMeter(
            learned: scene.learned, learner: scene.learner, recorder: scene.recorder, factory: counters, clock: scene.clock)
        for hits in [4.0, 2, 4] {
            var counts = SavingsMeter.Counts()
            counts.hits = hits
            meter.record([pool: counts])
        }
        #expect(counters.total(SavingsMeter.Name.saved) == 4 * 5 - 4 * 1)
    }

    @Test("The day of the prices is told where prices are known")
    func pricesDate() throws {
        let scene = try LearningScene(pools: ["local/a"])
        let pool = scene.pools.all[0].id
        let counters = CountingMetrics()
        let meter = SavingsMeter(
            learned: scene.learned, learner: scene.learner, recorder: scene.recorder, factory: counters, clock: scene.clock)
        let day = Timestamp(milliseconds: 86_400_000)
        scene.learned.replacePrices(with: RetentionPrices(asOf: day, [pool: nil]))
        meter.record([:])
        #expect(meter.pricesAsOf == nil)
        #expect(counters.gauge(SavingsMeter.Name.pricesDate) == nil)
        scene.learned.replacePrices(with: RetentionPrices(asOf: day, [pool: Self.prices]))
        meter.record([:])
        #expect(meter.pricesAsOf == day)
        #expect(counters.gauge(SavingsMeter.Name.pricesDate) == 86_400)
    }

    @Test("Guarded classes are counted in their pool")
    func guarded() throws {
        let scene = try LearningScene(pools: ["local/a", "local/b"], prices: Self.prices)
        let pool = scene.pools.all[0].id
        let counters = CountingMetrics()
        let meter = SavingsMeter(
            learned: scene.learned, learner: scene.learner, recorder: scene.recorder, factory: counters, clock: scene.clock)
        scene.learned.change { lives in
            for artifactClass in [UInt32(1), 2] {
                let key = lives.key(artifactClass, pool)
                lives.guarded.since[key] = 1
            }
        }
        meter.record([:])
        #expect(counters.gauge(SavingsMeter.Name.guarded, "local/a") == 2)
        #expect(counters.gauge(SavingsMeter.Name.guarded, "local/b") == 0)
    }

    @Test("The age of the table is told once there is one")
    func tableAge() async throws {
        let scene = try LearningScene(pools: ["local/a"])
        let counters = CountingMetrics()
        let meter = SavingsMeter(
            learned: scene.learned, learner: scene.learner, recorder: scene.recorder, factory: counters, clock: scene.clock)
        _ = try await scene.use(try scene.id("a"))
        scene.clock.advance(by: .seconds(86_400))
        await scene.learner.step()
        scene.clock.advance(by: .seconds(60))
        meter.record([:])
        #expect(counters.gauge(SavingsMeter.Name.tableAge) == 60)
    }

    @Test("Nothing is said of a pool whose prices are not known")
    func unknown() throws {
        let scene = try LearningScene(pools: ["local/a"], prices: nil)
        let counters = CountingMetrics()
        let meter = SavingsMeter(
            learned: scene.learned, learner: scene.learner, recorder: scene.recorder, factory: counters, clock: scene.clock)
        var counts = SavingsMeter.Counts()
        counts.avoidedBytes = Self.gibibyte * 1_000
        meter.record([scene.pools.all[0].id: counts])
        #expect(counters.total(SavingsMeter.Name.saved) == 0)
        #expect(counters.total(SavingsMeter.Name.counterfactual) == 0)
    }
}
