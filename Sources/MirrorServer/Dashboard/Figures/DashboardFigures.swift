import MirrorCore
import MirrorEngine
import MirrorViews
import Synchronization

/// Makes the rows of the dashboard. Nothing is computed while nobody looks, and nothing more than once in a second.
final class DashboardFigures: Sendable {
    /// A little less than the time between two frames of ``DashboardFeed``, so that each has new figures.
    private static let life = Duration.milliseconds(900)
    /// Longer than that of what the figures are made of.
    private static let patience = PoolHealth.patience + .seconds(1)

    private let services: MirrorServices
    private let metrics: MetricsRoute
    private let history = Mutex(FigureHistory())
    private let looks: SharedLooks<String, DashboardRows>

    /// - Parameter metrics: What brings the metrics up to date.
    init(services: MirrorServices, metrics: MetricsRoute) {
        self.services = services
        self.metrics = metrics
        looks = SharedLooks(life: Self.life, patience: Self.patience, clock: services.clock)
    }

    /// - Returns: `nil` if the figures do not come in time.
    func rows() async -> DashboardRows? {
        await looks.answer("rows") { await self.make() }
    }

    private func make() async -> DashboardRows {
        async let failures = services.health.checkPools()
        async let origins = StatusRoutes(services: services).origins()
        await metrics.refresh()
        let moment = await Moment(
            failures: failures.mapValues(HealthReason.full), origins: origins, copies: services.copySlots?.copies ?? [],
            sizes: services.copySlots?.durations.classes ?? [], errors: services.metrics.recentErrors.all,
            pricesAsOf: services.savings?.pricesAsOf, now: services.clock.now)
        let sample = FigureSample(services.registry, at: services.clock.instant)
        return history.withLock { history in
            let span = history.add(sample, started: services.started)
            var rows = DashboardRows()
            rows.uptime = FigureText.duration(services.started.duration(to: sample.time))
            rows.span = span.first == nil ? "since the start" : "over the last \(max(1, Int(span.seconds.rounded()))) s"
            addWell(&rows, span, moment, &history)
            addFast(&rows, span, moment)
            addPays(&rows, span, moment, &history)
            addDoing(&rows, span, moment, &history)
            addPlaces(&rows, span, moment)
            return rows
        }
    }

    /// What is shown and is no metric.
    struct Moment {
        /// Why pools are not healthy.
        let failures: [PoolID: String]
        let origins: [StatsCall.Origin]
        let copies: [CopySlots.RunningCopy]
        let sizes: [CopyDurations.SizeClass]
        let errors: [String: RecentErrors.Entry]
        /// `nil` if no pool's prices are known.
        let pricesAsOf: Timestamp?
        let now: Timestamp
    }

    var pools: [Pool] { services.pools.all }
    var waiting: Int { services.waiters.count }
}

extension FigureSpan {
    /// The lines of a table for the values of a label, those with the most since the start first.
    ///
    /// - Parameter always: Values that have a line even if there was nothing.
    func bars(_ name: String, by label: String, always: [String] = []) -> [DashboardRows.Bar] {
        let (counts, totals) = (counts(name, by: label), last.totals(name, by: label))
        // Shares are of what happened lately, if anything did.
        let isQuiet = counts.values.allSatisfy { $0 == 0 }
        let shares = isQuiet ? totals : counts
        let whole = shares.values.reduce(0, +)
        let shown = totals.filter { $0.value > 0 || always.contains($0.key) }.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
        return shown.map { word, total in
            DashboardRows.Bar(
                word, FigureText.rate((counts[word] ?? 0) / seconds), share: whole > 0 ? (shares[word] ?? 0) / whole : 0,
                total: FigureText.count(total))
        }
    }
}
