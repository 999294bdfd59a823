package import MirrorCore
package import MirrorState
package import Retention

/// What is known at one moment about how long replicas are worth keeping: the newest table, this process's prices, and the guarded classes.
package struct LearnedLives: Sendable {
    package var prices: RetentionPrices { didSet { lives = table?.lives(prices.all) } }
    /// `nil` before the first one.
    package var table: LearnedTable? {
        didSet {
            lives = table?.lives(prices.all)
            names = Dictionary((table?.classes ?? []).map { (ActivityRecord.number(of: $0), $0) }) { first, _ in first }
        }
    }
    package var guarded = GuardedClasses()
    /// What is copied when it is requested and is not there.
    package var admission = Admission.always
    private var lives: RetentionTable?
    /// The names of the table's classes by their numbers in records.
    private var names: [UInt32: String] = [:]

    package init(prices: RetentionPrices) {
        self.prices = prices
    }

    package func isGuarded(_ artifactClass: UInt32, in pool: PoolID) -> Bool {
        guarded.since[key(artifactClass, pool)] != nil
    }

    /// How many classes are guarded in a pool.
    package func guardedClasses(in pool: PoolID) -> Int {
        let number = prices.number(of: pool)
        return guarded.since.keys.count { $0.pool == number }
    }

    func key(_ artifactClass: UInt32, _ pool: PoolID) -> GuardedClasses.Key {
        GuardedClasses.Key(artifactClass: artifactClass, pool: prices.number(of: pool))
    }

    package func costs(of bytes: Int64, in pool: PoolID) -> ArtifactCosts { prices[pool].costs(of: Double(bytes)) }

    /// The table's node for a context, or for the nearest of its ancestors; `nil` without a table.
    package func node(_ artifactClass: UInt32, place: UInt8) -> Int? {
        guard let table else { return nil }
        return names[artifactClass].map { table.node(Context(0, stored: place), in: $0) } ?? 0
    }

    /// What the table says about a context; `nil` without a table.
    package func life(_ artifactClass: UInt32, place: UInt8, in pool: PoolID) -> ExpectedLife? {
        node(artifactClass, place: place).flatMap { life(node: $0, in: pool) }
    }

    /// - Parameter node: Of the table.
    func life(node: Int, in pool: PoolID) -> ExpectedLife? { lives?.life(node: node, pool: prices.index(of: pool)) }

    /// When a replica ends, in seconds since 1970; infinite where storage costs nothing.
    ///
    /// - Parameter uses: Of the pool.
    package func expiry(_ uses: ActivityRecord.PoolUses, of artifactClass: UInt32, bytes: Int64, in pool: PoolID) -> Double {
        let costs = costs(of: bytes, in: pool)
        guard costs.storage > 0 else { return .infinity }
        if isGuarded(artifactClass, in: pool) { return Double(uses.own) + costs.breakEven }
        guard let life = life(artifactClass, place: uses.place, in: pool) else { return Double(uses.clock) + costs.breakEven / 2 }
        return Double(uses.clock) + max(costs.floor, life.seconds)
    }

    /// The shortest life of any replica in a pool, in seconds, if none is smaller than `least`.
    package func shortestLife(in pool: PoolID) -> Double {
        guard let lives, let nodes = table?.nodes.count else { return 0 }
        let index = prices.index(of: pool)
        return (0..<nodes).reduce(.infinity) { min($0, lives.life(node: $1, pool: index).seconds) }
    }

    /// What a replica is still expected to save, in dollars per byte.
    ///
    /// - Parameter now: Seconds since 1970.
    func worth(_ uses: ActivityRecord.PoolUses, of artifactClass: UInt32, bytes: Int64, in pool: PoolID, at now: Double) -> Double {
        guard bytes > 0, let table, let node = node(artifactClass, place: uses.place) else { return 0 }
        return table.nodes[node].hazards.value(costs(of: bytes, in: pool), after: max(0, now - Double(uses.clock))) / Double(bytes)
    }
}
