import MirrorCore
import MirrorState
import MirrorStorage
import TestServers
import Testing

@testable import MirrorEngine
@testable import Retention

@Suite("Where prices say that a copy comes from", .timeLimit(.minutes(1)))
struct SourcePriceTests {
    private static let whole = FakeBehavior.generated(size: 200_000, seed: 4)

    private static func prices(_ egress: [(from: String, dollars: Double)], origin: PoolID? = nil) throws -> LearnedRetention {
        let pool = try #require(PoolID("local/dev"))
        let table = PriceTable(
            asOf: Timestamp(milliseconds: 0),
            traffic: egress.map { PriceTable.Traffic(service: "local", fromRegion: $0.from, toRegion: "dev", egress: $0.dollars) },
            storage: [PriceTable.Storage(service: "local", region: "*", storage: 0.02, put: 0, get: 0)])
        let known = table.prices(service: "local", region: "dev", origin: origin.map { ($0.service, $0.region) })
        return LearnedRetention(
            prices: RetentionPrices(asOf: table.asOf, [pool: known], traffic: TrafficPrices(table, origin: origin)), isOn: false)
    }

    // MARK: From a replica or from the origin

    /// The pools are `local/a` and `local/b`, in regions of these names, and the one that is asked.
    private func run(
        _ egress: [(from: String, dollars: Double)], _ body: @Sendable (EngineFixture, BucketService) async throws -> Void
    ) async throws {
        let service = BucketService()
        try await EngineFixture.run({
            $0.store = service.makeBucket("main", region: "dev")
            for region in ["a", "b"] { $0.otherPools["local/\(region)"] = service.makeBucket(region, region: region) }
            $0.learned = try Self.prices(egress)
        }) { engine async throws in
            engine.origin.on("/a.bin", Self.whole)
            try await body(engine, service)
        }
    }

    private func fill(_ engine: EngineFixture, _ names: [String]) async throws {
        for name in names {
            let id = try #require(PoolID(name))
            let pool = try #require(engine.pools[id])
            #expect(await engine.redirects.answer(try engine.artifact("/a.bin"), in: pool, wait: nil).outcome == .wait)
        }
    }

    @Test("Of two replicas elsewhere the one is copied whose bytes cost less on their way", arguments: ["a", "b"])
    func cheaperReplica(cheap: String) async throws {
        // As many dollars as the artifact has bytes, or twice as many.
        let byte = Double(1 << 30)
        try await run(["a", "b"].map { (from: $0, dollars: $0 == cheap ? byte : 2 * byte) }) { engine, service async throws in
            try await fill(engine, ["local/a", "local/b"])
            let before = service.copies.count
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(service.copies.dropFirst(before) == [cheap])
            try await engine.counters.reach(200_000, SavingsMeter.Name.cost, "egress")
            #expect(engine.counters.total(SavingsMeter.Name.cost) == 200_000)
        }
    }

    @Test("The origin is read where that is cheaper than a replica elsewhere", arguments: [(0.01, true), (0.03, false)])
    func originOrReplica(price: Double, isOrigin: Bool) async throws {
        try await run([("a", 0.02), ("internet", price)]) { engine, service async throws in
            try await fill(engine, ["local/a"])
            let requests = engine.origin.requests.count
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect((engine.origin.requests.count > requests) == isOrigin)
            #expect(service.copies == (isOrigin ? [] : ["a"]))
        }
    }

    @Test("A replica that costs more is copied if the origin does not deliver", arguments: [404, 503])
    func originAway(status: Int) async throws {
        try await run([("a", 0.02), ("internet", 0.01)]) { engine, service async throws in
            try await fill(engine, ["local/a"])
            engine.origin.on("/a.bin", .status(status))
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(service.copies == ["a"])
        }
    }

    // MARK: Not at all

    struct Case: Sendable {
        var policy = RetentionConfiguration.Policy.cost
        var origin: String? = "local/dev"
        /// To the pool that is asked.
        var egress: [(from: String, dollars: Double)] = []
    }

    @Test("Nothing is copied into a pool by cost that is where the origins are, where traffic is free; its replicas are used")
    func never() async throws {
        try await run(Case()) { engine async throws in
            #expect(try await engine.ask("/a.bin").fallback == .neverPays)
            #expect(engine.origin.requests.isEmpty)
            #expect(try await engine.status("/a.bin") == nil)
            #expect(engine.counters.total(EngineMetrics.Name.fallbacks, "never-pays") == 1)
            // Who wants a copy all the same warms it.
            _ = await engine.redirects.warm(try engine.artifact("/a.bin"), in: engine.pool)
            try await engine.counters.reach(1, EngineMetrics.Name.copies, "present")
            #expect(try await engine.ask("/a.bin").outcome == .hit)
        }
    }

    @Test(
        "It is copied by another policy, from another region, from nobody knows where, and where traffic has a price",
        arguments: [
            Case(policy: .ttl), Case(origin: "local/elsewhere", egress: [("elsewhere", 0)]), Case(origin: nil, egress: [("internet", 0)]),
            Case(egress: [("dev", 0.01)]),
        ])
    func paying(_ pays: Case) async throws {
        try await run(pays) { engine async throws in
            #expect(try await engine.ask("/a.bin").outcome == .wait)
        }
    }

    private func run(_ scene: Case, _ body: @Sendable (EngineFixture) async throws -> Void) async throws {
        try await EngineFixture.run({
            $0.policy = scene.policy
            $0.learned = try Self.prices(scene.egress, origin: scene.origin.flatMap { PoolID($0) })
        }) { engine async throws in
            engine.origin.on("/a.bin", Self.whole)
            try await body(engine)
        }
    }
}
