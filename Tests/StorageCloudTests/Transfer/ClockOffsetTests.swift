import MirrorCore
import StorageCloud
import Testing

@Suite struct ClockOffsetTests {
    private let now = Timestamp(milliseconds: 784_111_777_250)

    @Test func `the difference to the service's clock is learnt from its answer, and only a change is worth another attempt`() {
        let clock = ClockOffset()
        #expect(clock.value == .zero)
        #expect(clock.learn(date: "Sun, 06 Nov 1994 09:49:37 GMT", at: now))
        #expect(clock.value == .milliseconds(3_599_750))
        #expect(clock.corrected(now) == Timestamp(milliseconds: 784_115_377_000))
        #expect(!clock.learn(date: "Sun, 06 Nov 1994 09:49:38 GMT", at: now + .milliseconds(500)))
        #expect(clock.learn(date: "Sun, 06 Nov 1994 07:49:37 GMT", at: now))
        #expect(clock.value == .milliseconds(-3_600_250))
    }

    @Test func `a change within the tolerance is left alone`() {
        let clock = ClockOffset()
        #expect(!clock.learn(date: "Sun, 06 Nov 1994 08:50:17 GMT", at: now, tolerance: .seconds(60)))
        #expect(clock.value == .zero)
        #expect(clock.learn(date: "Sun, 06 Nov 1994 08:51:17 GMT", at: now, tolerance: .seconds(60)))
        #expect(clock.value == .milliseconds(99_750))
    }

    @Test(arguments: [
        "", "0", "Sun, 06 Nov 1994 08:49:37", "Sun, 32 Nov 1994 08:49:37 GMT", "Sun, 06 Now 1994 08:49:37 GMT",
        "Sun, 06 Nov 1994 24:49:37 GMT",
        "Sun, 06 Nov 1994 08:49 GMT", "Sun, 06 Nov 1994 08:49:+7 GMT", "Sun, 06 Nov 99999999999999999999 08:49:37 GMT",
        "Sunday, 06-Nov-1994 08:49:37 GMT", "Sun, 06 Nov 1994 08:49:37 UTC",
    ])
    func `a date that cannot be read changes nothing`(date: String) {
        let clock = ClockOffset()
        #expect(!clock.learn(date: date, at: now))
        #expect(clock.value == .zero)
    }
}
