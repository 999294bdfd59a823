package import CoreMetrics

/// The configuration and the log of the process. Each metric is made once.
package struct HousekeepingMetrics: Sendable {
    package enum Name {
        package static let reloads = "cloud_mirror_reloads_total"
        package static let lastReload = "cloud_mirror_configuration_loaded_timestamp_seconds"
        package static let droppedLogLines = "cloud_mirror_log_lines_dropped_total"
    }

    private let reloaded: Counter
    private let refused: Counter
    private let lastReload: Gauge
    private let droppedLogLines: Counter

    package init(factory: any MetricsFactory) {
        reloaded = Counter(label: Name.reloads, dimensions: [("result", "reloaded")], factory: factory)
        refused = Counter(label: Name.reloads, dimensions: [("result", "refused")], factory: factory)
        lastReload = Gauge(label: Name.lastReload, factory: factory)
        droppedLogLines = Counter(label: Name.droppedLogLines, factory: factory)
    }

    /// - Parameter seconds: Since 1970.
    package func recordLoaded(at seconds: Double) { lastReload.record(seconds) }
    package func countReload(isRefused: Bool) { (isRefused ? refused : reloaded).increment() }
    package func countDroppedLogLines(_ lines: Int) { droppedLogLines.increment(by: lines) }
}
