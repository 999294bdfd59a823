import MirrorCore
import MirrorEngine
import MirrorViews

/// The rows "Health" and "Speed".
extension DashboardFigures {
    private typealias Name = EngineMetrics.Name

    /// From this share of fallbacks on, the figure is coloured, and its note says why.
    private static let manyFallbacks = 0.05

    func addWell(_ rows: inout DashboardRows, _ span: FigureSpan, _ moment: Moment, _ history: inout FigureHistory) {
        let isStateUp = span.last.total(Name.stateAvailable) > 0
        rows.problems =
            (isStateUp ? [] : ["The state cannot be reached: requests that memory cannot answer are redirected to the origin."])
            + moment.failures.sorted { $0.key.description < $1.key.description }.map { "\($0.key): \($0.value)" }
        rows.verdict = rows.problems.isEmpty ? "All is well." : "Something is wrong."
        rows.verdictKind = rows.problems.isEmpty ? "good" : "bad"

        let (rate, outcomes) = (span.rate(Name.redirects), span.counts(Name.redirects, by: "outcome"))
        let all = outcomes.values.reduce(0, +)
        let fallbacks = outcomes[Outcome.fallback.rawValue] ?? 0
        let areMany = all > 0 && fallbacks / all > Self.manyFallbacks
        let errors = span.last.total(Name.errors)
        rows.wellTiles = [
            .init(
                "redirects", "Redirects", FigureText.rate(rate),
                note: "\(FigureText.count(span.last.total(Name.redirects))) since the start",
                course: history.course("redirects", rate)),
            .init("hits", "Hits", FigureText.share(outcomes[Outcome.hit.rawValue] ?? 0, of: all), note: "of the redirects"),
            .init(
                "fallbacks", "Redirects to the origin", FigureText.share(fallbacks, of: all),
                note: areMany ? "of the redirects, which is high" : "of the redirects", kind: areMany ? "warn" : ""),
            .init("errors", "Errors", FigureText.rate(span.rate(Name.errors)), note: "\(FigureText.count(errors)) since the start"),
            .init("state", "State", isStateUp ? "available" : "unavailable", kind: isStateUp ? "good" : "bad"),
        ]
        rows.outcomes = span.bars(Name.redirects, by: "outcome", always: [Outcome.hit, .wait, .fallback].map(\.rawValue))
        rows.fallbacks = span.bars(Name.fallbacks, by: "reason")
        let counts = span.last.totals(Name.errors, by: "kind").filter { $0.value > 0 }
        rows.errors = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.map { kind, count in
            let last = moment.errors[kind]
            return DashboardRows.Failure(
                kind: kind, count: FigureText.count(count), message: last?.message ?? "",
                age: last.map { "\(FigureText.duration($0.time.duration(to: moment.now))) ago" } ?? "")
        }
    }

    func addFast(_ rows: inout DashboardRows, _ span: FigureSpan, _ moment: Moment) {
        let atOnce = Set([Outcome.hit, .backfill].map(\.rawValue))
        func times(_ label: String, _ name: String, where isWanted: (FigureSample.Labels) -> Bool = { _ in true }) -> DashboardRows.Times {
            let recent = span.buckets(name, where: isWanted)
            // Copies may be rare: then those since the start are shown.
            let buckets = recent.contains { $0 > 0 } ? recent : span.last.buckets(name, where: isWanted)
            return DashboardRows.Times(
                label, half: FigureText.quantile(0.5, of: buckets), most: FigureText.quantile(0.99, of: buckets),
                count: FigureText.count(Double(buckets.reduce(0, &+))))
        }
        rows.times = [
            times("Redirects without a wait for a copy", Name.redirectSeconds) { atOnce.contains($0["outcome"] ?? "") },
            times("Waits for a copy", Name.waitSeconds),
            times("Copies", Name.copySeconds),
        ]
        rows.sizes = zip(moment.sizes, [nil] + moment.sizes.map(\.limit)).filter { $0.0.copies > 0 }.map { size, smaller in
            let label =
                size.limit.map { "up to \(FigureText.bytes(Double($0)))" } ?? "over \(FigureText.bytes(Double(smaller ?? 0)))"
            return DashboardRows.Size(
                label, count: FigureText.count(size.copies), time: FigureText.time(size.seconds / Double(size.copies)),
                speed: size.seconds > 0 ? FigureText.speed(size.bytes / size.seconds) : FigureText.none)
        }
    }
}
