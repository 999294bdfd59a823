import MirrorCore

/// Durations as in the configuration: `500ms`, `28s`, `24h`, `7d`.
package enum DurationFormat {
    private static let units: [(unit: String, milliseconds: Int64)] = [
        ("d", 86_400_000), ("h", 3_600_000), ("m", 60_000), ("s", 1_000), ("ms", 1),
    ]

    /// - Returns: `nil` unless the text is a whole number and a unit (`ms`, `s`, `m`, `h`, `d`) that fit into 63 bits of milliseconds.
    package static func parse(_ text: String) -> Duration? {
        let digits = text.utf8.prefix { $0.isASCIIDigit }
        guard !digits.isEmpty, let number = Int64(String(digits) ?? ""),
            let unit = units.first(where: { $0.unit == text[digits.endIndex...] })
        else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: unit.milliseconds)
        return overflow ? nil : .milliseconds(product)
    }

    /// In the largest unit that divides evenly (days only from two days); fractions of a millisecond are dropped.
    package static func text(_ duration: Duration) -> String {
        let milliseconds = duration.wholeMilliseconds
        guard milliseconds != 0 else { return "0s" }
        // Most readers call one day 24h; days are easier to read from two days on.
        for (unit, factor) in units where milliseconds % factor == 0 && !(unit == "d" && milliseconds < 2 * factor) {
            return "\(milliseconds / factor)\(unit)"
        }
        return "\(milliseconds)ms"
    }
}
