package import CoreMetrics
package import MirrorCore
import Retention
import Synchronization

/// What copies have saved and cost since startup, in dollars at list prices. It is computed from what this process counts anyway: where several share
/// the pools, their dollars add up.
package final class SavingsMeter: Sendable {
    package enum Name {
        package static let saved = "cloud_mirror_saved_dollars_total"
        package static let cost = "cloud_mirror_cost_dollars_total"
        package static let counterfactual = "cloud_mirror_counterfactual_dollars_total"
        package static let pricesDate = "cloud_mirror_list_prices_timestamp_seconds"
        package static let guarded = "cloud_mirror_guarded_classes"
        package static let tableAge = "cloud_mirror_retention_table_age_seconds"
    }

    /// What was counted in a pool since startup.
    package struct Counts: Sendable, Equatable {
        package var hits = 0.0
        /// Bytes that hits did not read from the origin.
        package var avoidedBytes = 0.0
        /// Bytes that copies read from the origin.
        package var originBytes = 0.0
        /// Bytes that copies read from other pools in place of the origin.
        package var replicaBytes = 0.0
        /// Copies that were made.
        package var copies = 0.0
        /// Bytes that the pool holds now.
        package var heldBytes = 0.0

        package init() {}

        /// Takes what is counted now.
        ///
        /// - Returns: What was counted since, and what the pool holds now. A look that another one has overtaken counts nothing twice.
        fileprivate mutating func advance(to current: Counts) -> Counts {
            var new = current
            let paths: [WritableKeyPath<Counts, Double>] = [\.hits, \.avoidedBytes, \.originBytes, \.replicaBytes, \.copies]
            for path in paths {
                new[keyPath: path] = max(0, current[keyPath: path] - self[keyPath: path])
                self[keyPath: path] = max(current[keyPath: path], self[keyPath: path])
            }
            return new
        }
    }

    private struct Last {
        var counts: [PoolID: Counts] = [:]
        var at: ContinuousClock.Instant?
    }

    private let learned: LearnedRetention
    private let learner: RetentionLearner
    private let recorder: ActivityRecorder
    private let factory: any MetricsFactory
    private let clock: any MirrorClock
    private let last = Mutex(Last())

    package init(
        learned: LearnedRetention, learner: RetentionLearner, recorder: ActivityRecorder, factory: any MetricsFactory,
        clock: any MirrorClock
    ) {
        self.learned = learned
        self.learner = learner
        self.recorder = recorder
        self.factory = factory
        self.clock = clock
    }

    /// When the list prices were read; `nil` where no pool's prices are known.
    package var pricesAsOf: Timestamp? {
        let prices = learned.lives.prices
        return prices.pools.contains(where: prices.isKnown) ? prices.asOf : nil
    }

    /// Adds what was counted since the last call, for pools whose prices are known.
    package func record(_ counts: [PoolID: Counts]) {
        let lives = learned.lives
        let (new, seconds) = last.withLock { last in
            let now = clock.instant
            defer { last.at = now }
            let new = counts.map { pool, current in (pool, last.counts[pool, default: Counts()].advance(to: current)) }
            return (new, last.at.map { $0.duration(to: now).inSeconds } ?? 0)
        }
        // Where processes share the pools, one of them counts what the pools hold.
        let countsStorage = learner.isComputing
        for (pool, counted) in new where lives.prices.isKnown(pool) {
            record(counted, pool, lives.prices[pool], heldSeconds: countsStorage ? seconds * counted.heldBytes : 0)
        }
        for (pool, counterfactual) in recorder.takeCounterfactuals() where lives.prices.isKnown(pool) {
            add(Name.counterfactual, pool, ("policy", "tstar"), counterfactual.breakEven)
            add(Name.counterfactual, pool, ("policy", "ttl"), counterfactual.timeToLive)
        }
        if let asOf = pricesAsOf {
            Gauge(label: Name.pricesDate, factory: factory).record(Double(asOf.milliseconds) / 1_000)
        }
        guard learned.isOn else { return }
        for pool in lives.prices.pools {
            Gauge(label: Name.guarded, dimensions: [("pool", pool.description)], factory: factory).record(lives.guardedClasses(in: pool))
        }
        if let time = lives.table?.time {
            Gauge(label: Name.tableAge, factory: factory).record(Double(clock.now.milliseconds) / 1_000 - time)
        }
    }

    private func record(_ counted: Counts, _ pool: PoolID, _ prices: PoolPrices, heldSeconds: Double) {
        let (hits, copies) = (counted.hits, counted.copies)
        // Dollars for bytes alone: requests are counted by their number.
        let (read, copied) = (prices.costs(of: counted.avoidedBytes), prices.costs(of: counted.originBytes))
        let spared = prices.costs(of: counted.replicaBytes).egress
        let held = prices.costs(of: heldSeconds).storage
        let gets = hits * prices.get + read.readEgress
        let requests = copies * (prices.put + prices.get + prices.originGet)
        add(Name.saved, pool, nil, read.egress + hits * prices.originGet - gets)
        add(Name.cost, pool, ("kind", "egress"), copied.egress + read.readEgress)
        add(Name.cost, pool, ("kind", "storage"), held)
        add(Name.cost, pool, ("kind", "requests"), hits * prices.get + requests)
        add(Name.counterfactual, pool, ("policy", "never"), read.egress + copied.egress + spared + (hits + copies) * prices.originGet)
        guard learned.isOn else { return }
        // One read for each request, whatever the policy.
        for policy in ["tstar", "ttl"] { add(Name.counterfactual, pool, ("policy", policy), (hits + copies) * prices.get) }
    }

    private func add(_ name: String, _ pool: PoolID, _ label: (String, String)?, _ dollars: Double) {
        FloatingPointCounter(label: name, dimensions: [("pool", pool.description)] + (label.map { [$0] } ?? []), factory: factory)
            .increment(by: max(0, dollars))
    }
}
