import Logging
import MirrorCore
import MirrorEngine
import MirrorState
import Retention

/// What the policy `cost` goes by in this process: what is recorded, what is learned from it, and how long replicas are kept.
struct Learning: Sendable {
    let learned: LearnedRetention
    let recorder: ActivityRecorder
    let learner: RetentionLearner
    let policy: CostPolicy
    private let logger: Logger

    /// - Parameter name: Of this process, unlike that of any other.
    init(_ configuration: Configuration, store: any ActivityStore, name: String, clock: any MirrorClock, logger: Logger) {
        learned = LearnedRetention(
            prices: configuration.retentionPrices, isOn: configuration.learns, classes: ClassPatterns(configuration.retention.classes),
            admission: configuration.retention.admission)
        let lives = configuration.pools.reduce(into: [PoolID: Duration]()) { $0[$1.id] = $1.retention.timeToLive }
        recorder = ActivityRecorder(
            store: store, learned: learned, clock: clock, timeToLive: { lives[$0] ?? RetentionConfiguration().timeToLive }, logger: logger)
        learner = RetentionLearner(store: store, learned: learned, recorder: recorder, name: name, clock: clock, logger: logger)
        policy = CostPolicy(store: store, learned: learned, recorder: recorder)
        self.logger = logger
        Self.warn(of: configuration.unpricedPools, logger)
    }

    func reload(_ configuration: Configuration, instead current: Configuration) {
        learned.isOn = configuration.learns
        learned.replacePrices(with: configuration.retentionPrices)
        learned.replaceAdmission(with: configuration.retention.admission)
        let known = current.unpricedPools
        Self.warn(of: configuration.unpricedPools.filter { !known.contains($0) }, logger)
    }

    private static func warn(of pools: [PoolID], _ logger: Logger) {
        for pool in pools {
            logger.warning(
                "the pool's prices are unknown, so a copy is assumed to cost as much as keeping it for 26 days; set retention.price",
                metadata: ["pool": "\(pool)"])
        }
    }
}

extension Configuration {
    /// Whether any pool goes by what was learned.
    fileprivate var learns: Bool { pools.contains { $0.retention.policy == .cost } }

    var retentionPrices: RetentionPrices {
        RetentionPrices(
            asOf: retention.table?.asOf, pools.reduce(into: [PoolID: PoolPrices?]()) { $0.updateValue(prices(of: $1), forKey: $1.id) },
            traffic: TrafficPrices(
                retention.table ?? .empty, origin: retention.origin,
                overrides: pools.reduce(into: [:]) { $0[$1.id] = $1.retention.price.egress }))
    }
}
