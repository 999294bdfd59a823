/// What the traffic and the storage of one pool cost, at list prices.
package struct PoolPrices: Sendable, Hashable {
    /// Dollars per GiB, from the origin to the pool or to a client next to it.
    package var egress: Double
    /// Dollars per GiB and month of 730 hours.
    package var storage: Double
    /// Dollars per request that writes an object or a part of one.
    package var put: Double
    /// Dollars per request that reads from the pool.
    package var get: Double
    /// Dollars per request that reads from the origin.
    package var originGet: Double
    /// Bytes of a part of an upload.
    package var part: Int64
    /// Dollars per GiB that a client reads from the pool; 0 where it is in the pool's region.
    package var poolEgress: Double

    package init(
        egress: Double, storage: Double, put: Double, get: Double, originGet: Double, part: Int64 = Self.defaultPart, poolEgress: Double = 0
    ) {
        self.egress = egress
        self.storage = storage
        self.put = put
        self.get = get
        self.originGet = originGet
        self.part = part
        self.poolEgress = poolEgress
    }

    package static let defaultPart: Int64 = 256 * 1_024 * 1_024
    package static let gibibyte = 1_073_741_824.0
    static let month = 730 * 3_600.0

    /// After how long, in seconds, a use in another pool counts as a sign of life: a fiftieth of the break-even life, an hour at least.
    package var renewalInterval: Double {
        guard storage > 0 else { return .infinity }
        return max(3_600, egress / storage * Self.month / 50)
    }

    /// - Parameter bytes: Of the artifact; not a whole number where it is a mean.
    package func costs(of bytes: Double) -> ArtifactCosts {
        let gibibytes = bytes / Self.gibibyte
        let parts = max(1, (bytes / Double(part)).rounded(.up))
        let egress = gibibytes * egress
        let readEgress = gibibytes * poolEgress
        let get = get + readEgress
        return ArtifactCosts(
            egress: egress, originGet: originGet, copyReads: parts * originGet + get, copyWrites: (parts > 1 ? parts + 2 : parts) * put,
            hit: get, readEgress: readEgress,
            storage: gibibytes * storage / Self.month)
    }
}

/// What can be done with one artifact in one pool, in dollars.
package struct ArtifactCosts: Sendable, Equatable {
    /// The origin's egress, once.
    package let egress: Double
    package let originGet: Double
    /// The requests that read for a copy: the origin's parts, and the client's from the pool.
    package let copyReads: Double
    package let copyWrites: Double
    /// A client is served from the pool.
    package let hit: Double
    /// What of that is for traffic.
    package let readEgress: Double
    /// Per second that the replica stays.
    package let storage: Double

    /// A client is redirected to the origin.
    package var redirect: Double { egress + originGet }
    /// A copy is made, and the client is served from it.
    package var copy: Double { egress + copyReads + copyWrites }
    /// What a hit saves against another copy.
    package var margin: Double { max(0, copy - hit) }
    /// T*: the seconds of storage that cost as much as another copy; infinite where storage costs nothing.
    package var breakEven: Double { storage > 0 ? margin / storage : .infinity }
    /// Keeps a replica whose life the statistics put near zero until readers who come together have had it, at a hundredth of a copy at most.
    package var floor: Double { min(900, breakEven / 100) }

    /// What keeping costs; nothing where storage costs nothing, however long it is kept.
    package func keeping(_ seconds: Double) -> Double { storage > 0 ? storage * seconds : 0 }
}
