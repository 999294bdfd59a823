import MirrorCore

/// A line that shows how a figure has changed.
enum Sparkline {
    private static let width = 120.0
    private static let height = 30.0

    /// The points of an SVG polyline, in a box of 120 by 30: the values over the whole width, the largest at the top, zero at the bottom.
    ///
    /// - Returns: Empty for fewer than two values, which are no line.
    static func points(of values: [Double]) -> String {
        guard values.count > 1 else { return "" }
        let largest = max(values.filter(\.isFinite).max() ?? 0, .leastNonzeroMagnitude)
        let step = width / Double(values.count - 1)
        return values.enumerated().map { number, value in
            let share = value.isFinite ? min(max(value / largest, 0), 1) : 0
            // One pixel from the edges, so that the line is not cut.
            return "\(HumanText.tenths(Double(number) * step)),\(HumanText.tenths(height - 1 - share * (height - 2)))"
        }.joined(separator: " ")
    }
}
