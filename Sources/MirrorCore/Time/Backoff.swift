/// The pauses between attempts: doubled after each failure, up to a limit.
package struct Backoff: Sendable, Hashable {
    /// The pause after the first failure.
    package var first: Duration
    /// The longest pause.
    package var limit: Duration

    package init(first: Duration, limit: Duration) {
        self.first = first
        self.limit = limit
    }

    /// - Parameter failures: Consecutive failures, including the last one; less than 1 counts as 1.
    package func pause(after failures: Int) -> Duration {
        // 2^20 times any useful pause exceeds every limit, without overflow.
        min(limit, first * (1 << min(max(failures, 1) - 1, 20)))
    }

    /// A pause with a random part, so that callers that failed together do not retry together.
    ///
    /// - Parameter jitter: The random share of the pause, 0 to 1: all of it ("full jitter") spreads best; half of it ("equal jitter") keeps each
    ///   pause from being close to zero.
    /// - Parameter random: 0 to 1; 1 gives the whole pause.
    /// - SeeAlso: AWS Architecture Blog, "Exponential Backoff And Jitter".
    package func pause(after failures: Int, jitter: Double, random: Double) -> Duration {
        pause(after: failures) * (1 - jitter + jitter * random)
    }
}
