import MirrorCore
import StorageCloud
import Testing

@Suite("Windows that addresses are signed for")
struct SigningWindowTests {
    private static let week = Duration.seconds(604_800)
    private let window = SigningWindow(length: .seconds(300))

    @Test(
        "begin every five minutes, whoever counts",
        arguments: [
            (0, 0), (1, 0), (299_999, 0), (300_000, 300_000), (1_700_000_123_456, 1_700_000_100_000), (-1, -300_000),
        ] as [(Int64, Int64)])
    func start(_ time: Int64, _ expected: Int64) {
        #expect(window.start(of: Timestamp(milliseconds: time)) == Timestamp(milliseconds: expected))
    }

    @Test("leave an address the life that was asked for, up to their last moment")
    func life() {
        let last = Timestamp(milliseconds: 599_999)
        let end = window.start(of: last) + window.life(atLeast: .seconds(600))
        #expect(last.duration(to: end) >= .seconds(600))
    }

    @Test(
        "give an address the same times at each of their moments, and whole seconds",
        arguments: [(300_000, 600), (299_001, 600), (1_001, 302), (1, 301)] as [(Int64, Int64)])
    func validity(_ life: Int64, _ seconds: Int64) {
        for moment in [300_000, 300_001, 301_000, 599_999] as [Int64] {
            let now = Timestamp(milliseconds: moment)
            let validity = window.validity(for: .milliseconds(life), at: now, longest: Self.week)
            #expect(validity?.start == Timestamp(milliseconds: 300_000))
            #expect(validity?.life == .seconds(seconds))
            #expect(validity?.end == Timestamp(milliseconds: 300_000 + seconds * 1_000))
        }
    }

    @Test("never let an address live longer than the service allows, nor than what it is signed with")
    func limits() {
        let now = Timestamp(milliseconds: 399_000)
        func life(_ life: Duration, until end: Int64? = nil) -> Duration? {
            window.validity(for: life, at: now, longest: Self.week, until: end.map { Timestamp(milliseconds: $0) })?.life
        }
        #expect(life(Self.week - .seconds(300)) == Self.week)
        #expect(life(Self.week) == Self.week)
        #expect(life(.seconds(Int64.max)) == Self.week)
        #expect(life(.seconds(300), until: 1_000_000) == .seconds(600))
        #expect(life(.seconds(300), until: 899_999) == .seconds(599))
        // A second from now is the least, and what has ended signs nothing.
        #expect(life(.seconds(300), until: 400_000) == .seconds(100))
        #expect(window.validity(for: .zero, at: Timestamp(milliseconds: 599_500), longest: Self.week) == nil)
        for end in [399_999, 399_000, 300_000, 1, -1] as [Int64] { #expect(life(.seconds(300), until: end) == nil) }
    }
}
