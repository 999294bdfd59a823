import MirrorCore

/// Parses the times in logs into milliseconds since 1970. Remembers the last day, because most lines have the same day as the one before.
struct LogTime {
    private var day: [UInt8] = []
    private var dayStart: Int64 = 0

    /// Seconds with an optional fraction, rounded to milliseconds; 0 or more.
    static func seconds(_ text: LogBytes) -> Int64? {
        var index = 0
        var whole: Int64 = 0
        while index < text.count, text[index] >= 0x30, text[index] <= 0x39 {
            guard index < 15 else { return nil }
            whole = whole * 10 + Int64(text[index] - 0x30)
            index += 1
        }
        guard index > 0 else { return nil }
        guard index < text.count else { return whole * 1_000 }
        guard text[index] == UInt8(ascii: ".") else { return exponential(text) }
        index += 1
        var fraction: Int64 = 0
        var digits = 0
        var isMore = false
        while index < text.count {
            guard text[index] >= 0x30, text[index] <= 0x39 else { return exponential(text) }
            if digits < 4 { fraction = fraction * 10 + Int64(text[index] - 0x30) } else if text[index] > 0x30 { isMore = true }
            digits += 1
            index += 1
        }
        for _ in min(digits, 4)..<4 { fraction *= 10 }
        let (thousandths, tenth) = fraction.quotientAndRemainder(dividingBy: 10)
        // Rounds to the nearest, and ties to even.
        let isUp = tenth > 5 || tenth == 5 && (isMore || thousandths % 2 == 1)
        return whole * 1_000 + thousandths + (isUp ? 1 : 0)
    }

    /// The notation in which some programs write large or tiny numbers.
    private static func exponential(_ text: LogBytes) -> Int64? {
        guard text.count <= 40, let seconds = Double(text.text), seconds >= 0, seconds < 1e15 else { return nil }
        return Int64((seconds * 1_000).rounded(.toNearestOrEven))
    }

    /// `2026-01-31T12:00:00.000Z` (RFC 3339), or seconds.
    mutating func rfc3339OrSeconds(_ text: LogBytes) -> Int64? {
        guard text.count >= 20, text[4] == UInt8(ascii: "-"), text.last == UInt8(ascii: "Z") else {
            return Self.seconds(text) ?? (text.count <= 40 ? Timestamp(rfc3339: text.text)?.milliseconds : nil)
        }
        guard let start = startOfDay(LogBytes(rebasing: text[..<10])), let time = Self.clock(LogBytes(rebasing: text[11..<19])) else {
            return Timestamp(rfc3339: text.text)?.milliseconds
        }
        guard text.count > 20 else { return start + time }
        guard text.count == 24, let fraction = LogBytes(rebasing: text[20..<23]).decimal else {
            return text.count <= 40 ? Timestamp(rfc3339: text.text)?.milliseconds : nil
        }
        return start + time + fraction
    }

    /// `2026-01-31` and `12:00:00`, in UTC.
    mutating func date(_ date: LogBytes, time: LogBytes) -> Int64? {
        guard let start = startOfDay(date), let time = Self.clock(time) else { return nil }
        return start + time
    }

    /// `31/Jan/2026:12:00:00 +0000`.
    mutating func common(_ text: LogBytes) -> Int64? {
        guard text.count == 26, text[11] == UInt8(ascii: ":"), text[20] == 0x20,
            let time = Self.clock(LogBytes(rebasing: text[12..<20])), let start = startOfDay(LogBytes(rebasing: text[..<11])),
            let hours = LogBytes(rebasing: text[22..<24]).decimal, let minutes = LogBytes(rebasing: text[24..<26]).decimal, minutes < 60,
            hours < 24
        else { return nil }
        let offset = (hours * 60 + minutes) * 60_000
        switch text[21] {
        case UInt8(ascii: "+"): return start + time - offset
        case UInt8(ascii: "-"): return start + time + offset
        default: return nil
        }
    }

    private mutating func startOfDay(_ text: LogBytes) -> Int64? {
        if text.elementsEqual(day) { return dayStart }
        let words = text.text.split { $0 == "-" || $0 == "/" }.map { String($0) }
        guard words.count == 3 else { return nil }
        let iso: String
        if words[0].utf8.count == 4 {
            iso = words.joined(separator: "-")
        } else if let month = Self.months.firstIndex(of: words[1]) {
            iso = "\(words[2])-\(month < 9 ? "0" : "")\(month + 1)-\(words[0])"
        } else {
            return nil
        }
        guard let start = Timestamp(rfc3339: "\(iso)T00:00:00Z") else { return nil }
        day = Array(text)
        dayStart = start.milliseconds
        return dayStart
    }

    private static let months = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"]

    /// `12:00:00`
    private static func clock(_ text: LogBytes) -> Int64? {
        guard text.count == 8, text[2] == UInt8(ascii: ":"), text[5] == UInt8(ascii: ":"),
            let hours = LogBytes(rebasing: text[0..<2]).decimal, let minutes = LogBytes(rebasing: text[3..<5]).decimal,
            let seconds = LogBytes(rebasing: text[6..<8]).decimal, hours < 24, minutes < 60, seconds <= 60
        else { return nil }
        return ((hours * 60 + minutes) * 60 + seconds) * 1_000
    }
}
