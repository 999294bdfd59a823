import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import Retention
import Testing

@testable import MirrorEngine

/// Pools whose policy is `cost`, in memory, with all that records and learns; a test uses artifacts and moves the time.
struct LearningScene: Sendable {
    static let gibibyte: Int64 = 1 << 30
    /// T* is three days.
    static let prices = PoolPrices(egress: 0.02, storage: 0.02 * 730 / 72, put: 0, get: 0, originGet: 0)

    let clock = ManualClock(now: Timestamp(milliseconds: 1_700_000_000_000))
    let state: MemoryStateStore
    let learned: LearnedRetention
    let recorder: ActivityRecorder
    let learner: RetentionLearner
    let policy: CostPolicy
    let pools: PoolTable
    let remover: ReplicaRemover
    let uses: UseRecorder
    let sweeper: Sweeper
    let space: PoolSpace

    /// - Parameters:
    ///   - history: How many artifacts are remembered.
    ///   - coarseness: Of uses; without it, each one is written and learned from.
    init(
        pools names: [String] = ["local/a", "local/b"], prices: PoolPrices? = Self.prices, maxBytes: Int64? = nil, history: Int = 1_000_000,
        coarseness: Duration = .zero
    ) throws {
        let (clock, logger) = (self.clock, EngineFixture.logger)
        let state = MemoryStateStore(clock: clock, history: history)
        self.state = state
        let ids = try names.map { try #require(PoolID($0)) }
        learned = LearnedRetention(
            prices: RetentionPrices(asOf: nil, Dictionary(uniqueKeysWithValues: ids.map { ($0, prices) })), isOn: true)
        recorder = ActivityRecorder(store: state, learned: learned, clock: clock, logger: logger)
        learner = RetentionLearner(store: state, learned: learned, recorder: recorder, name: "test", clock: clock, logger: logger)
        let policy = CostPolicy(store: state, learned: learned, recorder: recorder)
        self.policy = policy
        let limits = Pool.Limits(RetentionConfiguration(grace: .zero, policy: .cost), maxBytes: maxBytes)
        pools = PoolTable(ids.map { Pool(id: $0, store: MemoryStore(clock: clock), limits: limits, costs: policy) })
        let counters = CountingMetrics()
        let metrics = EngineMetrics(pools: ids, factory: counters)
        let publications = PublicationLock()
        remover = ReplicaRemover(pools: pools, state: state, publications: publications, activity: recorder, clock: clock)
        uses = UseRecorder(state: state, coarseness: coarseness...coarseness, activity: recorder, clock: clock, logger: logger)
        space = PoolSpace(state: state, remover: remover, uses: uses, metrics: metrics, clock: clock, logger: logger)
        sweeper = Sweeper(
            pools: pools, state: state, remover: remover,
            backfill: Backfill(state: state, publications: publications, clock: clock, logger: logger), space: space,
            survey: HoldingsSurvey(state: state, factory: counters, clock: clock), interval: .seconds(60), metrics: metrics, clock: clock,
            logger: logger)
    }

    var now: Double { Double(clock.now.milliseconds) / 1_000 }

    func id(_ path: String, _ pool: Int = 0) throws -> ReplicaID {
        ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/\(path)"), pool: pools.all[pool].id)
    }

    /// Moves the time to so many seconds since 1970.
    func move(to time: Double) { clock.advance(by: .milliseconds(Int64((time - now) * 1_000))) }

    /// A request for an artifact, which is copied at once if it is not there.
    ///
    /// - Returns: Whether it was there.
    func use(_ id: ReplicaID, bytes: Int64 = Self.gibibyte) async throws -> Bool {
        if case .present(let object) = try await state.replica(id)?.status {
            uses.record(id, bytes: bytes, lastUsed: object.lastUsed)
            await uses.flush()
            return true
        }
        let object = StoredObject(key: ObjectKey(id.artifact), size: bytes, sha256: nil, storedAt: clock.now, lastUsed: clock.now)
        _ = try await state.recordPresent(id, object)
        await recorder.record([ActivityRecorder.Use(id: id, at: clock.now, bytes: bytes)])
        return false
    }

    /// Deletes what has expired: marks it, and then deletes it without grace.
    func sweep() async throws {
        for pool in pools.all {
            try await sweeper.sweep(pool)
            try await sweeper.sweep(pool)
        }
    }

    func isThere(_ id: ReplicaID) async throws -> Bool { try await state.replica(id)?.state == .present }

    func record(_ id: ReplicaID) async throws -> ActivityRecord.PoolUses? {
        try await state.activity(of: [ActivityKey(id.artifact)]).first.flatMap { $0?[ActivityRecord.number(of: id.pool.description)] }
    }
}
