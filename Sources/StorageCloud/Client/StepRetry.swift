package import MirrorCore
package import MirrorStorage

/// Repeats requests that are steps of a longer operation, which would otherwise have to start again.
///
/// Never nested, and never under the retry layer (``RetryStore``), which repeats the calls that are one request.
package struct StepRetry: Sendable {
    private let policy: RetryStore.Policy
    private let clock: any MonotonicClock

    package init(
        policy: RetryStore.Policy = .init(maxAttempts: 5, baseDelay: .milliseconds(200), maxDelay: .seconds(10)), clock: any MonotonicClock
    ) {
        self.policy = policy
        self.clock = clock
    }

    /// - Parameter step: Makes one request. Gets the number of the attempt, from 1.
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

extension StepRetry {
    /// The service's answer, after waiting out throttling and temporary errors.
    ///
    /// - Parameter isAnswer: Whether a failure is an answer, even if it looks transient. A failure that says that something is not supported always is.
    package func answer<Client: CloudClient>(
        of client: Client, to call: Client.Call, isAnswer: (Client.Failure) -> Bool
    ) async throws -> ServiceAnswer<Client.Failure> {
        try await run { _ in
            let answer = try await client.answer(to: call)
            guard let failure = answer.failure else { return answer }
            let error = client.error(failure, call)
            guard error.code.isTransient, !failure.isUnsupported, !isAnswer(failure) else { return answer }
            throw error
        }
    }
}
