import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorStorage

/// The metrics that the dashboard shows, at one moment.
struct FigureSample: Sendable {
    typealias Labels = [String: String]

    let time: ContinuousClock.Instant
    private let numbers: [String: [(labels: Labels, value: Double)]]
    private let histograms: [String: [(labels: Labels, counts: [UInt64])]]

    private static let numberNames: [String] = [
        EngineMetrics.Name.redirects, EngineMetrics.Name.fallbacks, EngineMetrics.Name.hops, EngineMetrics.Name.errors,
        EngineMetrics.Name.egressAvoided, EngineMetrics.Name.copies, EngineMetrics.Name.copyBytes, EngineMetrics.Name.serverSideCopyBytes,
        EngineMetrics.Name.evictions, EngineMetrics.Name.lost, EngineMetrics.Name.poolBytes, EngineMetrics.Name.poolObjects,
        EngineMetrics.Name.poolFreeBytes, EngineMetrics.Name.pending, EngineMetrics.Name.oldestQueued, EngineMetrics.Name.stateAvailable,
        HoldingsSurvey.Name.ages, HoldingsSurvey.Name.unread, OriginMetrics.Name.requests, StoreMetrics.Name.errors,
        SavingsMeter.Name.saved, SavingsMeter.Name.cost, SavingsMeter.Name.counterfactual,
    ]
    private static let histogramNames: [String] = [
        EngineMetrics.Name.redirectSeconds, EngineMetrics.Name.waitSeconds, EngineMetrics.Name.copySeconds,
        StoreMetrics.Name.operationSeconds, OriginMetrics.Name.seconds,
    ]

    init(_ registry: MetricsRegistry, at time: ContinuousClock.Instant) {
        self.time = time
        numbers = Dictionary(uniqueKeysWithValues: Self.numberNames.map { ($0, registry.values(of: $0)) })
        histograms = Dictionary(uniqueKeysWithValues: Self.histogramNames.map { ($0, registry.buckets(of: $0)) })
    }

    /// The sum of a metric's values.
    func total(_ name: String, where isWanted: (Labels) -> Bool = { _ in true }) -> Double {
        (numbers[name] ?? []).reduce(0) { isWanted($1.labels) ? $0 + $1.value : $0 }
    }

    /// The sums of a metric's values by the value of a label.
    func totals(_ name: String, by label: String) -> [String: Double] {
        (numbers[name] ?? []).reduce(into: [:]) { $0[$1.labels[label] ?? "", default: 0] += $1.value }
    }

    /// The values themselves, with their labels.
    func values(_ name: String) -> [(labels: Labels, value: Double)] { numbers[name] ?? [] }

    /// The sum of a histogram's buckets.
    func buckets(_ name: String, where isWanted: (Labels) -> Bool = { _ in true }) -> [UInt64] {
        let none = [UInt64](repeating: 0, count: HistogramMetric.bounds.count + 1)
        return (histograms[name] ?? []).reduce(none) { sum, next in
            isWanted(next.labels) ? zip(sum, next.counts).map { $0 &+ $1 } : sum
        }
    }
}
