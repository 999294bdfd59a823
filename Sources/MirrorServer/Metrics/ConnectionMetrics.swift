package import CoreMetrics

/// Connections that were not accepted, or not at once. Each metric is made once.
package struct ConnectionMetrics: Sendable {
    package enum Name {
        package static let refused = "cloud_mirror_refused_connections_total"
        package static let pauses = "cloud_mirror_accept_pauses_total"
    }

    private let refused: Counter
    private let pauses: Counter

    package init(factory: any MetricsFactory) {
        refused = Counter(label: Name.refused, factory: factory)
        pauses = Counter(label: Name.pauses, factory: factory)
    }

    package func countRefused() { refused.increment() }
    package func countPause() { pauses.increment() }
}
