package import Logging
package import MirrorCore
package import MirrorStorage
import Synchronization

/// Asks a service about an origin's bucket.
///
/// It tells the operator what the service holds against the credentials, and remembers which of them sign nothing.
package final class OriginTrouble<Credentials: ExpiringCredentials>: Sendable {
    private struct State {
        /// The credentials that the service did not take at all.
        var refused: Credentials?
        var lastCode: String?
        var lastNote: ContinuousClock.Instant?
    }

    /// Between two notes of the same trouble.
    private static var pause: Duration { .seconds(60) }

    private let bucket: String
    private let clock: any MonotonicClock
    private let logger: Logger
    private let retries: StepRetry
    private let state = Mutex(State())

    package init(bucket: String, clock: any MonotonicClock, logger: Logger) {
        self.bucket = bucket
        self.clock = clock
        self.logger = logger
        retries = StepRetry(policy: .init(maxAttempts: 4), clock: clock)
    }

    /// - Parameters:
    ///   - held: What `send` signs the request with.
    ///   - missingBucket: The service's code for a bucket that does not exist.
    ///   - send: Makes the request.
    ///   - describe: Gives the error for what the service refused.
    /// - Returns: What it answers about the object; also that it asks for patience, when there is none left.
    /// - Throws: Its answers about whoever asks, and what `send` throws.
    package func ask<Answer: ServiceAnswer>(
        with held: Credentials?, missingBucket: String, _ send: () async throws -> Answer, describe: (Answer.Failure) -> StorageError
    ) async throws -> Answer {
        // The last answer that asks for patience is what the caller gets when there is none left.
        var impatient: Answer?
        do {
            let answer: Answer = try await retries.run { _ in
                impatient = nil
                let answer = try await send()
                guard let failure = answer.failure else { return answer }
                let error = describe(failure)
                // Who asks without credentials is told of the object what everybody is told.
                if failure.isAboutCaller, held != nil || failure.code == missingBucket {
                    note(failure, with: held)
                    throw error
                }
                guard error.code.isTransient else { return answer }
                impatient = answer
                throw error
            }
            end()
            return answer
        } catch {
            guard let impatient else { throw error }
            return impatient
        }
    }

    private func note(_ failure: some ServiceFailure, with credentials: Credentials?) {
        let now = clock.instant
        let isNews = state.withLock { state in
            if failure.refusesCredentials { state.refused = credentials }
            let isNews = state.lastCode != failure.code || state.lastNote.map { $0.duration(to: now) >= Self.pause } ?? true
            guard isNews else { return false }
            state.lastCode = failure.code
            state.lastNote = now
            return true
        }
        guard isNews else { return }
        logger.error(
            "an origin's bucket refuses the mirror; clients are sent to the origin",
            metadata: [
                "bucket": "\(bucket)", "code": "\(failure.code.isEmpty ? "status \(failure.status)" : failure.code)",
                "error": "\(failure.described)",
            ])
    }

    /// The service answered a request, so the credentials are good.
    private func end() {
        state.withLock { $0 = State() }
    }

    package func isRefused(_ credentials: Credentials) -> Bool { state.withLock { $0.refused == credentials } }
}
