/// What every fixed life after the last use would have cost in one pool: the sums of the gaps between uses, by length.
package struct FixedLives: Sendable, Equatable {
    private struct Bin: Sendable, Equatable {
        /// What keeping through the gaps costs.
        var keeping = 0.0
        /// What keeping costs per second.
        var storage = 0.0
        /// What a copy after the gap costs more than a hit.
        var margin = 0.0
    }

    private var bins = [Bin](repeating: Bin(), count: AgeBins.count)
    /// First copies and hits.
    private var always = 0.0
    /// Storage per second of all last uses, which nobody comes after.
    private var last = 0.0

    mutating func begin(_ costs: ArtifactCosts) { always += costs.copy }

    mutating func use(gap: Double, _ costs: ArtifactCosts) {
        let bin = AgeBins.bin(gap)
        bins[bin].keeping += costs.storage * gap
        bins[bin].storage += costs.storage
        bins[bin].margin += costs.margin
        always += costs.hit
    }

    mutating func end(_ costs: ArtifactCosts) { last += costs.storage }

    /// The fixed life that would have cost least, of those at the edges of the bins, and what it would have cost in dollars.
    package var best: (seconds: Double, total: Double) {
        var best = (seconds: 0.0, total: Double.infinity)
        for edge in 0..<AgeBins.count {
            let seconds = AgeBins.edges[edge]
            var total = always + last * seconds
            for (number, bin) in bins.enumerated() {
                total += number < edge ? bin.keeping : bin.storage * seconds + bin.margin
            }
            if total < best.total { best = (seconds, total) }
        }
        return best
    }
}
