/// How long replicas are kept: for each context and pool.
package struct RetentionTable: Sendable {
    /// When it was made, in seconds.
    package let time: Double
    /// How many nodes the tree had then: a context that is younger has the life of its nearest ancestor.
    package let nodes: Int
    /// Pools with the same prices share their lives.
    private let groups: [PoolPrices]
    private let group: [Int]
    private var lives: [ExpectedLife] = []

    init(at time: Double, nodes: Int, prices: [PoolPrices]) {
        self.time = time
        self.nodes = nodes
        var groups: [PoolPrices] = []
        group = prices.map { price in
            if let known = groups.firstIndex(of: price) { return known }
            groups.append(price)
            return groups.count - 1
        }
        self.groups = groups
        lives.reserveCapacity(nodes * groups.count)
    }

    mutating func append(_ hazards: Hazards, bytes: Double) {
        for prices in groups { lives.append(hazards.life(prices.costs(of: bytes))) }
    }

    /// The life of replicas in a context, counted from their last use or renewal.
    ///
    /// - Parameter pool: As in the prices that the table was made with; one that is newer has the life of the first.
    package func life(_ context: Context, of tree: ContextTree, pool: Int) -> ExpectedLife {
        life(node: tree.node(context, among: nodes), pool: pool)
    }

    package func life(node: Int, pool: Int) -> ExpectedLife {
        lives[min(node, nodes - 1) * groups.count + (pool < group.count ? group[pool] : 0)]
    }
}
