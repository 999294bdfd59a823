/// Formats numbers for people.
package enum HumanText {
    /// `93.4 MiB`
    package static func bytes(_ count: Int64) -> String {
        let units = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"]
        var value = Double(count)
        var unit = 0
        while value >= 1_024, unit < units.count - 1 {
            value /= 1_024
            unit += 1
        }
        return unit == 0 ? "\(count) B" : "\(tenths(value)) \(units[unit])"
    }

    /// `45s`, `3m20s`, `2h05m`, `3d4h`, `7d`
    package static func seconds(_ count: Int64) -> String {
        switch count {
        case ..<60: "\(max(count, 0))s"
        case ..<3_600: "\(count / 60)m\(two(count % 60))s"
        case ..<86_400: "\(count / 3_600)h\(two(count / 60 % 60))m"
        default: count % 86_400 < 3_600 ? "\(count / 86_400)d" : "\(count / 86_400)d\(count / 3_600 % 24)h"
        }
    }

    package static func tenths(_ value: Double) -> String {
        guard value.isFinite, abs(value) < 1e15 else { return "?" }
        let tenths = Int64((value * 10).rounded())
        return "\(tenths / 10).\(abs(tenths % 10))"
    }

    /// `12.30`; what is less than a cent has six digits, because single artifacts may cost millionths.
    package static func dollars(_ value: Double) -> String {
        abs(value) >= 0.01 || value == 0 ? fixed(value, 2) : fixed(value, 6)
    }

    /// - Parameter digits: Behind the point; from 0 to 6.
    package static func fixed(_ value: Double, _ digits: Int) -> String {
        guard value.isFinite, abs(value) < 1e12 else { return "-" }
        let power = (0..<digits).reduce(1.0) { power, _ in power * 10 }
        let scaled = Int64((abs(value) * power).rounded())
        let sign = value < 0 && scaled > 0 ? "-" : ""
        guard digits > 0 else { return "\(sign)\(scaled)" }
        let fraction = String(scaled % Int64(power))
        return "\(sign)\(scaled / Int64(power)).\(String(repeating: "0", count: digits - fraction.count))\(fraction)"
    }

    private static func two(_ count: Int64) -> String { count < 10 ? "0\(count)" : "\(count)" }
}
