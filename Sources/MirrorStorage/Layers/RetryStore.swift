package import MirrorCore

/// Repeats calls that failed with a transient error, after growing pauses.
///
/// Only calls that can be repeated: writing a part whose bytes are in memory, but not one whose stream has been consumed, and not reading a body
/// that has been opened. The copy engine repeats those from the start. `copy`, `pull` and `complete` are not repeated here either: they are many
/// requests, and the stores repeat each of them, and nothing else. So attempts are never multiplied, and a service that always fails gets
/// ``Policy/maxAttempts`` requests for each call of one request; docs/storage-backends.md lists the numbers for all calls.
///
/// A deletion that was not answered in time is not repeated: the service may still perform it, and the caller has to know. Nor is
/// a call that was not made because the store is silent (``SilenceStore``).
package struct RetryStore: StoreLayer {
    package struct Policy: Sendable, Hashable {
        /// The number of attempts, including the first; 1 or more.
        package var maxAttempts: Int
        /// The longest wait before the second attempt; it doubles with each attempt.
        package var baseDelay: Duration
        /// The longest wait.
        package var maxDelay: Duration
        /// If a provider asks for a longer wait than this, there is no further attempt: the caller has better alternatives.
        package var maxRetryAfter: Duration

        package static let standard = Policy()

        package init(
            maxAttempts: Int = 4, baseDelay: Duration = .milliseconds(100), maxDelay: Duration = .seconds(5),
            maxRetryAfter: Duration = .seconds(30)
        ) {
            self.maxAttempts = maxAttempts
            self.baseDelay = baseDelay
            self.maxDelay = maxDelay
            self.maxRetryAfter = maxRetryAfter
        }

        /// How long to wait after a failed attempt: full jitter (``Backoff``), and never less than the provider asked for.
        ///
        /// - Parameter attempt: 1 for the first.
        /// - Parameter random: 0 to 1.
        /// - Returns: `nil` if there is no further attempt.
        package func delay(after attempt: Int, retryAfter: Duration?, random: Double) -> Duration? {
            guard attempt < maxAttempts, retryAfter ?? .zero <= maxRetryAfter else { return nil }
            return max(Backoff(first: baseDelay, limit: maxDelay).pause(after: attempt, jitter: 1, random: random), retryAfter ?? .zero)
        }
    }

    package let base: any ObjectStore
    private let policy: Policy
    private let clock: any MonotonicClock
    private let random: @Sendable () -> Double

    /// - Parameter random: Draws a number in 0..<1.
    package init(
        _ base: any ObjectStore, policy: Policy = .standard, clock: any MonotonicClock = SystemClock(),
        random: @escaping @Sendable () -> Double = { Double.random(in: 0..<1) }
    ) {
        self.base = base
        self.policy = policy
        self.clock = clock
        self.random = random
    }

    package func call<Value: Sendable>(
        _ operation: StoreOperation, _ body: @escaping @Sendable () async throws -> Value
    ) async throws -> Value {
        switch operation {
        case .copy, .pull, .checkHealth, .space: return try await body()
        default: return try await retrying(unless: operation == .delete ? .timedOut : nil, body)
        }
    }

    package func around(_ upload: any ObjectUpload) -> any ObjectUpload { RetriedUpload(base: upload, retries: self) }

    fileprivate func retrying<Result>(
        unless excluded: StorageError.Code? = nil, _ call: () async throws -> Result
    ) async throws -> Result {
        var attempt = 1
        while true {
            do {
                return try await call()
            } catch let error as StorageError
                where error.code.isTransient && error.code != excluded && !(error.cause is SilenceStore.Refusal)
            {
                guard let delay = policy.delay(after: attempt, retryAfter: error.retryAfter, random: random()) else { throw error }
                try await clock.sleep(for: delay)
                attempt += 1
            }
        }
    }
}

private struct RetriedUpload: UploadLayer {
    let base: any ObjectUpload
    let retries: RetryStore

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        guard body.chunks != nil else { return try await base.write(part, from: body) }
        return try await retries.retrying { try await base.write(part, from: body) }
    }
}
