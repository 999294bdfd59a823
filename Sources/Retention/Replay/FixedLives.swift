/// What every fixed life after the last use would have cost in one pool: the sums of the gaps between uses, by length.
package struct FixedLives: Sendable, Equatable {
    /// By bin: what keeping through the gaps costs, what keeping costs per second, what a copy after the gap costs more than a hit.
    private var keeping = [Double](repeating: 0, count: AgeBins.count)
    private var storage = [Double](repeating: 0, count: AgeBins.count)
    private var margin = [Double](repeating: 0, count: AgeBins.count)
    /// First copies and hits.
    private var always = 0.0
    /// Storage per second of all last uses, which nobody comes after.
    private var last = 0.0

    mutating func begin(_ costs: ArtifactCosts) { always += costs.copy }

    mutating func use(gap: Double, _ costs: ArtifactCosts) {
        let bin = AgeBins.bin(gap)
        keeping[bin] += costs.storage * gap
        storage[bin] += costs.storage
        margin[bin] += costs.margin
        always += costs.hit
    }

    mutating func end(_ costs: ArtifactCosts) { last += costs.storage }

    /// The fixed life that would have cost least, of those at the edges of the bins, and what it would have cost in dollars.
    package var best: (seconds: Double, total: Double) {
        var best = (seconds: 0.0, total: Double.infinity)
        for edge in 0..<AgeBins.count {
            let seconds = AgeBins.edges[edge]
            var total = always + last * seconds
            for bin in 0..<AgeBins.count {
                total += bin < edge ? keeping[bin] : storage[bin] * seconds + margin[bin]
            }
            if total < best.total { best = (seconds, total) }
        }
        return best
    }
}
