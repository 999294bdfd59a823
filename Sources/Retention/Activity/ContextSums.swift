/// What was observed in each context: gaps that ended with a use, and waiting that ended without one (censored).
///
/// Plain sums: those of two processes are added, and the order of observations does not matter.
package struct ContextSums: Sendable, ObservationSink {
    /// Offsets in the numbers of a node.
    enum Field {
        static let events = 0
        static let censored = AgeBins.count
        static let bytes = 2 * AgeBins.count
        static let uses = bytes + 1
        static let count = bytes + 2
    }

    package private(set) var tree = ContextTree()
    /// The moment whose weight is 1, in seconds.
    package private(set) var landmark: Double
    private(set) var numbers: [[Double]] = [[Double](repeating: 0, count: Field.count)]

    package init(landmark: Double) {
        self.landmark = landmark
    }

    package func weight(_ time: Double) -> Double { Weights.weight(time - landmark) }

    // MARK: Observations

    /// A use ended a gap that began at `start`.
    package mutating func addEvent(_ context: Context, gap: Double, since start: Double) {
        add(weight(start), Field.events + AgeBins.bin(gap), context)
    }

    /// The waiting that began at `start` ended without a use.
    package mutating func addCensored(_ context: Context, gap: Double, since start: Double) {
        add(weight(start), Field.censored + AgeBins.bin(gap), context)
    }

    /// A waiting for the next use began.
    package mutating func addSize(_ context: Context, bytes: Double) {
        var node = insert(context)
        while node >= 0 {
            numbers[node][Field.bytes] += bytes
            numbers[node][Field.uses] += 1
            node = tree.nodes[node].parent
        }
    }

    private mutating func add(_ weight: Double, _ field: Int, _ context: Context) {
        var node = insert(context)
        while node >= 0 {
            numbers[node][field] += weight
            node = tree.nodes[node].parent
        }
    }

    private mutating func insert(_ context: Context) -> Int {
        let node = tree.insert(context)
        while numbers.count < tree.count { numbers.append([Double](repeating: 0, count: Field.count)) }
        return node
    }

    /// The node of a place in a class, created where it is new; `nil` where the tree is full.
    mutating func insert(_ artifactClass: UInt32, place: Int) -> Int? {
        let node = tree.insert(artifactClass, place: place)
        while numbers.count < tree.count { numbers.append([Double](repeating: 0, count: Field.count)) }
        return node
    }

    /// Adds to one number of one node.
    mutating func add(_ value: Double, _ field: Int, at node: Int) { numbers[node][field] += value }

    // MARK: Sums

    /// Adds what another process observed.
    ///
    /// - Parameter artifactClass: What these sums call a class of the other.
    package mutating func merge(_ other: ContextSums, _ artifactClass: (UInt32) -> UInt32) {
        let factor = Weights.weight(other.landmark - landmark)
        var here = [Int](repeating: 0, count: other.tree.count)
        for (number, node) in other.tree.nodes.enumerated() {
            if let otherClass = node.artifactClass {
                // Where there is no node for it, the parent has it already.
                guard here[node.parent] >= 0,
                    let place = tree.insert(node, artifactClass: artifactClass(otherClass), below: here[node.parent])
                else {
                    here[number] = -1
                    continue
                }
                here[number] = place
                while numbers.count < tree.count { numbers.append([Double](repeating: 0, count: Field.count)) }
            }
            for field in 0..<Field.count {
                numbers[here[number]][field] += other.numbers[number][field] * (field < Field.bytes ? factor : 1)
            }
        }
    }

    /// Moves the landmark on before weights become too large for a number.
    package mutating func rebase(at now: Double) {
        let steps = ((now - landmark) / Weights.halfLife / Weights.maxExponent).rounded(.down)
        guard steps >= 1, steps.isFinite else { return }
        let span = steps * Weights.maxExponent * Weights.halfLife
        let factor = Weights.decay(span)
        for node in numbers.indices {
            for field in 0..<Field.bytes { numbers[node][field] *= factor }
        }
        landmark += span
    }
}
