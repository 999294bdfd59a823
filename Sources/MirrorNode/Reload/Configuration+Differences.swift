import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorServer
import NamedOrigins

/// Settings whose properties are named after their keys, so that differences can be reported by key.
protocol ConfigurationSection: Equatable {}

extension Configuration: ConfigurationSection {
    /// The paths of all keys whose settings differ; the path of a section if the difference has no key of its own.
    ///
    /// Looks at every property, so that no setting is left out, not even a new one. Values are only compared, never shown.
    func differences(from other: Configuration) -> [String] {
        var (this, other) = (self, other)
        // Not settings.
        (this.source, this.warnings, this.printsReady) = (other.source, other.warnings, other.printsReady)
        let (pools, otherPools) = (this.pools, other.pools)
        let (origins, otherOrigins) = (this.origins.buckets, other.origins.buckets)
        (this.pools, other.pools) = ([], [])
        (this.origins.buckets, other.origins.buckets) = ([], [])
        let rest = this == other ? [] : Self.differences(this, other, at: "")
        return (rest + Self.differences(pools, otherPools) + Self.differences(origins, otherOrigins)).map(Self.key(of:)).sorted()
    }

    private static func differences(_ pools: [Pool], _ others: [Pool]) -> [String] {
        let ids = Set((pools + others).map(\.id))
        let changed = ids.flatMap { id -> [String] in
            guard let pool = pools.first(where: { $0.id == id }), let other = others.first(where: { $0.id == id }) else {
                return ["pools.\(id)"]
            }
            let storage = pool.isSamePlace(as: other) ? [] : ["pools.\(id)"]
            return storage + differences(pool.retention, other.retention, at: "pools.\(id).retention")
        }
        return changed.isEmpty && pools != others ? ["pools"] : changed
    }

    private static func differences(_ origins: [Origin], _ others: [Origin]) -> [String] {
        let services = Set((origins + others).map(\.service))
        return services.filter { name in origins.filter { $0.service == name } != others.filter { $0.service == name } }
            .map { "origins.\($0)" }
    }

    private static func differences<Value: Equatable>(_ one: Value, _ other: Any, at path: String) -> [String] {
        if let other = other as? Value, one == other { return [] }
        let (children, others) = (Mirror(reflecting: one).children, Mirror(reflecting: other).children)
        guard one is any ConfigurationSection, children.map(\.label) == others.map(\.label) else { return [path] }
        let inside = zip(children, others).flatMap { child, otherChild -> [String] in
            let step = path.isEmpty ? child.label ?? "" : "\(path).\(child.label ?? "")"
            // The type of a missing value may not be comparable.
            guard let value = child.value as? any Equatable else { return otherChild.value is any Equatable ? [step] : [] }
            return differences(value, otherChild.value, at: step)
        }
        return inside.isEmpty ? [path] : inside
    }

    /// The keys of properties that are not named after their key.
    private static func key(of path: String) -> String {
        switch path {
        case "copy.backoff.limit": "copy.backoff.max"
        case "selection.fallback": "selection.default"
        case "origins.policy.addressGuard": "origins.allowAddresses"
        case let path where path.hasPrefix("origins.policy."): "origins.\(path.dropFirst("origins.policy.".count))"
        default: path
        }
    }
}

extension Configuration.Admin: ConfigurationSection {}
extension Configuration.Origins: ConfigurationSection {}
extension PageConfiguration: ConfigurationSection {}
extension EgressPolicy: ConfigurationSection {}
extension RetentionConfiguration: ConfigurationSection {}
extension Configuration.Retention: ConfigurationSection {}
extension RedirectConfiguration: ConfigurationSection {}
extension ColdClaimLimits: ConfigurationSection {}
extension CopyConfiguration: ConfigurationSection {}
extension Backoff: ConfigurationSection {}
extension Configuration.State: ConfigurationSection {}
extension Configuration.Redis: ConfigurationSection {}
extension SelectionConfiguration: ConfigurationSection {}
extension CloudRegionSources: ConfigurationSection {}
extension Configuration.Sweep: ConfigurationSection {}
extension ServerConfiguration: ConfigurationSection {}
extension Configuration.Log: ConfigurationSection {}
