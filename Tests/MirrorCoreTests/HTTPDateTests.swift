import MirrorCore
import Testing

@Suite struct HTTPDateTests {
    @Test(
        "Dates are written and read as in RFC 9110",
        arguments: [
            ("Sun, 06 Nov 1994 08:49:37 GMT", 784_111_777), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Thu, 29 Feb 2024 23:59:59 GMT", 1_709_251_199), ("Fri, 31 Dec 9999 23:59:59 GMT", 253_402_300_799),
        ] as [(String, Int64)])
    func examples(_ text: String, _ seconds: Int64) {
        let time = Timestamp(milliseconds: seconds * 1_000)
        #expect(Timestamp(httpDate: text) == time)
        #expect(time.httpDate == text)
        #expect((time + .milliseconds(999)).httpDate == text)
    }

    @Test(
        "The obsolete forms are read as well",
        arguments: [
            ("Sunday, 06-Nov-94 08:49:37 GMT", 784_111_777), ("Sun Nov  6 08:49:37 1994", 784_111_777),
            ("Thursday, 29-Feb-24 23:59:59 GMT", 1_709_251_199), ("Thu Jan  1 00:00:00 1970", 0), ("Wed Nov 16 08:49:37 1994", 784_975_777),
            ("Thursday, 01-Jan-70 00:00:00 GMT", 0), ("Monday, 01-Jan-69 00:00:00 GMT", 3_124_224_000),
        ] as [(String, Int64)])
    func obsolete(_ text: String, _ seconds: Int64) {
        #expect(Timestamp(httpDate: text)?.milliseconds == seconds * 1_000)
    }

    @Test("What is written is read back: every day of four centuries, for the leap years, and moments until the year 9999")
    func roundTrip() {
        let days = (0..<Int64(146_097)).lazy.map { $0 * 86_400 + $0 * 7_919 % 86_400 }
        let all = Array(days) + Array(stride(from: 0, to: 253_402_300_800, by: 25_340_231))
        let unread = all.filter { Timestamp(httpDate: Timestamp(milliseconds: $0 * 1_000).httpDate)?.milliseconds != $0 * 1_000 }
        #expect(unread == [])
    }

    @Test(
        "Any other text is no date",
        arguments: [
            "", "0", "GMT", "yesterday", "Sunday, 06-Nov-1994 08:49:37 GMT", "Sunday, 06-Nov-94 08:49:37",
            "Sunday, 06-Nov-94-1 08:49:37 GMT", "Sunday, -6-Nov-94 08:49:37 GMT", "Sun Nov 6 08:49:37 94", "Sun Nov 6 08:49:37 1994 GMT",
            "Sun,\u{20}\u{301}06 Nov 1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37",
            "Sun, 06 Nov 1994 08:49:37 UTC", "Sunday, 06 Nov 1994 08:49:37 GMT", "06 Nov 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 08:49 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
            "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
            "Sun, 06 Nov 99999999999999999999 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:+7 GMT", "Sun, 06 Nov 1994 -8:49:37 GMT",
            "Sun, 06 Nov 1994 08::49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT", "1994-11-06T08:49:37Z",
        ])
    func others(_ text: String) {
        #expect(Timestamp(httpDate: text) == nil)
    }
}

@Suite struct RetryAfterTests {
    private static let now = Timestamp(milliseconds: 784_111_777_000)

    @Test(
        "Retry-After is seconds or a date, and never longer than the limit",
        arguments: [
            ("0", 0), ("7", 7), ("007", 7), ("3599", 3_599), ("3600", 3_600), ("3601", 3_600), ("99999999999999999999999", 3_600),
            ("1.5", 2), ("1.0", 1), ("0.001", 1), ("99999999999999999999999.5", 3_600), ("9223372036854775807", 3_600),
            ("Sun, 06 Nov 1994 08:49:44 GMT", 7), ("Sunday, 06-Nov-94 08:49:44 GMT", 7), ("Sun Nov  6 08:49:44 1994", 7),
            ("Sun, 06 Nov 1994 08:49:37 GMT", 0), ("Sat, 05 Nov 1994 08:49:37 GMT", 0), ("Thu, 01 Jan 1970 00:00:00 GMT", 0),
            ("Mon, 07 Nov 1994 08:49:37 GMT", 3_600), ("Fri, 31 Dec 9999 23:59:59 GMT", 3_600),
        ] as [(String, Int64)])
    func values(_ text: String, _ seconds: Int64) {
        #expect(Duration(retryAfter: text, now: Self.now, limit: .seconds(3_600)) == .seconds(seconds))
    }

    @Test(
        "What is neither is nothing",
        arguments: [
            "", " ", "-1", "+1", "1,5", "1s", "0x10", "soon", "1, 2", ".5", "5.", "1.2.3", "1e3", "٣", "Sun, 06 Nov 1994 08:49:44 UTC",
        ])
    func others(_ text: String) {
        #expect(Duration(retryAfter: text, now: Self.now, limit: .seconds(3_600)) == nil)
    }
}
