import MirrorCore
import Testing

@Suite("The pauses between attempts")
struct BackoffTests {
    private let backoff = Backoff(first: .milliseconds(100), limit: .seconds(1))

    @Test("They double up to the limit", arguments: [(1, 100), (2, 200), (3, 400), (4, 800), (5, 1_000), (40, 1_000), (Int.max, 1_000)])
    func doubles(failures: Int, milliseconds: Int) {
        #expect(backoff.pause(after: failures) == .milliseconds(milliseconds))
    }

    @Test("The first pause is the shortest", arguments: [0, -1, Int.min])
    func first(failures: Int) {
        #expect(backoff.pause(after: failures) == .milliseconds(100))
    }

    @Test("Chance takes a part of them, up to all", arguments: [(0.0, 200, 200), (0.5, 100, 200), (1.0, 0, 200)])
    func jitter(part: Double, least: Int, most: Int) {
        #expect(backoff.pause(after: 2, jitter: part, random: 0) == .milliseconds(least))
        #expect(backoff.pause(after: 2, jitter: part, random: 1) == .milliseconds(most))
    }
}
