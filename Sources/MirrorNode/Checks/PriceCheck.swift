package import MirrorCore
import MirrorEngine
import Retention

/// Checks what the policy `cost` goes by: whether prices are known, and recent.
package struct PriceCheck: Sendable {
    /// Prices change rarely, and mostly fall.
    private static let maxAge = Duration.seconds(365 * 86_400)

    private let configuration: Configuration

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    package func findings(at now: Timestamp) -> [Finding] {
        let pools = configuration.pools.filter { $0.retention.policy == .cost }
        guard !pools.isEmpty else { return [] }
        var findings: [Finding] = []
        if let asOf = configuration.retention.table?.asOf, asOf.duration(to: now) > Self.maxAge {
            findings.append(
                Finding(
                    .warning, "retention.prices",
                    "the list prices are of \(asOf.day), more than a year ago; compare them with your bill (docs/money.md)"))
        }
        for pool in pools where configuration.prices(of: pool) == nil {
            findings.append(
                Finding(
                    .warning, "pools.\(pool.id).retention.price",
                    "the price table has no prices for this pool, so a copy is assumed to cost as much as keeping it for 26 days; set egress, storage, put "
                        + "and get"))
        }
        return findings
    }
}
