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
        return findings + unnamed
    }

    /// Regions whose prices are those of any other: they may be new, misspelled, or on a server of the operator's own.
    private var unnamed: [Finding] {
        let table = configuration.retention.table ?? .empty
        let pools = configuration.pools.filter { pool in
            pool.retention.policy == .cost && !pool.retention.price.isWhole && table.isUnnamed(pool.id.service, pool.id.region)
        }
        let known = Set(pools.map(\.id)).subtracting(configuration.unpricedPools)
        var findings = pools.filter { known.contains($0.id) }.map { pool in
            Finding(
                .warning, "pools.\(pool.id).retention.price",
                "the price table does not name this region, so the pool has the prices of other regions (*); set egress, storage, put and get if they "
                    + "differ")
        }
        if let origin = configuration.retention.origin, table.isUnnamed(origin.service, origin.region) {
            findings.append(
                Finding(
                    .warning, "retention.origin",
                    "the price table does not name \(origin), so egress costs what it costs from other regions (*)"))
        }
        return findings
    }
}
