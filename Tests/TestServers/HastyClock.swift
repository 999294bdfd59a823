package import MirrorCore

/// The system's clock, except that nobody waits between attempts, and that a call may take as long as it does on a busy machine.
package struct HastyClock: MirrorClock {
    /// Whoever sleeps for as long or longer limits a call; shorter are the pauses between attempts.
    private let shortestLimit: Duration
    /// How much its time of day is ahead of the right one.
    private let ahead: Duration

    package init(shortestLimit: Duration = .seconds(15), ahead: Duration = .zero) {
        self.shortestLimit = shortestLimit
        self.ahead = ahead
    }

    package var now: Timestamp { SystemClock().now + ahead }

    package var instant: ContinuousClock.Instant { .now }

    package func sleep(until deadline: ContinuousClock.Instant) async throws { try await sleep(for: instant.duration(to: deadline)) }

    package func sleep(for duration: Duration) async throws {
        try Task.checkCancellation()
        if duration >= shortestLimit { try await Task.sleep(for: max(duration, .seconds(120))) }
    }
}
