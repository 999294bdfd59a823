package import MirrorCore
package import MirrorStorage

/// A pool as the engine uses it: where its objects are, and how long they stay.
package struct Pool: Sendable {
    package let id: PoolID
    package let store: any ObjectStore
    package let retention: any RetentionPolicy
    /// Bytes that the pool may hold; `nil` for no limit but the storage's own.
    package let maxBytes: Int64?
    /// How long an expired replica stays, so that whoever was just redirected to it still finds it; at least as long as a signed location works.
    package let grace: Duration

    package init(id: PoolID, store: any ObjectStore, retention: any RetentionPolicy, maxBytes: Int64?, grace: Duration) {
        self.id = id
        self.store = store
        self.retention = retention
        self.maxBytes = maxBytes
        // Nobody is to hold a signed location whose object is gone.
        let isSigned = store.capabilities.features.contains(.presignedLocations)
        self.grace = isSigned ? max(grace, RedirectConfiguration().signedLife) : grace
    }
}

/// All pools of this process, by name.
package struct PoolTable: Sendable {
    private let pools: [PoolID: Pool]
    /// In the order of their names.
    package let all: [Pool]
    package let ids: Set<PoolID>

    package init(_ pools: [Pool]) {
        self.pools = Dictionary(pools.map { ($0.id, $0) }) { first, _ in first }
        all = self.pools.values.sorted { $0.id.description < $1.id.description }
        ids = Set(self.pools.keys)
    }

    package subscript(id: PoolID) -> Pool? { pools[id] }
}
