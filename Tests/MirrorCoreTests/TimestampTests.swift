import MirrorCore
import Testing

@Suite struct TimestampTests {
    private let now = Timestamp(milliseconds: 1_700_000_000_000)

    @Test func movesByDurations() {
        #expect((now + .seconds(1)).milliseconds == 1_700_000_001_000)
        #expect((now - .seconds(1)).milliseconds == 1_699_999_999_000)
        #expect((now + .microseconds(1_999)).milliseconds == 1_700_000_000_001)
        #expect(now.duration(to: now + .seconds(90)) == .seconds(90))
        #expect(now.duration(to: now - .seconds(90)) == .seconds(-90))
        #expect(now < now + .milliseconds(1))
    }

    @Test(
        "It stops at its ends instead of trapping",
        arguments: [
            Duration.seconds(Int64.max), .milliseconds(Int64.max), .seconds(Int64.max) + .seconds(Int64.max), .seconds(Int64.max) * 8,
        ])
    func saturates(_ duration: Duration) {
        #expect((now + duration).milliseconds == .max)
        #expect((now - duration).milliseconds <= now.milliseconds - (Int64.max - 1))
        #expect(duration.wholeMilliseconds == .max)
        #expect((.zero - duration).wholeMilliseconds <= -.max)
    }

    @Test func theGreatestDistanceSaturates() {
        let first = Timestamp(milliseconds: .min)
        let last = Timestamp(milliseconds: .max)
        #expect(first.duration(to: last) == .milliseconds(Int64.max))
        #expect(last.duration(to: first) == .milliseconds(Int64.min))
        #expect((last + .milliseconds(1)) == last)
        #expect((first - .milliseconds(1)) == first)
    }

    @Test func `the first and the last time that can be stored have texts, and so has the last millisecond before 1970`() {
        #expect(Timestamp(milliseconds: .max).iso8601 == "292278994-08-17T07:12:55.807Z")
        #expect(Timestamp(milliseconds: .max).httpDate == "Sun, 17 Aug 292278994 07:12:55 GMT")
        #expect(Timestamp(milliseconds: .min).iso8601 == "-292275055-05-16T16:47:04.192Z")
        #expect(Timestamp(milliseconds: .min).httpDate == "Sun, 16 May -292275055 16:47:04 GMT")
        #expect(Timestamp(milliseconds: -1).iso8601 == "1969-12-31T23:59:59.999Z")
        #expect(Timestamp(milliseconds: -86_400_000).httpDate == "Wed, 31 Dec 1969 00:00:00 GMT")
    }

    @Test func durationsInWholeMillisecondsAndSeconds() {
        #expect(Duration.microseconds(1_999).wholeMilliseconds == 1)
        #expect(Duration.microseconds(-1_999).wholeMilliseconds == -1)
        #expect(Duration.zero.wholeMilliseconds == 0)
        #expect(Duration.milliseconds(1_500).inSeconds == 1.5)
    }
}
