import MirrorEngine
import MirrorNet
import MirrorServer
import MirrorStorage

/// What the dashboard shows: five rows, each with four panels.
enum DashboardRows {
    private typealias Engine = EngineMetrics.Name

    static let all: [(title: String, panels: [Panel])] = [
        ("Health", isWell), ("Speed", isFast), ("Savings", pays), ("Current work", isDoing),
        ("Origins and pools", originsAndPools),
    ]

    /// The queries for the values of a dashboard variable.
    static let jobs = "label_values(\(ProcessMetrics.Name.buildInfo), job)"
    static let pools = "label_values(\(Engine.poolObjects){job=~\"$job\"}, pool)"

    private static let chosen = "job=~\"$job\", pool=~\"$pool\""
    /// Includes requests that no pool serves.
    private static let chosenOrNone = "job=~\"$job\", pool=~\"$pool|none\""

    private static func rate(_ metric: String, by labels: String, _ more: String = chosen) -> String {
        "sum by (\(labels)) (rate(\(metric){\(more)}[$__rate_interval]))"
    }

    private static func quantile(_ quantile: String, _ metric: String, by labels: String = "le", _ more: String = chosen) -> String {
        "histogram_quantile(\(quantile), \(rate("\(metric)_bucket", by: labels, more)))"
    }

    /// A query for each of these percentiles.
    private static func percentiles(
        _ percents: [Int], _ metric: String, by labels: String = "le", _ more: String = chosen, legend: String = ""
    ) -> [Panel.Query] {
        percents.map { Panel.Query(quantile("0.\($0)", metric, by: labels, more), "\(legend)p\($0)") }
    }

    private static let isWell = [
        Panel(
            "Outcomes", "How redirect requests ended. Hits should be most of them.", unit: "reqps", as: .stacked,
            [.init(rate(Engine.redirects, by: "outcome", chosenOrNone), "{{outcome}}")]),
        Panel(
            "Share of fallbacks", "The share of requests that were redirected to their origins.", unit: "percentunit",
            [.init("\(RecordingRules.fallbackRatio){job=~\"$job\"}", "{{job}}")]),
        Panel(
            "Fallbacks by reason", "Why requests were redirected to their origins.", unit: "reqps", as: .stacked,
            [.init(rate(Engine.fallbacks, by: "reason", chosenOrNone), "{{reason}}")]),
        Panel(
            "Errors", "By kind; docs/operations.md explains the kinds.", unit: "ops", as: .stacked,
            [.init("\(rate(Engine.errors, by: "kind", "job=~\"$job\"")) > 0", "{{kind}}")]),
    ]

    private static let isFast = [
        Panel(
            "Answers without a wait", "How long redirects took that did not wait for a copy. Answers from memory count as one millisecond.",
            unit: "s", percentiles([50, 99], Engine.redirectSeconds, "\(chosen), outcome=~\"hit|backfill\"")),
        Panel(
            "Wait for a copy", "How long requests waited for a copy, over all their hops.", unit: "s",
            percentiles([50, 95], Engine.waitSeconds)),
        Panel(
            "Copy time", "How long copies took.", unit: "s",
            percentiles([50, 95], Engine.copySeconds, by: "le, pool", legend: "{{pool}} ")),
        Panel(
            "Bytes copied", "Through the mirror and by the pools' services.", unit: "Bps", as: .stacked,
            [.init("\(RecordingRules.copiedBytes){\(chosen)}", "{{pool}}")]),
    ]

    private static let pays = [
        Panel(
            "Dollars",
            "What hits saved, what was paid, and what other policies would have cost in the chosen time, at list prices of \(SavingsMeter.Name.pricesDate).",
            unit: "currencyUSD", as: .number,
            [
                .init("sum(increase(\(SavingsMeter.Name.saved){\(chosen)}[$__range]))", "saved"),
                .init("sum(increase(\(SavingsMeter.Name.cost){\(chosen)}[$__range]))", "paid"),
                .init("sum by (policy) (increase(\(SavingsMeter.Name.counterfactual){\(chosen)}[$__range]))", "{{policy}} instead"),
            ]),
        Panel(
            "Egress avoided", "Bytes that hits did not fetch from the origin.", unit: "Bps", as: .stacked,
            [.init(rate(Engine.egressAvoided, by: "pool"), "{{pool}}")]),
        Panel(
            "Share of hits in bytes", "The share of the bytes that were already in the pools.", unit: "percentunit",
            [.init("\(RecordingRules.hitBytesRatio){job=~\"$job\"}", "{{job}}")]),
        Panel(
            "Bytes held", "By how long ago they were last used, and those that were never used again after they were copied.",
            unit: "bytes",
            [
                .init("sum by (age) (max by (pool, age) (\(HoldingsSurvey.Name.ages){\(chosen)}))", "{{age}}"),
                .init("sum(max by (pool) (\(HoldingsSurvey.Name.unread){\(chosen)}))", "not used again"),
            ]),
    ]

    private static let isDoing = [
        Panel(
            "Copies", "In progress, and those that are queued or in progress in any process.", unit: "short",
            [
                .init("sum by (pool) (\(Engine.copiesInProgress){\(chosen)})", "{{pool}} in progress"),
                .init("max by (pool) (\(Engine.pending){\(chosen)})", "{{pool}} pending"),
            ]),
        Panel(
            "Oldest queued copy", "Add copiers if it keeps growing.", unit: "s",
            [.init("max by (pool) (\(Engine.oldestQueued){\(chosen)})", "{{pool}}")]),
        Panel(
            "Waiting requests and hops", "Requests that are waiting for a copy, and redirects to the mirror itself per second.",
            unit: "short",
            [
                .init("sum(\(Engine.waiting){job=~\"$job\"})", "waiting"),
                .init("sum(rate(\(Engine.hops){\(chosen)}[$__rate_interval]))", "hops per second"),
            ]),
        Panel(
            "Evictions and losses", "Replicas that were removed, by reason, and replicas whose object was gone.", unit: "ops", as: .stacked,
            [
                .init(rate(Engine.evictions, by: "reason"), "{{reason}}"),
                .init("sum(rate(\(Engine.lost){\(chosen)}[$__rate_interval]))", "lost"),
            ]),
    ]

    private static let originsAndPools = [
        Panel(
            "Requests to origins", "By origin and status; `none` had no answer.", unit: "reqps",
            [.init(rate(OriginMetrics.Name.requests, by: "origin, status", "job=~\"$job\""), "{{origin}} {{status}}")]),
        Panel(
            "Times of origins and pools", "95 of 100 origin responses began, and 95 of 100 pool operations ended, within this time.",
            unit: "s",
            [
                .init(quantile("0.95", OriginMetrics.Name.seconds, by: "le, origin", "job=~\"$job\""), "{{origin}}"),
                .init(quantile("0.95", StoreMetrics.Name.operationSeconds, by: "le, pool, operation"), "{{pool}} {{operation}}"),
            ]),
        Panel(
            "Errors of pools", "What the storage answered; `notFound` is normal.", unit: "ops", as: .stacked,
            [.init(rate(StoreMetrics.Name.errors, by: "pool, code"), "{{pool}} {{code}}")]),
        Panel(
            "Fill of pools", "Bytes held, and the most that the pool may hold.", unit: "bytes",
            [
                .init("max by (pool) (\(Engine.poolBytes){\(chosen)})", "{{pool}}"),
                .init("max by (pool) (\(Engine.poolMaxBytes){\(chosen)})", "{{pool}} limit"),
            ]),
    ]
}
