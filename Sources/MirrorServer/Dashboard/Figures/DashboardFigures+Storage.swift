import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorStorage
import MirrorViews

/// The rows "Savings" and "Origins and pools".
extension DashboardFigures {
    private typealias Name = EngineMetrics.Name

    private static let maxOrigins = 20
    private static let statuses = ["2xx", "3xx", "4xx", "429", "5xx", "none"]

    func addPays(_ rows: inout DashboardRows, _ span: FigureSpan, _ moment: Moment, _ history: inout FigureHistory) {
        let last = span.last
        let (avoided, rate) = (last.total(Name.egressAvoided), span.rate(Name.egressAvoided))
        let copied = last.total(Name.copyBytes) + last.total(Name.serverSideCopyBytes)
        let (held, unread) = (last.total(Name.poolBytes), last.total(HoldingsSurvey.Name.unread))
        let isSurveyed = !last.values(HoldingsSurvey.Name.unread).isEmpty
        rows.payTiles = [
            .init(
                "avoided", "Bytes not fetched from origins, thanks to hits", FigureText.bytes(avoided),
                note: "\(FigureText.speed(rate)) now", course: history.course("avoided", rate)),
            .init(
                "hit-bytes", "Hits, in bytes", FigureText.share(avoided, of: avoided + copied),
                note: "since the start; the rest was copied"),
            .init(
                "held", "Storage held", FigureText.bytes(held),
                note:
                    "\(FigureText.count(last.total(Name.poolObjects))) replicas in \(pools.count == 1 ? "1 pool" : "\(pools.count) pools")"),
            .init(
                "unread", "Copies not read again", isSurveyed ? FigureText.bytes(unread) : FigureText.none,
                note: isSurveyed ? "\(FigureText.share(unread, of: held)) of the storage held" : "not surveyed yet"),
        ]
        if let asOf = moment.pricesAsOf { rows.payTiles += Self.dollars(last, "at list prices of \(asOf.day)") }
        let ages = last.totals(HoldingsSurvey.Name.ages, by: "age")
        let all = ages.values.reduce(0, +)
        rows.ages = HoldingsSurvey.ages.compactMap { age in
            ages[age.word].map { bytes in
                DashboardRows.Bar(
                    age.limit == nil ? "longer ago" : "within \(age.word)", FigureText.bytes(bytes), share: all > 0 ? bytes / all : 0,
                    total: FigureText.share(bytes, of: all))
            }
        }
    }

    private static let kinds = ["egress", "storage", "requests"]
    private static let policies = [
        ("never", "Without copies"), ("ttl", "With a fixed time to live"), ("tstar", "With the break-even life"),
    ]

    /// - Parameter prices: Says what the dollars are.
    private static func dollars(_ last: FigureSample, _ prices: String) -> [DashboardRows.Tile] {
        let paid = last.totals(SavingsMeter.Name.cost, by: "kind")
        let parts = kinds.map { "\($0) \(FigureText.dollars(paid[$0] ?? 0))" }.joined(separator: ", ")
        let instead = last.totals(SavingsMeter.Name.counterfactual, by: "policy")
        let others = policies.compactMap { policy, label in
            instead[policy].map { dollars in
                DashboardRows.Tile(
                    "instead-\(policy)", label, FigureText.dollars(dollars),
                    note: policy == "never" ? "would have been paid, \(prices)" : "would have been paid for what has ended, \(prices)")
            }
        }
        let own: [DashboardRows.Tile] = [
            .init(
                "saved", "Saved by hits", FigureText.dollars(last.total(SavingsMeter.Name.saved)), note: "since the start, \(prices)"),
            .init("paid", "Paid", FigureText.dollars(paid.values.reduce(0, +)), note: "\(parts), \(prices)"),
        ]
        return own + others
    }

    func addPlaces(_ rows: inout DashboardRows, _ span: FigureSpan, _ moment: Moment) {
        rows.pools = pools.map { pool in
            func ofPool(_ labels: FigureSample.Labels) -> Bool { labels["pool"] == pool.id.description }
            let bytes = span.last.total(Name.poolBytes, where: ofPool)
            let free = span.last.values(Name.poolFreeBytes).first { ofPool($0.labels) }?.value
            let limit = pool.maxBytes.map { Double($0) }
            let fill =
                limit.map { "\(FigureText.share(bytes, of: $0)) of \(FigureText.bytes($0))" }
                ?? free.map { "\(FigureText.bytes($0)) free on its disk" } ?? "no limit"
            return DashboardRows.Pool(
                pool.id.description, link: "dashboard/replicas?pool=\(PercentCoding.encode(pool.id.description))",
                problem: moment.failures[pool.id], objects: FigureText.count(span.last.total(Name.poolObjects, where: ofPool)),
                bytes: FigureText.bytes(bytes), share: limit.map { $0 > 0 ? bytes / $0 : 1 }, fill: fill,
                latency: FigureText.quantile(0.95, of: span.last.buckets(StoreMetrics.Name.operationSeconds, where: ofPool)),
                // Nothing is wrong with a pool that does not have something.
                errorCount: FigureText.count(
                    span.last.total(StoreMetrics.Name.errors) { ofPool($0) && $0["code"] != StorageError.Code.notFound.rawValue }))
        }
        rows.lanes = moment.origins.filter { $0.queued > 0 || $0.running > 0 || $0.slowed > 0 }.prefix(Self.maxOrigins).map { origin in
            DashboardRows.Lane(
                origin: origin.origin, queued: FigureText.count(origin.queued), running: FigureText.count(origin.running),
                slow: FigureText.count(origin.slow),
                speed: origin.running > 0 ? FigureText.speed(Double(origin.bytesPerSecond)) : FigureText.none)
        }
        let byOrigin = Dictionary(grouping: span.last.values(OriginMetrics.Name.requests)) { $0.labels["origin"] ?? "" }
        let counts = byOrigin.mapValues { values in
            Self.statuses.map { status in values.reduce(0) { $1.labels["status"] == status ? $0 + $1.value : $0 } }
        }
        let busiest = counts.sorted { ($1.value.reduce(0, +), $0.key) < ($0.value.reduce(0, +), $1.key) }
        rows.requests = busiest.prefix(Self.maxOrigins).map { origin, counts in
            DashboardRows.Requests(
                origin: origin,
                counts: zip(Self.statuses, counts).map { DashboardRows.Requests.Answers(status: $0, count: FigureText.count($1)) },
                latency: FigureText.quantile(0.95, of: span.last.buckets(OriginMetrics.Name.seconds) { $0["origin"] == origin }))
        }
        rows.statuses = Self.statuses
    }
}
