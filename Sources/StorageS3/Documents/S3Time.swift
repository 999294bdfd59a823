package import MirrorCore

/// Reads the times that the service writes.
package enum S3Time {
    /// `2026-01-31T12:00:00.000Z` as in documents, with or without a fraction, in UTC.
    package static func iso8601(_ text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count >= 20, bytes[4] == UInt8(ascii: "-"), bytes[7] == UInt8(ascii: "-"), bytes[10] == UInt8(ascii: "T"),
            bytes[13] == UInt8(ascii: ":"), bytes[16] == UInt8(ascii: ":"), bytes.last == UInt8(ascii: "Z"),
            let year = number(bytes[0..<4], 1970...9999), let month = number(bytes[5..<7], 1...12), let day = number(bytes[8..<10], 1...31),
            let hour = number(bytes[11..<13], 0...23), let minute = number(bytes[14..<16], 0...59),
            let second = number(bytes[17..<19], 0...60)
        else { return nil }
        var milliseconds = 0
        if bytes.count > 20 {
            guard bytes[19] == UInt8(ascii: "."), bytes.count <= 30 else { return nil }
            let fraction = bytes[20..<(bytes.count - 1)]
            guard fraction.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
            let digits = (fraction.prefix(3) + Array(repeating: 0x30, count: max(0, 3 - fraction.count)))
            guard let value = number(ArraySlice(digits), 0...999) else { return nil }
            milliseconds = value
        }
        let days = CivilDate.daysSince1970(year: Int64(year), month: Int64(month), day: Int64(day))
        let seconds = days * 86_400 + Int64(hour * 3_600 + minute * 60 + second)
        return Timestamp(milliseconds: seconds * 1_000 + Int64(milliseconds))
    }

    /// Whichever of the two forms that the service has.
    package static func parse(_ text: String) -> Timestamp? { iso8601(text) ?? Timestamp(httpDate: text) }

    private static func number(_ digits: ArraySlice<UInt8>, _ range: ClosedRange<Int>) -> Int? {
        var value = 0
        for digit in digits {
            guard (0x30...0x39).contains(digit) else { return nil }
            value = value * 10 + Int(digit - 0x30)
        }
        return range.contains(value) ? value : nil
    }
}
