package import MirrorCore
package import Retention

/// What it costs to bring bytes to the pools of this process, in dollars per GiB at list prices.
package struct TrafficPrices: Sendable, Equatable {
    private let table: PriceTable
    /// Where most origins are; `nil` for the internet.
    private let origin: PoolID?
    /// From the origins, where the settings of pools say so.
    private let overrides: [PoolID: Double]

    /// - Parameter overrides: What is read from the origins costs this much in these pools, whatever the table says.
    package init(_ table: PriceTable = .empty, origin: PoolID? = nil, overrides: [PoolID: Double] = [:]) {
        self.table = table
        self.origin = origin
        self.overrides = overrides
    }

    /// Whether most origins are in the region of a pool, and requests there have a price.
    func hasOrigins(_ pool: PoolID) -> Bool { origin == pool && table.isKnown(pool.service, pool.region) }

    /// From an artifact's origin.
    ///
    /// - Parameter region: Of the pool's service; `nil` where nobody knows, and the origin is taken to be where most are.
    /// - Returns: `nil` where the table does not say.
    func fromOrigin(in region: String?, to pool: PoolID) -> Double? {
        if let known = overrides[pool] { return known }
        let place = region.map { (service: pool.service, region: $0) } ?? origin.map { (service: $0.service, region: $0.region) }
        return table.egress(from: place, to: (pool.service, pool.region))
    }

    /// From another pool.
    ///
    /// - Returns: `nil` where the table does not say.
    func between(_ source: PoolID, _ pool: PoolID) -> Double? {
        table.egress(from: (source.service, source.region), to: (pool.service, pool.region))
    }
}
