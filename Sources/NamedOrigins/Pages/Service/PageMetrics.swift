package import CoreMetrics

/// The outcomes of requests for pages, and the space that pages take. Each metric is created once.
package struct PageMetrics: Sendable {
    package enum Name {
        package static let requests = "cloud_mirror_page_requests_total"
        package static let bytes = "cloud_mirror_page_store_bytes"
        package static let pages = "cloud_mirror_page_store_pages"
    }

    private let answered: [PageAnswer.Freshness: Counter]
    private let failed: [PageError.Code: Counter]
    private let bytes: Gauge
    private let pages: Gauge

    package init(factory: any MetricsFactory) {
        func counter(_ outcome: String) -> Counter { Counter(label: Name.requests, dimensions: [("outcome", outcome)], factory: factory) }
        answered = Dictionary(uniqueKeysWithValues: PageAnswer.Freshness.allCases.map { ($0, counter($0.rawValue)) })
        failed = Dictionary(uniqueKeysWithValues: PageError.Code.allCases.map { ($0, counter($0.rawValue)) })
        bytes = Gauge(label: Name.bytes, factory: factory)
        pages = Gauge(label: Name.pages, factory: factory)
    }

    func count(_ freshness: PageAnswer.Freshness) { answered[freshness]?.increment() }
    func count(_ code: PageError.Code) { failed[code]?.increment() }

    /// The size of the store.
    func record(_ usage: (bytes: Int64, pages: Int)) {
        bytes.record(Double(usage.bytes))
        pages.record(Double(usage.pages))
    }
}
