/// What was learned from the uses so far, for all processes: for each context, how probable the next use is after how long a wait.
///
/// It has no prices. Each process makes a ``RetentionTable`` of it with those of its pools.
package struct LearnedTable: Sendable, Equatable {
    /// A context or one of its ancestors.
    package struct Node: Sendable, Equatable {
        package let hazards: Hazards
        /// The mean size of the artifacts that were used, in bytes.
        package let bytes: Double
        /// Observations of the node and of all below it: gaps that ended with a use, and others. Those that are 30 days old count half.
        package let ended: Double
        package let unended: Double
    }

    /// When it was made, in seconds.
    package let time: Double
    /// The names of the classes, by number.
    package let classes: [String]
    package let tree: ContextTree
    /// As many as the tree has.
    package let nodes: [Node]
    private let numbers: [String: UInt32]

    init(time: Double, classes: [String], tree: ContextTree, nodes: [Node]) {
        self.time = time
        self.classes = classes
        self.tree = tree
        self.nodes = nodes
        numbers = Dictionary(classes.enumerated().map { ($1, UInt32($0)) }) { first, _ in first }
    }

    /// The node of a context, or its nearest ancestor that was known when the table was made.
    ///
    /// - Parameter artifactClass: The name of the context's class, whose number may be another here.
    package func node(_ context: Context, in artifactClass: String) -> Int {
        guard let number = numbers[artifactClass] else { return 0 }
        return tree.node(Context(number, place: context.place), among: nodes.count)
    }

    /// Lives by the prices of each pool.
    package func lives(_ prices: [PoolPrices]) -> RetentionTable {
        var table = RetentionTable(at: time, nodes: nodes.count, prices: prices)
        for node in nodes { table.append(node.hazards, bytes: node.bytes) }
        return table
    }

    /// The node and its ancestors, up to the one of everything.
    package func path(_ node: Int) -> [Int] {
        var path: [Int] = []
        var next = node
        while next >= 0, next < nodes.count {
            path.append(next)
            next = tree.nodes[next].parent
        }
        return path
    }
}
