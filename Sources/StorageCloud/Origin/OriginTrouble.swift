package import Logging
import MirrorCore
import MirrorStorage
import Synchronization

/// Makes requests for an origin's bucket.
///
/// Logs why the service refuses the credentials, and remembers which credentials are refused.
package final class OriginTrouble<Client: CloudClient>: Sendable {
    private struct State {
        /// The credentials that the service refuses altogether.
        var refused: Client.Credentials?
        var lastCode: String?
        var lastNote: ContinuousClock.Instant?
    }

    /// The time between two log entries about the same problem.
    private static var pause: Duration { .seconds(60) }

    private let client: Client
    private let bucket: String
    private let clock: any MonotonicClock
    private let logger: Logger
    private let retries: StepRetry
    private let state = Mutex(State())

    /// - Parameter bucket: Its name in the log.
    package init(_ client: Client, bucket: String, logger: Logger) {
        self.client = client
        self.bucket = bucket
        clock = client.clock
        self.logger = logger
        retries = StepRetry(policy: .init(maxAttempts: 4), clock: clock)
    }

    /// - Returns: The service's answer about the object; when all attempts are used up, also a transient error.
    /// - Throws: Refusals that concern the caller, and errors of ``CloudClient/answer(to:)``.
    package func ask(_ call: Client.Call) async throws -> ServiceAnswer<Client.Failure> {
        let held = try await client.currentCredentials(for: call.name)
        // The last transient error is what the caller gets when all attempts are used up.
        var impatient: ServiceAnswer<Client.Failure>?
        do {
            let answer = try await retries.run { _ in
                impatient = nil
                let answer = try await client.answer(to: call)
                guard let failure = answer.failure else { return answer }
                let error = client.error(failure, call)
                // Without credentials, the service answers about the object as it answers everybody.
                if failure.isAboutCaller, held != nil || failure.code == Client.Failure.missingBucket {
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

    private func note(_ failure: Client.Failure, with credentials: Client.Credentials?) {
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

    /// Called when the service has answered a request, so the credentials are good.
    private func end() {
        state.withLock { $0 = State() }
    }

    package func isRefused(_ credentials: Client.Credentials) -> Bool { state.withLock { $0.refused == credentials } }
}
