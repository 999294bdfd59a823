package import CoreMetrics
package import MirrorCore
import MirrorNet
package import MirrorState
import MirrorStorage

/// The engine's metrics.
package struct EngineMetrics: Sendable {
    /// The names of the metrics.
    package enum Name {
        package static let redirects = "cloud_mirror_redirects_total"
        package static let redirectSeconds = "cloud_mirror_redirect_duration_seconds"
        package static let fallbacks = "cloud_mirror_fallbacks_total"
        package static let hops = "cloud_mirror_hops_total"
        package static let waitSeconds = "cloud_mirror_redirect_wait_seconds"
        package static let copies = "cloud_mirror_copies_total"
        package static let slowCopies = "cloud_mirror_slow_copies_total"
        package static let copySeconds = "cloud_mirror_copy_duration_seconds"
        package static let copyBytes = "cloud_mirror_copy_bytes_total"
        package static let serverSideCopyBytes = "cloud_mirror_server_side_copy_bytes_total"
        package static let lost = "cloud_mirror_lost_replicas_total"
        package static let copiesInProgress = "cloud_mirror_copies_in_progress"
        package static let poolBytes = "cloud_mirror_pool_bytes"
        package static let poolObjects = "cloud_mirror_pool_objects"
        package static let poolMaxBytes = "cloud_mirror_pool_max_bytes"
        package static let poolFreeBytes = "cloud_mirror_pool_free_bytes"
        package static let servedBytes = "cloud_mirror_served_bytes_total"
        package static let oldestQueued = "cloud_mirror_oldest_queued_copy_seconds"
        package static let pending = "cloud_mirror_pending_replicas"
        package static let stateAvailable = "cloud_mirror_state_available"
        package static let egressAvoided = "cloud_mirror_egress_avoided_bytes_total"
        package static let evictions = "cloud_mirror_evictions_total"
        package static let errors = "cloud_mirror_errors_total"
        package static let waiting = "cloud_mirror_waiting_requests"
        package static let overBudget = "cloud_mirror_over_budget_total"
        package static let poolChoices = "cloud_mirror_pool_choices_total"
        package static let spentNetworks = "cloud_mirror_networks_over_budget"
    }

    /// The metrics of one pool.
    package struct PoolMetrics: Sendable {
        fileprivate let redirects: [Outcome: Counter]
        fileprivate let durations: [Outcome: Recorder]
        fileprivate let fallbacks: [Fallback: Counter]
        fileprivate let hops: Counter
        fileprivate let egressAvoided: Counter
        fileprivate let waitSeconds: Recorder
        fileprivate let copySeconds: Recorder
        fileprivate let copyBytes: Counter
        fileprivate let serverSideCopyBytes: Counter
        fileprivate let replicaCopyBytes: Counter
        fileprivate let lost: Counter
        fileprivate let servedBytes: Counter
        fileprivate let oldestQueued: Gauge
        fileprivate let copiesPresent: Counter
        fileprivate let copiesFailed: Counter
        fileprivate let copiesSetAside: Counter
        fileprivate let slowCopies: Counter
        fileprivate let copiesInProgress: Meter
        fileprivate let bytes: Gauge
        fileprivate let objects: Gauge
        fileprivate let pending: Gauge
        fileprivate let expired: Counter
        fileprivate let overCap: Counter

        /// - Parameter redirectsFactory: The factory for metrics that also count requests without a pool.
        fileprivate init(pool: String, redirects redirectsFactory: any MetricsFactory, others factory: any MetricsFactory) {
            let label = [("pool", pool)]
            func counter(_ name: String, _ more: [(String, String)] = []) -> Counter {
                Counter(label: name, dimensions: label + more, factory: factory)
            }
            redirects = Counter.each(of: Outcome.endings, Name.redirects, label, label: "outcome", factory: redirectsFactory)
            durations = Dictionary(
                uniqueKeysWithValues: Outcome.endings.map { outcome in
                    let labels = label + [("outcome", outcome.rawValue)]
                    let recorder = Recorder(label: Name.redirectSeconds, dimensions: labels, aggregate: true, factory: redirectsFactory)
                    return (outcome, recorder)
                })
            fallbacks = Counter.each(of: Fallback.allCases, Name.fallbacks, label, label: "reason", factory: redirectsFactory)
            hops = counter(Name.hops)
            egressAvoided = counter(Name.egressAvoided)
            waitSeconds = Recorder(label: Name.waitSeconds, dimensions: label, aggregate: true, factory: factory)
            copySeconds = Recorder(label: Name.copySeconds, dimensions: label, aggregate: true, factory: factory)
            copyBytes = counter(Name.copyBytes)
            serverSideCopyBytes = counter(Name.serverSideCopyBytes, [("source", "origin")])
            replicaCopyBytes = counter(Name.serverSideCopyBytes, [("source", "replica")])
            lost = counter(Name.lost)
            servedBytes = counter(Name.servedBytes)
            oldestQueued = Gauge(label: Name.oldestQueued, dimensions: label, factory: factory)
            copiesPresent = counter(Name.copies, [("result", "present")])
            copiesFailed = counter(Name.copies, [("result", "error")])
            copiesSetAside = counter(Name.copies, [("result", "set-aside")])
            slowCopies = counter(Name.slowCopies)
            copiesInProgress = Meter(label: Name.copiesInProgress, dimensions: label, factory: factory)
            bytes = Gauge(label: Name.poolBytes, dimensions: label, factory: factory)
            objects = Gauge(label: Name.poolObjects, dimensions: label, factory: factory)
            pending = Gauge(label: Name.pending, dimensions: label, factory: factory)
            expired = counter(Name.evictions, [("reason", "expired")])
            overCap = counter(Name.evictions, [("reason", "max-bytes")])
        }
    }

    private let pools: [PoolID: PoolMetrics]
    /// For requests that no pool serves.
    private let noPool: PoolMetrics
    private let errors: [String: Counter]
    private let factory: any MetricsFactory
    private let waiting: Gauge
    private let stateAvailable: Gauge
    private let overBudget: [BudgetTable.Refusal: Counter]
    private let spentNetworks: Gauge
    private let chosen: [PoolReason: Counter]
    /// The last error of each kind.
    package let recentErrors: RecentErrors

    /// - Parameter clock: Tells when errors happened.
    package init(pools: some Sequence<PoolID>, factory: any MetricsFactory, clock: any WallClock = SystemClock()) {
        self.pools = Dictionary(
            pools.map { ($0, PoolMetrics(pool: $0.description, redirects: factory, others: factory)) },
            uniquingKeysWith: { first, _ in first })
        recentErrors = RecentErrors(clock: clock)
        noPool = PoolMetrics(pool: "none", redirects: factory, others: NOOPMetricsHandler.instance)
        errors = Dictionary(
            uniqueKeysWithValues: ErrorKind.all.map { ($0, Counter(label: Name.errors, dimensions: [("kind", $0)], factory: factory)) })
        self.factory = factory
        waiting = Gauge(label: Name.waiting, factory: factory)
        stateAvailable = Gauge(label: Name.stateAvailable, factory: factory)
        overBudget = Counter.each(of: BudgetTable.Refusal.allCases, Name.overBudget, label: "budget", factory: factory)
        spentNetworks = Gauge(label: Name.spentNetworks, factory: factory)
        chosen = Counter.each(of: PoolReason.allCases.filter { $0 != .named }, Name.poolChoices, label: "reason", factory: factory)
    }

    package subscript(pool pool: PoolID?) -> PoolMetrics { pool.flatMap { pools[$0] } ?? noPool }

    /// - Parameter isHead: Whether the request is HEAD, which avoids no egress.
    /// - Parameter duration: How long this request took, without earlier hops.
    func count(_ answer: RedirectAnswer, pool: PoolID?, isHead: Bool, in duration: Duration) {
        let metrics = self[pool: pool]
        if case .hop = answer { return metrics.hops.increment() }
        // Timed first, so that the difference between counted and timed requests is what the fast path has answered.
        metrics.durations[answer.outcome]?.record(duration.inSeconds)
        metrics.redirects[answer.outcome]?.increment()
        if case .origin(let reason) = answer { metrics.fallbacks[reason]?.increment() }
        // The bytes for the first request crossed regions; those for later ones did not.
        if case .replica(let redirect) = answer, redirect.outcome == .hit, !isHead {
            metrics.egressAvoided.increment(by: redirect.object.size)
        }
    }

    /// Counts requests that did not name a pool, by the reason why they got theirs.
    package func countChoices(_ reason: PoolReason, _ count: Int = 1) { chosen[reason]?.increment(by: count) }

    package func countError(_ error: any Error) {
        let kind = ErrorKind.of(error)
        errors[kind]?.increment()
        recentErrors.note(error, kind: kind)
    }

    func recordWait(_ duration: Duration, pool: PoolID) {
        self[pool: pool].waitSeconds.record(duration.inSeconds)
    }

    func recordCopy(_ duration: Duration, isPresent: Bool, pool: PoolID) {
        let metrics = self[pool: pool]
        metrics.copySeconds.record(duration.inSeconds)
        (isPresent ? metrics.copiesPresent : metrics.copiesFailed).increment()
    }

    /// Counts a job that was set aside because its attempts never ended.
    func countSetAside(pool: PoolID) {
        self[pool: pool].copiesSetAside.increment()
        errors[ErrorKind.of(CopyFailure.Reason.unfinished)]?.increment()
    }

    /// Counts a copy that gives up its slot.
    func countSlow(pool: PoolID) { self[pool: pool].slowCopies.increment() }

    func countCopied(bytes: Int64, pool: PoolID) {
        self[pool: pool].copyBytes.increment(by: bytes)
    }

    func copyBegan(pool: PoolID) { self[pool: pool].copiesInProgress.increment(by: 1) }
    func copyEnded(pool: PoolID) { self[pool: pool].copiesInProgress.decrement(by: 1) }

    /// - Parameter isReplica: Whether the bytes come from another pool, not from the origin.
    func countCopiedInService(bytes: Int64, pool: PoolID, isReplica: Bool) {
        let metrics = self[pool: pool]
        (isReplica ? metrics.replicaCopyBytes : metrics.serverSideCopyBytes).increment(by: bytes)
    }

    /// Counts what a copy from another pool has cost, at list prices. What is read from origins is priced by ``SavingsMeter``.
    func countEgress(dollars: Double, pool: PoolID) {
        FloatingPointCounter(
            label: SavingsMeter.Name.cost, dimensions: [("pool", pool.description), ("kind", "egress")], factory: factory
        ).increment(by: dollars)
    }

    func countLost(pool: PoolID) { self[pool: pool].lost.increment() }

    package func recordTotals(_ totals: PoolTotals, pool: PoolID) {
        self[pool: pool].bytes.record(totals.bytes)
        self[pool: pool].objects.record(totals.objects)
        self[pool: pool].pending.record(totals.pending)
    }

    /// - Parameter freeBytes: `nil` if the storage has no such limit.
    package func recordCapacity(maxBytes: Int64?, freeBytes: Int64?, pool: PoolID) {
        // Created only if there is a limit: no limit cannot be expressed as a number.
        for (name, bytes) in [(Name.poolMaxBytes, maxBytes), (Name.poolFreeBytes, freeBytes)] {
            if let bytes { Gauge(label: name, dimensions: [("pool", pool.description)], factory: factory).record(bytes) }
        }
    }

    /// - Parameter wait: How long the oldest waiting copy job has been waiting for a worker; zero if none waits.
    package func recordOldestQueued(_ wait: Duration, pool: PoolID) { self[pool: pool].oldestQueued.record(max(wait, .zero).inSeconds) }

    package func countServed(bytes: Int64, pool: PoolID) { self[pool: pool].servedBytes.increment(by: bytes) }

    package func recordWaiting(_ count: Int) { waiting.record(count) }
    func countOverBudget(_ refusal: BudgetTable.Refusal) { overBudget[refusal]?.increment() }
    package func recordSpentNetworks(_ count: Int) { spentNetworks.record(count) }
    package func recordState(isAvailable: Bool) { stateAvailable.record(isAvailable ? 1 : 0) }

    func countExpired(pool: PoolID) { self[pool: pool].expired.increment() }
    func countOverCap(pool: PoolID) { self[pool: pool].overCap.increment() }
}
