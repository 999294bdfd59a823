package import MirrorCore
import MirrorEngine

/// Adds the hits of the fast path to the histogram of answers.
///
/// The fast path takes microseconds, and timing each answer would be a good part of that. It only counts its hits. All other hits are timed before
/// they are counted, so the difference is the number of its answers. It is computed when the metrics are read.
package struct FastAnswers: Sendable {
    private let pools: [(hits: CounterMetric, times: HistogramMetric)]

    package init(pools: some Sequence<PoolID>, registry: MetricsRegistry) {
        self.pools = pools.compactMap { pool in
            let labels = [("pool", pool.description), ("outcome", Outcome.hit.rawValue)]
            let hits = registry.makeCounter(label: EngineMetrics.Name.redirects, dimensions: labels)
            let times = registry.makeRecorder(label: EngineMetrics.Name.redirectSeconds, dimensions: labels, aggregate: true)
            guard let hits = hits as? CounterMetric, let times = times as? HistogramMetric else { return nil }
            return (hits, times)
        }
    }

    /// Adds the answers since the last call.
    func record() {
        for pool in pools { pool.times.fill(upTo: pool.hits.total) }
    }
}
