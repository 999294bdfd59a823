import TestServers
import Testing

@testable import MirrorNode
@testable import MirrorSettings

@Suite struct QuantityTests {
    @Test(
        "Durations are a whole number and a unit",
        arguments: [
            ("0s", Duration.zero), ("500ms", .milliseconds(500)), ("28s", .seconds(28)), ("15m", .seconds(900)), ("24h", .seconds(86_400)),
            ("7d", .seconds(604_800)), ("0001s", .seconds(1)),
        ])
    func durations(text: String, duration: Duration) {
        #expect(DurationFormat.parse(text) == duration)
    }

    @Test(
        "Anything else is no duration",
        arguments: [
            "", "s", "1", "1 s", " 1s", "-1s", "1.5s", "1S", "1min", "1h30m", "１s", "9223372036854775807d", "99999999999999999999s",
        ])
    func notDurations(text: String) {
        #expect(DurationFormat.parse(text) == nil)
    }

    @Test(
        "Sizes are a whole number and a binary or decimal unit",
        arguments: [
            ("0B", Int64(0)), ("1B", 1), ("1KiB", 1_024), ("16MiB", 16 << 20), ("500GiB", 500 << 30), ("5TiB", 5 << 40), ("1PiB", 1 << 50),
            ("1kB", 1_000), ("1KB", 1_000), ("1MB", 1_000_000), ("1GB", 1_000_000_000), ("1TB", 1_000_000_000_000),
            ("8191PiB", 8_191 << 50),
        ])
    func sizes(text: String, bytes: Int64) {
        #expect(ByteSizeFormat.parse(text) == bytes)
    }

    @Test(
        "Anything else is no size",
        arguments: ["", "B", "16", "16 MiB", "-1B", "1.5GiB", "1mib", "1M", "8192PiB", "9223372036854775808B", "1EiB"])
    func notSizes(text: String) {
        #expect(ByteSizeFormat.parse(text) == nil)
    }

    @Test("What is written is read back as the same", arguments: 0..<20)
    func roundTrip(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        for _ in 0..<100 {
            let zeros = Int64.random(in: 0...52, using: &random)
            let bytes = Int64.random(in: 0..<1_024, using: &random) << zeros
            #expect(ByteSizeFormat.parse(ByteSizeFormat.text(bytes)) == bytes)
            #expect(ByteSizeFormat.parse(ByteSizeFormat.text(bytes / 1_000 * 1_000)) == bytes / 1_000 * 1_000)
            for unit: Int64 in [1, 1_000, 60_000, 3_600_000, 86_400_000] {
                let duration = Duration.milliseconds(Int64.random(in: 0..<10_000_000, using: &random) * unit)
                #expect(DurationFormat.parse(DurationFormat.text(duration)) == duration)
            }
        }
    }

    @Test(
        "The unit written is the largest that divides evenly, days from two on",
        arguments: [(Int64(1), "1ms"), (1_000, "1s"), (90_000, "90s"), (60_000, "1m"), (86_400_000, "24h"), (172_800_000, "2d"), (0, "0s")])
    func durationText(milliseconds: Int64, text: String) {
        #expect(DurationFormat.text(.milliseconds(milliseconds)) == text)
    }

    @Test("The nearest known word is suggested only when it is near")
    func spelling() {
        let words = ["listen", "maxWait", "maxWaiting", "origins"]
        #expect(Spelling.nearest(to: "lisen", among: words) == "listen")
        #expect(Spelling.nearest(to: "max_wait", among: words) == "maxWait")
        #expect(Spelling.nearest(to: "orgiins", among: words) == "origins")
        #expect(Spelling.nearest(to: "zzzzzz", among: words) == nil)
        #expect(Spelling.nearest(to: String(repeating: "x", count: 10_000), among: words) == nil)
        #expect(Spelling.distance("", "abc") == 3)
        #expect(Spelling.distance("kitten", "sitting") == 3)
        #expect(Spelling.distance("ab", "ba") == 1)
    }
}
