import MirrorCore

/// Figures as text, each with its unit.
enum FigureText {
    /// `12,345`
    static func count(_ value: Double) -> String {
        guard value.isFinite, let whole = Int64(exactly: value.rounded()) else { return "?" }
        let digits = Array(String(whole.magnitude))
        var text = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { text += "," }
            text.append(digit)
        }
        return whole < 0 ? "-\(text)" : text
    }

    static func count(_ value: Int) -> String { count(Double(value)) }

    /// `4.2/s`
    static func rate(_ value: Double) -> String {
        if value > 0, value < 0.05 { return "<0.1/s" }
        return value >= 1_000 ? "\(count(value))/s" : "\(HumanText.tenths(value))/s"
    }

    /// `93.4 MiB`
    static func bytes(_ value: Double) -> String {
        HumanText.bytes(Int64(exactly: max(value, 0).rounded()) ?? .max)
    }

    /// `93.4 MiB/s`
    static func speed(_ value: Double) -> String { "\(bytes(value))/s" }

    /// `$12.30`
    static func dollars(_ value: Double) -> String { "$\(HumanText.dollars(value))" }

    /// `42%`; a dash if there is nothing to have a share of.
    static func share(_ part: Double, of whole: Double) -> String {
        guard whole > 0 else { return none }
        let percent = min(max(part / whole * 100, 0), 100)
        if percent > 0, percent < 1 { return "<1%" }
        if percent > 99, percent < 100 { return ">99%" }
        return "\(Int(percent.rounded()))%"
    }

    /// `2.5 ms`, `30 s`, `10 min`
    static func time(_ seconds: Double) -> String {
        func text(_ value: Double, _ unit: String) -> String {
            let tenths = HumanText.tenths(value)
            return "\(tenths.hasSuffix(".0") ? String(tenths.dropLast(2)) : tenths) \(unit)"
        }
        if seconds < 1 { return text(seconds * 1_000, "ms") }
        return seconds <= 120 ? text(seconds, "s") : text(seconds / 60, "min")
    }

    /// `3m20s`
    static func duration(_ duration: Duration) -> String { HumanText.seconds(duration.wholeMilliseconds / 1_000) }

    /// The bound of the bucket that a share of the observations lies below.
    static func quantile(_ share: Double, of buckets: [UInt64]) -> String {
        let total = buckets.reduce(0, &+)
        guard total > 0 else { return none }
        var sum: UInt64 = 0
        for (count, bound) in zip(buckets, HistogramMetric.bounds) {
            sum &+= count
            if Double(sum) >= share * Double(total) { return time(bound) }
        }
        return "over \(time(HistogramMetric.bounds.last ?? 0))"
    }

    static let none = "—"
}
