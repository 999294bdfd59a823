extension Timestamp {
    /// `2026-01-31T12:00:00.000Z` (RFC 3339), in UTC.
    public var iso8601: String {
        let (date, time) = (CivilDate(daysSince1970: Self.floor(milliseconds, 86_400_000)), Self.remainder(milliseconds, 86_400_000))
        let seconds = time / 1_000
        return
            "\(date.text)T\(Self.two(seconds / 3_600)):\(Self.two(seconds / 60 % 60)):\(Self.two(seconds % 60)).\(Self.three(time % 1_000))Z"
    }

    /// `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7).
    public var httpDate: String {
        let days = Self.floor(milliseconds, 86_400_000)
        let date = CivilDate(daysSince1970: days)
        let seconds = Self.remainder(milliseconds, 86_400_000) / 1_000
        let weekday = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"][Int(Self.remainder(days, 7))]
        let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"][date.month - 1]
        return
            "\(weekday), \(Self.two(Int64(date.day))) \(month) \(date.year) \(Self.two(seconds / 3_600)):\(Self.two(seconds / 60 % 60)):\(Self.two(seconds % 60)) GMT"
    }

    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 { (value - remainder(value, divisor)) / divisor }

    private static func remainder(_ value: Int64, _ divisor: Int64) -> Int64 {
        let remainder = value % divisor
        return remainder < 0 ? remainder + divisor : remainder
    }

    fileprivate static func two(_ value: Int64) -> String { value < 10 ? "0\(value)" : "\(value)" }
    private static func three(_ value: Int64) -> String { value < 10 ? "00\(value)" : value < 100 ? "0\(value)" : "\(value)" }
}

/// A day of the proleptic Gregorian calendar.
struct CivilDate {
    let year: Int
    let month: Int
    let day: Int

    /// - SeeAlso: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `civil_from_days`.
    init(daysSince1970 days: Int64) {
        // The range of a Timestamp in days fits without overflow.
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let shiftedMonth = (5 * dayOfYear + 2) / 153
        day = Int(dayOfYear - (153 * shiftedMonth + 2) / 5 + 1)
        month = Int(shiftedMonth < 10 ? shiftedMonth + 3 : shiftedMonth - 9)
        year = Int(yearOfEra + era * 400) + (month <= 2 ? 1 : 0)
    }

    var text: String { "\(year)-\(Timestamp.two(Int64(month)))-\(Timestamp.two(Int64(day)))" }
}
