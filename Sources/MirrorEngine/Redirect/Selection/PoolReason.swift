package import CloudRegions
package import MirrorCore

/// Why a request gets its pool: the value of `X-Cloud-Mirror-Pool-Reason`, and a bounded metric label.
package enum PoolReason: String, Sendable, CaseIterable {
    /// The client names the pool.
    case named
    /// The client is in one of `selection.networks`.
    case network
    /// The client is in a cloud region that has a pool.
    case region
    /// The client is in a cloud region, and the pool is in the nearest region that has one.
    case nearest
    /// None of these: `selection.default`, which may be the origin.
    case fallback = "default"
}

/// What was decided for a client, and why.
package struct PoolDecision: Sendable, Equatable {
    /// `nil`: the origin.
    package var pool: PoolID?
    package var reason: PoolReason
    /// The network in `selection.networks` that decided.
    package var network: IPNetwork?
    /// The client's region, whether it decided or not; `nil` if it is not known.
    package var region: CloudRegion?
}
