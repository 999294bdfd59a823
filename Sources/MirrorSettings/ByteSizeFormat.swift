import MirrorCore

/// Sizes as in the configuration: `16MiB`, `500GiB`, `1TB`.
package enum ByteSizeFormat {
    /// Largest first, so that formatting uses the largest unit that divides evenly; binary before decimal.
    private static let binary: [(unit: String, bytes: Int64)] = [
        ("PiB", 1 << 50), ("TiB", 1 << 40), ("GiB", 1 << 30), ("MiB", 1 << 20), ("KiB", 1 << 10),
    ]
    private static let decimal: [(unit: String, bytes: Int64)] = [
        ("PB", 1_000_000_000_000_000), ("TB", 1_000_000_000_000), ("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000), ("KB", 1_000),
    ]

    /// - Returns: Bytes; `nil` unless the text is a whole number and a unit (`B`, `kB`…`PB`, `KiB`…`PiB`) that fit into 63 bits.
    package static func parse(_ text: String) -> Int64? {
        let digits = text.utf8.prefix { $0.isASCIIDigit }
        guard !digits.isEmpty, let number = Int64(String(digits) ?? "") else { return nil }
        let unit = text[digits.endIndex...]
        guard let bytes = unit == "B" ? 1 : (binary + decimal).first(where: { $0.unit == unit })?.bytes else { return nil }
        let (product, overflow) = number.multipliedReportingOverflow(by: bytes)
        return overflow ? nil : product
    }

    /// For display: `23.9MiB`, in the largest unit that fits, with at most one decimal digit.
    package static func rounded(_ bytes: Int64) -> String {
        guard let (unit, factor) = binary.first(where: { bytes >= $0.bytes }) else { return "\(bytes)B" }
        let (whole, tenth) = (bytes / factor, bytes % factor / (factor / 10))
        return tenth == 0 ? "\(whole)\(unit)" : "\(whole).\(min(tenth, 9))\(unit)"
    }

    /// The shortest text that ``parse(_:)`` reads back as the same number.
    package static func text(_ bytes: Int64) -> String {
        guard bytes > 0 else { return "\(bytes)B" }
        if let (unit, factor) = binary.first(where: { bytes % $0.bytes == 0 }) { return "\(bytes / factor)\(unit)" }
        if let (unit, factor) = decimal.first(where: { bytes % $0.bytes == 0 }) { return "\(bytes / factor)\(unit)" }
        return "\(bytes)B"
    }
}
