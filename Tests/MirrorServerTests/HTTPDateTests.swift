import MirrorCore
import Testing

@testable import MirrorServer

@Suite struct HTTPDateTests {
    @Test func `the date of RFC 9110 is read and written`() {
        #expect(HTTPDate.seconds("Sun, 06 Nov 1994 08:49:37 GMT") == 784_111_777)
        #expect(Timestamp(milliseconds: 784_111_777_000).httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
        #expect(HTTPDate.seconds("Thu, 01 Jan 1970 00:00:00 GMT") == 0)
        #expect(HTTPDate.seconds("Thu, 29 Feb 2024 23:59:59 GMT") == 1_709_251_199)
    }

    @Test func `what is written is read back`() {
        var random = SeededGenerator(seed: 1)
        for _ in 0..<10_000 {
            let seconds = Int64.random(in: 0..<253_402_300_800, using: &random)
            #expect(HTTPDate.seconds(Timestamp(milliseconds: seconds * 1_000).httpDate) == seconds)
        }
        // Every day of four centuries, for the leap years.
        for day in Int64(0)..<146_097 {
            let seconds = day * 86_400 + 3_600
            if HTTPDate.seconds(Timestamp(milliseconds: seconds * 1_000).httpDate) != seconds { Issue.record("day \(day)") }
        }
    }

    @Test(arguments: [
        "", "GMT", "yesterday", "Sunday, 06-Nov-94 08:49:37 GMT", "Sun Nov  6 08:49:37 1994", "Sun, 06 Nov 1994 08:49:37",
        "Sun, 06 Nov 1994 08:49:37 UTC",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 00 Nov 1994 08:49:37 GMT", "Sun, 06 Foo 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT", "Sun, 06 Nov 1994 08:60:37 GMT", "Sun, 06 Nov 1994 08:49:61 GMT",
        "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        "Sun, 06 Nov 1994 -8:49:37 GMT", "Sun, 06 Nov 1969 08:49:37 GMT", "1994-11-06T08:49:37Z",
    ])
    func `any other text is no date`(text: String) {
        #expect(HTTPDate.seconds(text) == nil)
    }
}
