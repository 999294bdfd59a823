package import MirrorCore
import MirrorEngine
package import MirrorStorage
import Retention

/// Checks what the policy `cost` goes by: whether prices are known, and recent.
package struct PriceCheck: Sendable {
    /// Prices change rarely, and mostly fall.
    private static let maxAge = Duration.seconds(365 * 86_400)

    private let configuration: Configuration

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// Which prices apply, of which day, and what is wrong with them.
    package func lines(at now: Timestamp) -> [SetupLine] {
        guard isByCost, let asOf = configuration.retention.table?.asOf else { return [] }
        let source = configuration.retention.prices == nil ? "built in" : "retention.prices"
        let place = configuration.retention.origin.map { "in \($0)" } ?? "on the internet"
        let prices = SetupLine(.note, "list prices of \(asOf.day) (\(source)), for origins \(place) (retention.origin)")
        return [prices] + findings(at: now).map(\.line)
    }

    private var isByCost: Bool { configuration.pools.contains { $0.retention.policy == .cost } }

    package func findings(at now: Timestamp) -> [Finding] {
        guard isByCost else { return [] }
        var findings: [Finding] = []
        if let asOf = configuration.retention.table?.asOf, asOf.duration(to: now) > Self.maxAge {
            findings.append(
                Finding(
                    .warning, "retention.prices",
                    "the list prices are of \(asOf.day), more than a year ago; compare them with your bill (docs/money.md)"))
        }
        for pool in configuration.unpricedPools {
            findings.append(
                Finding(
                    .warning, "pools.\(pool).retention.price",
                    "the price table has no prices for this pool, so a copy is assumed to cost as much as keeping it for 26 days; set egress, storage, put "
                        + "and get"))
        }
        return findings
    }
}
