extension Timestamp {
    /// Reads `2026-01-31T12:00:00Z`, optionally with a fraction or an offset from UTC (RFC 3339 §5.6).
    ///
    /// - Returns: `nil` for anything else; fractions are truncated to milliseconds.
    public init?(rfc3339 text: String) {
        var rest = Array(text.utf8)[...]
        guard let year = Self.number(&rest, digits: 4), Self.skip(&rest, "-"), let month = Self.number(&rest, digits: 2),
            Self.skip(&rest, "-"), let day = Self.number(&rest, digits: 2),
            Self.skip(&rest, "T") || Self.skip(&rest, "t") || Self.skip(&rest, " "),
            let hour = Self.number(&rest, digits: 2), Self.skip(&rest, ":"), let minute = Self.number(&rest, digits: 2),
            Self.skip(&rest, ":"), let second = Self.number(&rest, digits: 2),
            (1...12).contains(month), (1...Self.days(in: month, of: year)).contains(day), hour < 24, minute < 60, second <= 60
        else { return nil }
        var fraction: Int64 = 0
        if Self.skip(&rest, ".") {
            var digits = 0
            while let digit = Self.number(&rest, digits: 1) {
                digits += 1
                if digits <= 3 { fraction = fraction * 10 + digit }
            }
            guard digits > 0 else { return nil }
            for _ in digits..<max(3, digits) { fraction *= 10 }
        }
        guard let offset = Self.offset(&rest), rest.isEmpty else { return nil }
        let minutes = (CivilDate.daysSince1970(year: year, month: month, day: day) * 24 + hour) * 60 + minute - offset
        self.init(milliseconds: (minutes * 60 + second) * 1_000 + fraction)
    }

    /// Reads either of the two forms that services use: RFC 3339 in documents and ``init(httpDate:)`` in header fields.
    package init?(rfc3339OrHTTPDate text: String) {
        guard let time = Timestamp(rfc3339: text) ?? Timestamp(httpDate: text) else { return nil }
        self = time
    }

    /// In minutes.
    private static func offset(_ rest: inout ArraySlice<UInt8>) -> Int64? {
        if skip(&rest, "Z") || skip(&rest, "z") { return 0 }
        let isNegative = skip(&rest, "-")
        guard isNegative || skip(&rest, "+"), let hours = number(&rest, digits: 2), hours < 24 else { return nil }
        _ = skip(&rest, ":")
        guard let minutes = number(&rest, digits: 2), minutes < 60 else { return nil }
        return (isNegative ? -1 : 1) * (hours * 60 + minutes)
    }

    private static func number(_ rest: inout ArraySlice<UInt8>, digits: Int) -> Int64? {
        let text = rest.prefix(digits)
        guard text.count == digits, text.allSatisfy(\.isASCIIDigit) else { return nil }
        rest = rest.dropFirst(digits)
        return text.reduce(0) { $0 * 10 + Int64($1 - UInt8(ascii: "0")) }
    }

    private static func skip(_ rest: inout ArraySlice<UInt8>, _ character: Unicode.Scalar) -> Bool {
        guard rest.first == UInt8(ascii: character) else { return false }
        rest = rest.dropFirst()
        return true
    }

    private static func days(in month: Int64, of year: Int64) -> Int64 {
        switch month {
        case 2: year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) ? 29 : 28
        case 4, 6, 9, 11: 30
        default: 31
        }
    }
}
