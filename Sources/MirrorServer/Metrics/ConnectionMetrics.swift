package import CoreMetrics
import MirrorStorage

/// Connections that were not accepted, or not at once. Each metric is made once.
package struct ConnectionMetrics: Sendable {
    package enum Name {
        package static let refused = "cloud_mirror_refused_connections_total"
        package static let pauses = "cloud_mirror_accept_pauses_total"
        package static let proxyHeaders = "cloud_mirror_refused_proxy_headers_total"
    }

    /// Why a connection that should have begun with a PROXY protocol header was closed.
    package enum ProxyFlaw: String, Sendable, CaseIterable {
        /// The other end is not a trusted proxy.
        case untrusted
        /// It sent something else.
        case malformed
        /// It did not send all of it in time.
        case late
    }

    private let refused: Counter
    private let pauses: Counter
    private let proxyHeaders: [ProxyFlaw: Counter]

    package init(factory: any MetricsFactory) {
        refused = Counter(label: Name.refused, factory: factory)
        pauses = Counter(label: Name.pauses, factory: factory)
        proxyHeaders = Counter.each(of: ProxyFlaw.allCases, Name.proxyHeaders, label: "reason", factory: factory)
    }

    package func countRefused() { refused.increment() }
    package func countPause() { pauses.increment() }
    package func countProxyHeader(_ flaw: ProxyFlaw) { proxyHeaders[flaw]?.increment() }
}
