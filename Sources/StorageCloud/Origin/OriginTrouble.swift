package import Logging
package import MirrorCore
import Synchronization

/// What a service holds against the credentials that an origin's bucket is read with: tells the operator, and remembers which of them sign nothing.
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
    private let state = Mutex(State())

    package init(bucket: String, clock: any MonotonicClock, logger: Logger) {
        self.bucket = bucket
        self.clock = clock
        self.logger = logger
    }

    /// - Parameter refusesCredentials: Whether the credentials are of no use for anything, also not for signing addresses.
    package func note(_ failure: some ServiceFailure, refusesCredentials: Bool, with credentials: Credentials?) {
        let now = clock.instant
        let isNews = state.withLock { state in
            if refusesCredentials { state.refused = credentials }
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
    package func end() {
        state.withLock { $0 = State() }
    }

    package func isRefused(_ credentials: Credentials) -> Bool { state.withLock { $0.refused == credentials } }
}
