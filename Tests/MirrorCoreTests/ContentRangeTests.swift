import MirrorCore
import Testing

@Suite("Content-Range is read strictly (RFC 9110 section 14.4)")
struct ContentRangeTests {
    @Test(
        "What is well-formed",
        arguments: [
            ("bytes 0-0/1", 0, 0, 1), ("bytes 5-9/10", 5, 9, 10), ("bytes 0-9/*", 0, 9, nil), ("Bytes 0-9/100", 0, 9, 100),
            ("bytes 0-9223372036854775806/9223372036854775807", 0, Int64.max - 1, Int64.max),
            ("bytes 0-9223372036854775806/*", 0, .max - 1, nil),
        ] as [(String, Int64, Int64, Int64?)])
    func good(value: String, first: Int64, last: Int64, total: Int64?) {
        let range = ContentRange(value)
        #expect(range?.bytes == ByteRange(offset: first, length: last - first + 1))
        #expect(range?.total == total)
    }

    @Test("Of a 416 it says how long the whole is, and nothing else")
    func unsatisfied() {
        #expect(ContentRange("bytes */10")?.bytes == nil)
        #expect(ContentRange("bytes */10")?.total == 10)
    }

    @Test(
        "What is hostile or sloppy",
        arguments: [
            "", "bytes", "bytes ", "bytes 0-9", "bytes 0-9/", "bytes /10", "bytes -/10", "bytes 0-/10", "bytes -9/10", "bytes 9-0/10",
            "bytes */*", "bytes */-1", "bytes 5-10/10", "bytes 0-9223372036854775807/*", "bytes 5-9223372036854775807/*", "bytes 0--9/100",
            "bytes -1-9/10", "bytes +0-9/10", "bytes 0-+9/10", "bytes 0-9/+10", "bytes 0-9/-10", "bytes 0-9/10/11", "bytes 0-9-10/11",
            "bytes 0 - 9/10", "bytes  0-9/10", "bytes=0-9/10", "items 0-9/10", "bytes 0x0-9/10", "bytes 0-9/10 ", "bytes ٠-٩/١٠",
            "bytes 0-9223372036854775808/9223372036854775809", "bytes 0-99999999999999999999999/5", "bytes 0-9/99999999999999999999999",
        ])
    func bad(value: String) {
        #expect(ContentRange(value) == nil)
    }
}
