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
    package let traffic: TrafficPrices
    private let known: [PoolID: PoolPrices]
    /// See ``savesNothing(in:)``.
    private let useless: Set<PoolID>
    private let indices: [PoolID: Int]
    private let numbers: [PoolID: UInt32]
    /// Seconds after which a use elsewhere renews a replica, by the number of its pool.
    let renewalIntervals: [UInt32: Double]

    /// - Parameter prices: `nil` for pools whose prices nobody knows.
    package init(asOf: Timestamp?, _ prices: [PoolID: PoolPrices?], traffic: TrafficPrices = TrafficPrices()) {
        self.asOf = asOf
        self.traffic = traffic
        pools = prices.keys.sorted { $0.description < $1.description }
        known = prices.compactMapValues(\.self)
        indices = Dictionary(uniqueKeysWithValues: pools.enumerated().map { ($1, $0) })
        let found = known
        useless = Set(
            found.filter { pool, prices in
                traffic.hasOrigins(pool) && prices.egress <= prices.poolEgress && prices.originGet <= prices.get
            }.keys)
        let numbered = pools.map { (pool: $0, number: ActivityRecord.number(of: $0.description)) }
        numbers = numbered.reduce(into: [:]) { $0[$1.pool] = $1.number }
        renewalIntervals = Dictionary(
            numbered.map { ($0.number, (found[$0.pool] ?? Self.unknown).renewalInterval) }
        ) { first, _ in first }
    }

    package func isKnown(_ pool: PoolID) -> Bool { known[pool] != nil }

    /// Whether a copy in a pool saves nothing, however often it is read: most origins are in the pool's region, and reading from there costs no more than
    /// reading from the pool.
    func savesNothing(in pool: PoolID) -> Bool { useless.contains(pool) }

    /// The prices of a pool, or those that are used without any.
    package subscript(pool: PoolID) -> PoolPrices { known[pool] ?? Self.unknown }

    /// The place of a pool in ``pools``; 0 for one that is not among them.
    func index(of pool: PoolID) -> Int { indices[pool] ?? 0 }

    /// What activity records call a pool, whether or not it is among ``pools``.
    func number(of pool: PoolID) -> UInt32 { numbers[pool] ?? ActivityRecord.number(of: pool.description) }

    /// The pool that activity records call by this number; `nil` if this process does not have it.
    func pool(numbered number: UInt32) -> PoolID? { pools.first { self.number(of: $0) == number } }

    var all: [PoolPrices] { pools.map { self[$0] } }
}
