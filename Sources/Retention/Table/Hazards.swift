/// How probable it is, in each bin of age, that the waiting ends with a use there, and what follows from that.
package struct Hazards: Sendable, Equatable {
    /// How many observations a context borrows from its parent.
    static let borrowed = 40.0

    /// h: for each bin, 0...1.
    package private(set) var values: [Double]
    /// F and I at each edge: ``ExpectedLife/useProbability`` and ``ExpectedLife/meanWait``.
    package let useProbability: [Double]
    package let meanWait: [Double]

    /// - Parameters:
    ///   - events: For each bin, the weight of the gaps that ended with a use.
    ///   - censored: The weight of those that did not, or not yet.
    ///   - prior: The values of the context above; `nil` at the root, which is smoothed with its own younger ages instead.
    package init(events: [Double], censored: [Double], prior: [Double]?) {
        let count = AgeBins.count
        var atRisk = [Double](repeating: 0, count: count)
        var sum = 0.0
        for bin in (0..<count).reversed() {
            sum += events[bin] + censored[bin]
            atRisk[bin] = sum - censored[bin] / 2
        }
        let prior = prior ?? Self.own(events, atRisk)
        self.init(
            values: (0..<count).map { bin in
                min(max((events[bin] + Self.borrowed * prior[bin]) / (atRisk[bin] + Self.borrowed), 0), 1)
            })
    }

    /// - Parameter values: One for each bin, 0...1.
    init(values: [Double]) {
        self.values = values
        var survival = 1.0
        var use = [0.0]
        var wait = [0.0]
        for bin in values.indices {
            let next = survival * (1 - values[bin])
            wait.append(wait[bin] + (survival + next) / 2 * (AgeBins.edges[bin + 1] - AgeBins.edges[bin]))
            use.append(1 - next)
            survival = next
        }
        useProbability = use
        meanWait = wait
    }

    private static func own(_ events: [Double], _ atRisk: [Double]) -> [Double] {
        var a = 0.0
        var b = 0.0
        return events.indices.map { bin in
            let prior = (a + 0.1) / (b + 1)
            a = 0.75 * (a + events[bin])
            b = 0.75 * (b + atRisk[bin])
            return prior
        }
    }

    /// The life that is expected to save most, up to four times the break-even life.
    package func life(_ costs: ArtifactCosts) -> ExpectedLife {
        let (margin, storage) = (costs.margin, costs.storage)
        let limit = 4 * costs.breakEven
        var best = 0
        var most = 0.0
        for edge in 1...AgeBins.count where AgeBins.edges[edge] <= limit {
            let value = margin * useProbability[edge] - storage * meanWait[edge]
            if value > most { (best, most) = (edge, value) }
        }
        return ExpectedLife(seconds: AgeBins.edges[best], useProbability: useProbability[best], meanWait: meanWait[best])
    }

    /// What a replica that has been waiting for a use is still expected to save, in dollars; for choosing what leaves a full pool.
    ///
    /// - Parameter age: Seconds since the use, or the renewal, that the waiting began with.
    package func value(_ costs: ArtifactCosts, after age: Double) -> Double {
        let bin = AgeBins.bin(age)
        let survival = 1 - useProbability[bin]
        guard survival > 0 else { return 0 }
        return (bin + 1...AgeBins.count).reduce(0) { most, edge in
            let saved = costs.margin * (useProbability[edge] - useProbability[bin])
            return max(most, (saved - costs.storage * (meanWait[edge] - meanWait[bin])) / survival)
        }
    }
}
