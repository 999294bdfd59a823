import MirrorCore

/// The system's clock, on which nobody pauses between attempts.
struct FuzzClock: MirrorClock {
    /// Who sleeps for longer waits for something else than the next attempt.
    let longestPause: Duration

    var now: Timestamp { SystemClock().now }
    var instant: ContinuousClock.Instant { .now }

    func sleep(until deadline: ContinuousClock.Instant) async throws { try await sleep(for: instant.duration(to: deadline)) }

    func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        if duration > longestPause { try await Task.sleep(for: duration) }
    }
}
