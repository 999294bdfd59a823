extension Timestamp {
    /// `2026-01-31`, in UTC.
    package var day: String { CivilDate(daysSince1970: Self.floor(milliseconds, 86_400_000)).text }

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
        let month = Self.months[date.month - 1]
        return
            "\(weekday), \(Self.two(Int64(date.day))) \(month) \(date.year) \(Self.two(seconds / 3_600)):\(Self.two(seconds / 60 % 60)):\(Self.two(seconds % 60)) GMT"
    }

    /// Reads an HTTP date: the form that ``httpDate`` writes, and the two obsolete ones that a recipient must accept (RFC 9110 §5.6.7):
    /// `Sunday, 06-Nov-94 08:49:37 GMT` and `Sun Nov  6 08:49:37 1994`.
    ///
    /// - Returns: `nil` for any other text, and for a time before 1970.
    public init?(httpDate text: String) {
        let words = Self.split(text[...], at: UInt8(ascii: " "))
        let date: (day: Substring, month: Substring, year: Substring, time: Substring)
        switch words.count {
        case 6 where words[0].utf8.count == 4 && words[5] == "GMT": date = (words[1], words[2], words[3], words[4])
        case 4 where words[0].utf8.last == UInt8(ascii: ",") && words[3] == "GMT":
            let parts = Self.split(words[1], at: UInt8(ascii: "-"))
            guard parts.count == 3, parts[2].utf8.count == 2, let year = Self.number(parts[2], 0...99) else { return nil }
            // A two-digit year, interpreted as in POSIX.
            date = (parts[0], parts[1], "\(year < 70 ? 2_000 + year : 1_900 + year)", words[2])
        case 5 where words[0].utf8.count == 3: date = (words[2], words[1], words[4], words[3])
        default: return nil
        }
        guard let day = Self.number(date.day, 1...31), let month = Self.months.firstIndex(where: { $0 == date.month }),
            let year = Self.number(date.year, 1970...9999)
        else { return nil }
        let time = Self.split(date.time, at: UInt8(ascii: ":"))
        // The sixtieth second is a leap second.
        guard time.count == 3, let hour = Self.number(time[0], 0...23), let minute = Self.number(time[1], 0...59),
            let second = Self.number(time[2], 0...60)
        else { return nil }
        let days = CivilDate.daysSince1970(year: year, month: Int64(month + 1), day: day)
        self.init(milliseconds: (days * 86_400 + hour * 3_600 + minute * 60 + second) * 1_000)
    }

    /// Splits by bytes, so that a combining mark does not hide a separator. Only runs of spaces count as one separator.
    private static func split(_ text: Substring, at separator: UInt8) -> [Substring] {
        text.utf8.split(separator: separator, omittingEmptySubsequences: separator == UInt8(ascii: " ")).map { Substring($0) }
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    private static func number(_ text: Substring, _ range: ClosedRange<Int64>) -> Int64? {
        Int64(digits: text).flatMap { range.contains($0) ? $0 : nil }
    }

    /// Does not subtract from the value, which may be the least one.
    private static func floor(_ value: Int64, _ divisor: Int64) -> Int64 { value / divisor - (value % divisor < 0 ? 1 : 0) }

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

    /// - SeeAlso: Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`.
    static func daysSince1970(year: Int64, month: Int64, day: Int64) -> Int64 {
        // Years begin in March.
        let shifted = month <= 2 ? year - 1 : year
        let era = (shifted >= 0 ? shifted : shifted - 399) / 400
        let yearOfEra = shifted - era * 400
        let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
        return era * 146_097 + yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear - 719_468
    }

    var text: String { "\(year)-\(Timestamp.two(Int64(month)))-\(Timestamp.two(Int64(day)))" }
}
