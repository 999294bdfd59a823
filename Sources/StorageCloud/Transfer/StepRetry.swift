package import MirrorCore
package import MirrorStorage

/// Makes requests again that are steps of a longer operation, which would begin anew otherwise.
///
/// Never one around another, and never under the retry layer (``RetryStore``): that one repeats the calls that are one request.
package struct StepRetry: Sendable {
    private let policy: RetryStore.Policy
    private let clock: any MonotonicClock

    package init(
        policy: RetryStore.Policy = .init(maxAttempts: 5, baseDelay: .milliseconds(200), maxDelay: .seconds(10)), clock: any MonotonicClock
    ) {
        self.policy = policy
        self.clock = clock
    }

    /// - Parameter step: One request. Gets the number of the attempt, from 1.
    package func run<Result>(_ step: (_ attempt: Int) async throws -> Result) async throws -> Result {
        var attempt = 1
        while true {
            do {
                return try await step(attempt)
            } catch let error as StorageError where error.mayRepeat {
                let random = Double.random(in: 0..<1)
                guard let delay = policy.delay(after: attempt, retryAfter: error.retryAfter, random: random) else { throw error }
                try await clock.sleep(for: delay)
                attempt += 1
            }
        }
    }
}
