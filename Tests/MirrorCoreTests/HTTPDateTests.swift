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
            "", "0", "GMT", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37",
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
