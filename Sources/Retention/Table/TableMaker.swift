/// Makes a table from the sums of ended waits and the waits that are still open.
package struct TableMaker: Sendable {
    private let sums: ContextSums
    private let now: Double
    /// For each node, the weight of the open waits, by bin.
    private var waiting: [Double]

    package init(_ sums: ContextSums, at now: Double) {
        self.sums = sums
        self.now = now
        waiting = [Double](repeating: 0, count: sums.tree.count * AgeBins.count)
    }

    /// An artifact that was used, in one pool, and whose next use is waited for.
    ///
    /// - Parameter clock: What a clock that was ahead has recorded counts as now: its weight would outdo all others for as long as that clock was ahead.
    package mutating func addWaiting(_ context: Context, since clock: Double) {
        let node = sums.tree.node(context, among: .max)
        waiting[node * AgeBins.count + AgeBins.bin(max(0, now - clock))] += sums.weight(min(clock, now))
    }

    /// - Parameter prices: Of each pool.
    package consuming func table(_ prices: [PoolPrices]) -> RetentionTable {
        var table = RetentionTable(at: now, nodes: sums.tree.count, prices: prices)
        forEachNode { table.append($0.hazards, bytes: $0.bytes) }
        return table
    }

    /// What each process makes a table of, with its own prices.
    ///
    /// - Parameter classes: The names of the sums' classes, by number.
    package consuming func learned(classes: [String]) -> LearnedTable {
        let (time, tree) = (now, sums.tree)
        var nodes: [LearnedTable.Node] = []
        nodes.reserveCapacity(tree.count)
        forEachNode { nodes.append($0) }
        return LearnedTable(time: time, classes: classes, tree: tree, nodes: nodes)
    }

    /// Parents come before their children.
    private consuming func forEachNode(_ body: (LearnedTable.Node) -> Void) {
        let bins = AgeBins.count
        let nodes = sums.tree.nodes
        for node in (1..<max(1, nodes.count)).reversed() {
            let parent = nodes[node].parent
            for bin in 0..<bins { waiting[parent * bins + bin] += waiting[node * bins + bin] }
        }
        let scale = 1 / sums.weight(now)
        var priors: [Int: [Double]] = [:]
        for (number, node) in nodes.enumerated() {
            let own = sums.numbers[number]
            let events = (0..<bins).map { own[ContextSums.Field.events + $0] * scale }
            let censored = (0..<bins).map { (own[ContextSums.Field.censored + $0] + waiting[number * bins + $0]) * scale }
            let hazards = Hazards(events: events, censored: censored, prior: priors[node.parent])
            if !node.isLeaf { priors[number] = hazards.values }
            let uses = own[ContextSums.Field.uses]
            body(
                LearnedTable.Node(
                    hazards: hazards, bytes: uses > 0 ? own[ContextSums.Field.bytes] / uses : 0, ended: events.reduce(0, +),
                    unended: censored.reduce(0, +)))
        }
    }
}
