/// Gaps between uses, and times of waiting for the next, by length: 61 bins whose edges are a quarter apart.
package enum AgeBins {
    package static let count = 61
    /// Seconds; bin `j` holds what is longer than edge `j` and not longer than edge `j + 1`. The first also holds 0, the last all that is longer.
    package static let edges: [Double] = {
        var edges = [0.0, 60.0]
        while edges.count <= count { edges.append(edges[edges.count - 1] * 1.25) }
        return edges
    }()

    /// - Parameter gap: Seconds.
    package static func bin(_ gap: Double) -> Int {
        guard gap > 60 else { return 0 }
        guard gap < 1e9 else { return count - 1 }
        // Three bins are not quite a doubling: the search never begins after the right one.
        var bin = min(max(1, (Int(gap.exponent) - 6) * 3), count - 1)
        return edges.withUnsafeBufferPointer { edges in
            while bin < count - 1, edges[bin + 1] < gap { bin += 1 }
            return bin
        }
    }
}
