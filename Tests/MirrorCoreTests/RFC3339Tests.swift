import MirrorCore
import Testing

@Suite struct RFC3339Tests {
    @Test(arguments: [
        ("1970-01-01T00:00:00Z", 0), ("2026-01-31T12:34:56Z", 1_769_862_896_000), ("2024-02-29T23:59:59.5Z", 1_709_251_199_500),
        ("2000-03-01T00:00:00.123456+05:30", 951_849_000_123), ("1969-12-31T23:59:59-00:01", 59_000),
        ("2099-12-31T00:00:00+0000", 4_102_358_400_000), ("2026-01-31 12:34:56Z", 1_769_862_896_000),
    ]) func `times are read as RFC 3339 writes them`(_ text: String, _ milliseconds: Int64) {
        #expect(Timestamp(rfc3339: text)?.milliseconds == milliseconds)
    }

    @Test(arguments: [
        "", "now", "2026-01-31", "2026-01-31T12:34:56", "2026-02-29T00:00:00Z", "2026-13-01T00:00:00Z", "2026-01-31T24:00:00Z",
        "2026-01-31T12:34:56.Z", "2026-01-31T12:34:56Zz", "26-01-31T12:34:56Z", "2026-01-31T12:34:56+24:00", "1769862896",
    ]) func `anything else is no time`(_ text: String) {
        #expect(Timestamp(rfc3339: text) == nil)
    }

    @Test func `times are read in both forms`() {
        let moment = Timestamp(milliseconds: 784_111_777_000)
        #expect(Timestamp(rfc3339OrHTTPDate: "Sun, 06 Nov 1994 08:49:37 GMT") == moment)
        #expect(Timestamp(rfc3339OrHTTPDate: "1994-11-06T08:49:37Z") == moment)
        #expect(Timestamp(rfc3339OrHTTPDate: "1994-11-06T08:49:37.000Z") == moment)
        #expect(Timestamp(rfc3339OrHTTPDate: "1994-11-06T08:49:37.5Z") == moment + .milliseconds(500))
        #expect(Timestamp(rfc3339OrHTTPDate: "1994-11-06T08:49:37.123456789Z") == moment + .milliseconds(123))
        #expect(Timestamp(rfc3339OrHTTPDate: "1994-11-06T09:49:37+01:00") == moment)
        for text in ["", "1994-11-06", "1994-13-06T08:49:37Z", "1994-11-06T08:49:37", "yesterday"] {
            #expect(Timestamp(rfc3339OrHTTPDate: text) == nil, "\(text)")
        }
        for milliseconds in stride(from: 0, to: 4_000_000_000_000, by: 86_399_999_123) as StrideTo<Int64> {
            let time = Timestamp(milliseconds: milliseconds)
            #expect(Timestamp(rfc3339OrHTTPDate: time.iso8601) == time)
            #expect(time.iso8601.hasPrefix("\(time.day)T"))
        }
    }
}
