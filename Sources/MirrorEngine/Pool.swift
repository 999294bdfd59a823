package import MirrorCore
package import MirrorStorage

/// A pool as the engine uses it: where its objects are, and how long they stay.
package final class Pool: Sendable {
    package let id: PoolID
    package let store: any ObjectStore
    /// How many of its objects may be on their way to clients through the mirror at a time. Each takes a connection for as long as the client reads.
    package let maxStreams: Int
    private let limits: Reloadable<Limits>
    /// The policy `cost` of this process.
    private let costs: (any RetentionPolicy)?

    /// How much a pool may hold, and for how long.
    package struct Limits: Sendable {
        package var retention: RetentionConfiguration
        /// The bytes that `retention` allows on this machine; `nil` for no limit but the storage's own.
        package var maxBytes: Int64?

        package init(_ retention: RetentionConfiguration, maxBytes: Int64?) {
            self.retention = retention
            self.maxBytes = maxBytes
        }
    }

    /// - Parameter costs: What the policy `cost` is; without it all replicas have a time to live.
    package init(id: PoolID, store: any ObjectStore, limits: Limits, maxStreams: Int = 48, costs: (any RetentionPolicy)? = nil) {
        self.id = id
        self.store = store
        self.maxStreams = maxStreams
        self.limits = Reloadable(limits)
        self.costs = costs
    }

    package var retention: any RetentionPolicy {
        let retention = limits.value.retention
        return retention.policy == .cost ? costs ?? TimeToLive(retention.timeToLive) : TimeToLive(retention.timeToLive)
    }

    package var policy: RetentionConfiguration.Policy { limits.value.retention.policy }
    package var timeToLive: Duration { limits.value.retention.timeToLive }
    package var maxBytes: Int64? { limits.value.maxBytes }

    /// At least as long as a signed location works, so that no client has one whose object is gone.
    package var grace: Duration {
        let grace = limits.value.retention.grace
        let isSigned = store.capabilities.features.contains(.presignedLocations)
        return isSigned ? max(grace, RedirectConfiguration.signedLife) : grace
    }

    /// How long a replica is kept after a use, however full the pool is: a client that was redirected to it may still be on its way.
    package var quietTime: Duration { max(grace, .seconds(60)) }

    /// Replaces the limits, for all users of this pool.
    package func replaceLimits(with limits: Limits) {
        self.limits.replace(with: limits)
    }
}

/// All pools of this process, by name.
package struct PoolTable: Sendable {
    private let indices: [PoolID: Int]
    /// In order of their names.
    package let all: [Pool]
    package let ids: Set<PoolID>

    package init(_ pools: [Pool]) {
        let unique = Dictionary(pools.map { ($0.id, $0) }) { first, _ in first }
        all = unique.values.sorted { $0.id.description < $1.id.description }
        indices = Dictionary(uniqueKeysWithValues: all.enumerated().map { ($1.id, $0) })
        ids = Set(unique.keys)
    }

    package subscript(id: PoolID) -> Pool? { index(of: id).map { all[$0] } }

    /// The index of a pool in ``all``, which does not change while the process runs.
    package func index(of id: PoolID) -> Int? { indices[id] }
}
