package import CloudRegions
package import CoreMetrics
import MirrorCore

/// The age of the lists of the clouds' addresses, and the results of fetching newer ones. Each metric is made once.
package struct RegionMetrics: Sendable {
    package enum Name {
        package static let dates = "cloud_mirror_cloud_regions_timestamp_seconds"
        package static let updates = "cloud_mirror_cloud_regions_updates_total"
    }

    private let dates: [Cloud: Gauge]
    private let updated: [Cloud: Counter]
    private let refused: [Cloud: Counter]

    package init(factory: any MetricsFactory) {
        func counters(_ result: String) -> [Cloud: Counter] {
            Dictionary(
                uniqueKeysWithValues: Cloud.allCases.map {
                    ($0, Counter(label: Name.updates, dimensions: [("cloud", $0.rawValue), ("result", result)], factory: factory))
                })
        }
        dates = Dictionary(
            uniqueKeysWithValues: Cloud.allCases.map {
                ($0, Gauge(label: Name.dates, dimensions: [("cloud", $0.rawValue)], factory: factory))
            })
        updated = counters("updated")
        refused = counters("refused")
    }

    /// A new list is in use.
    package func record(_ list: RegionList) { dates[list.cloud]?.record(Double(list.date.milliseconds) / 1_000) }
    package func count(_ cloud: Cloud, isRefused: Bool) { (isRefused ? refused : updated)[cloud]?.increment() }
}
