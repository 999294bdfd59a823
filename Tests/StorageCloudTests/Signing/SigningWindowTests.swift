import MirrorCore
import StorageCloud
import Testing

@Suite("Windows that addresses are signed for")
struct SigningWindowTests {
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
}
