import CoreMetrics
import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The budgets of client networks: what is said of copies that were claimed", .timeLimit(.minutes(1)))
struct ColdClaimNewsTests {
    private static let network = ClientNetwork(IPAddress("192.0.2.1"))
    private static let limits = ColdClaimLimits(perSecond: 1, burst: 9, bytesPerMinute: 100)

    private let clock: ManualClock
    private let store: MemoryStateStore
    private let claims: ColdClaims
    private let id: ReplicaID

    init() throws {
        clock = ManualClock()
        store = MemoryStateStore(clock: clock)
        claims = ColdClaims(
            Self.limits, metrics: EngineMetrics(pools: [], factory: NOOPMetricsHandler.instance), clock: clock,
            logger: EngineFixture.logger)
        id = ReplicaID(artifact: try ArtifactURL("https://origin.example/a.bin"), pool: try #require(PoolID("local/dev")))
    }

    /// Larger than what a network may have in a minute.
    private func object() -> StoredObject {
        StoredObject(key: ObjectKey(id.artifact), size: 5_000, sha256: nil, storedAt: clock.now, lastUsed: clock.now)
    }

    private static func news(_ changes: ReplicaChange...) -> AsyncStream<ReplicaChange> {
        AsyncStream { stream in
            for change in changes { stream.yield(change) }
            stream.finish()
        }
    }

    /// Returns once that was taken note of.
    private func tell(_ status: Replica.Status?) async {
        await claims.run(Self.news(.replica(id, status.map { Replica(id: id, status: $0) })), store)
    }

    private func claim() async throws {
        #expect(try await store.claim(id) == .claimed)
        await claims.confirm(id, store)
    }

    private func finish(_ result: CopyResult) async throws {
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "test", duration: .seconds(15)))
        try await store.finish(lease, result)
    }

    private func failure() -> CopyFailure { CopyFailure(reason: .origin(status: 404), message: "there is none", retryAt: clock.now) }

    @Test(
        "Late news of an earlier copy or of its end takes no charge away, neither before the claim nor after it", arguments: [false, true])
    func lateNews(isClaimed: Bool) async throws {
        let old = object()
        clock.advance(by: .seconds(60))
        claims.expect(id, for: Self.network, at: clock.now)
        if isClaimed { try await claim() }
        for late in [.present(old), .error(failure()), .removing, nil] as [Replica.Status?] { await tell(late) }
        if !isClaimed { try await claim() }
        #expect(claims.spent.isEmpty)
        clock.advance(by: .milliseconds(1))
        await tell(.present(object()))
        #expect(claims.spent == [Self.network])
    }

    @Test(
        "A copy that has ended before its claim has returned is charged if it was made, and otherwise forgotten", arguments: [true, false])
    func quickCopy(isCopied: Bool) async throws {
        claims.expect(id, for: Self.network, at: clock.now)
        #expect(try await store.claim(id) == .claimed)
        try await finish(isCopied ? .present(object()) : .failed(failure()))
        // Of the copy, it says nothing but that there is news.
        await claims.run(Self.news(.stale(id)), store)
        #expect(claims.spent.isEmpty)
        await claims.confirm(id, store)
        #expect(claims.spent.isEmpty == !isCopied)
        // Of another claim, if it was forgotten.
        clock.advance(by: .seconds(6_000))
        await tell(.present(object()))
        #expect(claims.spent.isEmpty)
    }

    @Test("Where only that there is news is known, the state says what was copied")
    func stale() async throws {
        claims.expect(id, for: Self.network, at: clock.now)
        try await claim()
        await claims.run(Self.news(.stale(id), .replica(id, Replica(id: id, status: .pending))), store)
        #expect(claims.spent.isEmpty)
        try await finish(.present(object()))
        await claims.run(Self.news(.stale(id)), store)
        #expect(claims.spent == [Self.network])
    }

    @Test("While the state cannot be read, nothing is forgotten")
    func stateIsAway() async throws {
        claims.expect(id, for: Self.network, at: clock.now)
        try await claim()
        let away = ScriptedStateStore(store)
        away.fail()
        await claims.run(Self.news(.replica(id, nil)), away)
        await tell(.present(object()))
        #expect(claims.spent == [Self.network])
    }

    @Test("A copy that failed is forgotten: the next one is charged to whoever claims it")
    func failed() async throws {
        try await EngineFixture.run({
            $0.redirect.coldClaims = Self.limits
            $0.budgetClock = clock
        }) { engine async throws in
            engine.origin.on("/a.bin", .status(404))
            let id = try engine.id("/a.bin")
            let answer = await engine.redirects.answer(id.artifact, in: engine.pool, wait: nil, from: Self.network)
            #expect(answer.status == 404)
            let failed = try #require(try await engine.state.replica(id))
            let claims = engine.redirects.coldClaims
            await claims.run(Self.news(.replica(id, failed)), engine.state)
            try await engine.put("/a.bin", [UInt8](repeating: 7, count: 5_000))
            let copied = Replica(id: id, status: .present(try await engine.pooled("/a.bin")))
            await claims.run(Self.news(.replica(id, copied)), engine.state)
            #expect(claims.spent.isEmpty)
        }
    }
}
