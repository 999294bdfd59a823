package import MirrorCore
import Synchronization

/// How far the service's clock is ahead of ours, shared by everybody who signs for it: it refuses requests whose time is more than
/// fifteen minutes off.
package final class ClockOffset: Sendable {
    private let offset = Mutex(Duration.zero)

    package init() {}

    /// Added to our time; zero until somebody has learnt better.
    package var value: Duration { offset.withLock { $0 } }

    package func corrected(_ time: Timestamp) -> Timestamp { time + value }

    /// To be called when the service has refused a request for its time.
    ///
    /// - Parameters:
    ///   - date: The answer's `Date` field.
    ///   - now: Our clock when the answer came.
    /// - Returns: Whether the time that requests are signed with changed by more than a second, so that another attempt has a chance.
    package func learn(date: String, at now: Timestamp) -> Bool {
        guard let theirs = Timestamp(httpDate: date) else { return false }
        let learnt = now.duration(to: theirs)
        return offset.withLock { offset in
            let change = learnt - offset
            offset = learnt
            return change > .seconds(1) || change < .seconds(-1)
        }
    }
}

extension Timestamp {
    /// Reads `Sun, 06 Nov 1994 08:49:37 GMT` (RFC 9110 §5.6.7), the only form that is still sent.
    init?(httpDate text: String) {
        let words = text.split(separator: " ")
        guard words.count == 6, words[0].utf8.count == 4, words[5] == "GMT",
            let day = Self.number(words[1], 1...31), let year = Self.number(words[3], 1970...9999),
            let month = ["Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"].firstIndex(of: words[2])
        else { return nil }
        let time = words[4].split(separator: ":", omittingEmptySubsequences: false)
        guard time.count == 3, let hour = Self.number(time[0], 0...23), let minute = Self.number(time[1], 0...59),
            let second = Self.number(time[2], 0...60)
        else { return nil }
        // Howard Hinnant, "chrono-Compatible Low-Level Date Algorithms", `days_from_civil`: years begin in March.
        let shiftedYear = Int64(month < 2 ? year - 1 : year)
        let era = shiftedYear / 400
        let yearOfEra = shiftedYear - era * 400
        let dayOfYear = Int64((153 * ((month + 10) % 12) + 2) / 5 + day - 1)
        let dayOfEra = yearOfEra * 365 + yearOfEra / 4 - yearOfEra / 100 + dayOfYear
        let days = era * 146_097 + dayOfEra - 719_468
        self.init(milliseconds: (days * 86_400 + Int64(hour * 3_600 + minute * 60 + second)) * 1_000)
    }

    private static func number(_ text: Substring, _ range: ClosedRange<Int>) -> Int? {
        guard text.utf8.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains($0) }), let value = Int(text) else { return nil }
        return range.contains(value) ? value : nil
    }
}
