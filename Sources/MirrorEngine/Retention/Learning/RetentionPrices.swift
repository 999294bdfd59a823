package import MirrorCore
import MirrorState
package import Retention

/// What the pools of this process cost, at list prices.
package struct RetentionPrices: Sendable, Equatable {
    /// Without prices, a copy costs as much as keeping it for 26 days.
    static let unknown = PoolPrices(
        egress: 0.023 * 26 * 24 / 730, storage: 0.023, put: 0, get: 0, originGet: 0)

    /// When they were read; `nil` where none were.
    package let asOf: Timestamp?
    /// In the order in which tables have them.
    package let pools: [PoolID]
    private let known: [PoolID: PoolPrices]
    private let indices: [PoolID: Int]
    /// Seconds after which a use elsewhere renews a replica, by the number of its pool.
    let renewalIntervals: [UInt32: Double]

    /// - Parameter prices: `nil` for pools whose prices nobody knows.
    package init(asOf: Timestamp?, _ prices: [PoolID: PoolPrices?]) {
        self.asOf = asOf
        pools = prices.keys.sorted { $0.description < $1.description }
        known = prices.compactMapValues(\.self)
        indices = Dictionary(uniqueKeysWithValues: pools.enumerated().map { ($1, $0) })
        let found = known
        renewalIntervals = Dictionary(
            pools.map { (ActivityRecord.number(of: $0.description), (found[$0] ?? Self.unknown).renewalInterval) }
        ) { first, _ in first }
    }

    package func isKnown(_ pool: PoolID) -> Bool { known[pool] != nil }

    /// The prices of a pool, or those that are used without any.
    package subscript(pool: PoolID) -> PoolPrices { known[pool] ?? Self.unknown }

    /// The place of a pool in ``pools``; 0 for one that is not among them.
    func index(of pool: PoolID) -> Int { indices[pool] ?? 0 }

    var all: [PoolPrices] { pools.map { self[$0] } }
}
