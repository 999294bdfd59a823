import MirrorCore
import MirrorStorage

/// Makes requests again that are steps of a longer operation, which would begin anew otherwise.
///
/// Never one around another, and never under the retry layer (``RetryStore``): that one repeats the calls that are one request.
struct S3Retries: Sendable {
    var policy = RetryStore.Policy(maxAttempts: 5, baseDelay: .milliseconds(200), maxDelay: .seconds(10))
    let clock: any MonotonicClock

    /// - Parameter step: One request. Gets the number of the attempt, from 1.
    func run<Result>(_ step: (_ attempt: Int) async throws -> Result) async throws -> Result {
        var attempt = 1
        while true {
            do {
                return try await step(attempt)
            } catch let error as StorageError where S3Error.mayRepeat(error) {
                let random = Double.random(in: 0..<1)
                guard let delay = policy.delay(after: attempt, retryAfter: error.retryAfter, random: random) else { throw error }
                try await clock.sleep(for: delay)
                attempt += 1
            }
        }
    }
}
