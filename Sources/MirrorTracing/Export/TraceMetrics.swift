package import CoreMetrics

/// What became of spans. Each metric is made once.
package struct TraceMetrics: Sendable {
    package enum Name {
        package static let spans = "cloud_mirror_trace_spans_total"
        package static let refused = "cloud_mirror_refused_traces_total"
    }

    /// What becomes of a span.
    package enum Fate: String, Sendable, CaseIterable {
        /// The collector has it.
        case exported
        /// There was no room for it.
        case dropped
        /// The collector could not be reached, or did not want it.
        case failed
    }

    private let fates: [Fate: Counter]
    private let refused: Counter

    package init(factory: any MetricsFactory) {
        fates = Dictionary(
            uniqueKeysWithValues: Fate.allCases.map {
                ($0, Counter(label: Name.spans, dimensions: [("result", $0.rawValue)], factory: factory))
            })
        refused = Counter(label: Name.refused, factory: factory)
    }

    func count(_ fate: Fate, _ spans: Int = 1) { fates[fate]?.increment(by: spans) }
    /// Counts a request whose caller wants a trace, of which there are too many.
    func countRefused() { refused.increment() }
}
