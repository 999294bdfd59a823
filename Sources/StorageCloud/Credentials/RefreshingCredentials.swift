package import Logging
package import MirrorCore
import Synchronization

/// Credentials that are renewed before they expire.
///
/// Only one request for credentials is in progress at a time, however many callers there are. Current credentials are returned while they are valid:
/// newer ones are fetched in the background when less than ``Limits/refreshBefore`` is left, and awaited when less than ``Limits/waitBefore`` is
/// left. If fetching fails, valid credentials are still used, and the next attempt follows after a growing pause.
///
/// Expiry is a time of day, and this machine's clock may be set. So the time left when they arrived is also counted down, and the shorter one counts.
/// If the clock is set back, no expired credentials are used or sign URLs; if it is set forward, that costs one more request.
package final class RefreshingCredentials<Credentials: ExpiringCredentials>: CredentialsProvider {
    package struct Limits: Sendable, Hashable {
        /// With less than this left, newer ones are fetched while the current ones are returned.
        package var refreshBefore: Duration = .seconds(300)
        /// With less than this left, callers wait for newer ones.
        package var waitBefore: Duration = .seconds(60)
        /// The minimum time between a success and the next request, so that a source whose credentials expire at once is not asked all the time.
        package var minInterval: Duration = .seconds(10)
        /// The pause after the first failure; it doubles with each further one.
        package var firstBackoff: Duration = .seconds(1)
        package var maxBackoff: Duration = .seconds(60)

        package init() {}
    }

    private typealias Question = Task<Credentials, any Error>

    private struct Held {
        let credentials: Credentials
        /// When they expire, on the monotonic clock; `nil` for never.
        let until: ContinuousClock.Instant?
    }

    private struct State {
        var held: Held?
        /// Whether the service has refused `held` as expired.
        var isRefused = false
        /// The request that is in progress.
        var question: Question?
        var failures = 0
        /// The error of the last request, if it failed.
        var failure: (any Error)?
        /// The earliest time for the next request.
        var earliest: ContinuousClock.Instant?
        var isShutDown = false
    }

    private enum Decision {
        case give(Credentials)
        case wait(Question)
        case fail(any Error)
    }

    private let limits: Limits
    private let clock: any MirrorClock
    private let logger: Logger
    private let load: @Sendable () async throws -> Credentials
    private let state = Mutex(State())

    /// - Parameter load: Fetches credentials; must end in bounded time.
    package init(
        limits: Limits = Limits(), clock: any MirrorClock = SystemClock(), logger: Logger,
        load: @escaping @Sendable () async throws -> Credentials
    ) {
        self.limits = limits
        self.clock = clock
        self.logger = logger
        self.load = load
    }

    package func credentials() async throws -> Credentials? {
        try Task.checkCancellation()
        switch state.withLock({ decide(&$0) }) {
        case .give(let credentials): return credentials
        case .fail(let error): throw error
        // If this caller is cancelled, the request continues for the others.
        case .wait(let question): return try await leaving(by: clock) { try await question.value }
        }
    }

    package func invalidate(_ refused: Credentials) {
        state.withLock { state in
            if state.held?.credentials == refused { state.isRefused = true }
        }
    }

    /// Cancels the request in progress, and returns when it has ended; its callers get an error.
    package func shutdown() async {
        let question = state.withLock { state in
            state.isShutDown = true
            return state.question
        }
        question?.cancel()
        _ = await question?.result
    }

    /// Whether a request for newer ones is in progress.
    var isAsking: Bool { state.withLock { $0.question != nil } }

    // MARK: Deciding

    private func decide(_ state: inout State) -> Decision {
        if state.isShutDown { return .fail(Self.shutDown) }
        let mayAsk = state.earliest.map { clock.instant >= $0 } ?? true
        guard let held = state.held, !state.isRefused, left(held) > .zero else {
            if let question = state.question { return .wait(question) }
            if mayAsk { return .wait(ask(&state)) }
            if let failure = state.failure { return .fail(failure) }
            // Refused, and fetched a moment ago: let the service itself say what is wrong.
            if let held = state.held, left(held) > .zero { return .give(held.credentials) }
            return .fail(Self.ended)
        }
        let left = left(held)
        if left > limits.refreshBefore { return .give(held.credentials) }
        let question = state.question ?? (mayAsk ? ask(&state) : nil)
        guard left <= limits.waitBefore, let question else { return .give(held.credentials) }
        return .wait(question)
    }

    private static var shutDown: CredentialsError { CredentialsError(.unavailable, "this service is shutting down") }
    private static var ended: CredentialsError {
        CredentialsError(.expired, "the source of the credentials gives credentials that have already expired")
    }

    /// How long they are still valid.
    private func left(_ held: Held) -> Duration {
        guard let expires = held.credentials.expires, let until = held.until else { return .milliseconds(Int64.max) }
        return min(clock.now.duration(to: expires), clock.instant.duration(to: until))
    }

    private func hold(_ credentials: Credentials) -> Held {
        Held(credentials: credentials, until: credentials.expires.map { clock.instant + clock.now.duration(to: $0) })
    }

    // MARK: Asking

    private func ask(_ state: inout State) -> Question {
        // The task cannot finish before the lock of the state is released.
        let question: Question = Task {
            let result: Result<Credentials, any Error>
            do { result = .success(try await load()) } catch { result = .failure(error) }
            let outcome = self.state.withLock { settle(result, in: &$0) }
            return try outcome.get()
        }
        state.question = question
        return question
    }

    /// - Returns: The result for the waiting callers.
    private func settle(_ result: Result<Credentials, any Error>, in state: inout State) -> Result<Credentials, any Error> {
        state.question = nil
        switch result {
        case .success(let credentials):
            let held = hold(credentials)
            state.held = held
            state.isRefused = false
            state.failures = 0
            state.failure = nil
            state.earliest = clock.instant + limits.minInterval
            return left(held) > .zero ? .success(credentials) : .failure(Self.ended)
        case .failure(let error):
            state.failures += 1
            state.failure = error
            state.earliest = clock.instant + Backoff(first: limits.firstBackoff, limit: limits.maxBackoff).pause(after: state.failures)
            if state.isShutDown { return .failure(Self.shutDown) }
            log(error, state)
            guard let held = state.held, !state.isRefused, left(held) > .zero else { return .failure(error) }
            return .success(held.credentials)
        }
    }

    private func log(_ error: any Error, _ state: State) {
        var metadata: Logger.Metadata = ["error": "\(error)", "failures": "\(state.failures)"]
        if let held = state.held, !state.isRefused, left(held) > .zero {
            metadata["until"] = "\(held.credentials.expires?.iso8601 ?? "-")"
            logger.warning("Credentials could not be renewed; the present ones stay in use", metadata: metadata)
        } else {
            logger.warning("There are no credentials", metadata: metadata)
        }
    }
}
