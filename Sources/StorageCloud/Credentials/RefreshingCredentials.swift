package import Logging
package import MirrorCore
import Synchronization

/// Credentials that are asked for again before they end.
///
/// One question at a time, however many ask for credentials. Those at hand are given while they last: newer ones are fetched beside that when
/// less than ``Limits/refreshBefore`` is left, and waited for when less than ``Limits/waitBefore`` is left. When fetching fails, what is still
/// valid is used on, and the next attempt is made after a pause that grows.
///
/// When they end is a time of day, and this machine's may be set: what was left when they came is counted down beside it, and the less counts. So a clock
/// that is set back makes nobody use, or sign addresses with, what has ended, and one that is set forward costs one more question.
package final class RefreshingCredentials<Credentials: ExpiringCredentials>: CredentialsProvider {
    package struct Limits: Sendable, Hashable {
        /// With less than this left, newer ones are fetched while those at hand are given.
        package var refreshBefore: Duration = .seconds(300)
        /// With less than this left, newer ones are waited for.
        package var waitBefore: Duration = .seconds(60)
        /// Between a success and the next question, at least: a source that gives what ends at once is not asked all the time.
        package var minInterval: Duration = .seconds(10)
        /// After the first failure; doubled with each further one.
        package var firstBackoff: Duration = .seconds(1)
        package var maxBackoff: Duration = .seconds(60)

        package init() {}
    }

    private typealias Question = Task<Credentials, any Error>

    private struct Held {
        let credentials: Credentials
        /// When they end by the time that passes; `nil` for never.
        let until: ContinuousClock.Instant?
    }

    private struct State {
        var held: Held?
        /// Whether the service has refused `held` as expired.
        var isRefused = false
        /// The question that is under way.
        var question: Question?
        var failures = 0
        /// Of the last question, when it failed.
        var failure: (any Error)?
        /// No question is asked before.
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

    /// - Parameter load: Asks for credentials; it must end in bounded time.
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
        // The question goes on for the others when this caller is cancelled.
        case .wait(let question): return try await leaving(by: clock) { try await question.value }
        }
    }

    package func invalidate(_ refused: Credentials) {
        state.withLock { state in
            if state.held?.credentials == refused { state.isRefused = true }
        }
    }

    /// Ends the question that is under way, and returns once it has ended; who waits for it gets an error.
    package func shutdown() async {
        let question = state.withLock { state in
            state.isShutDown = true
            return state.question
        }
        question?.cancel()
        _ = await question?.result
    }

    /// Whether newer ones are being asked for at the moment.
    var isAsking: Bool { state.withLock { $0.question != nil } }

    // MARK: Deciding

    private func decide(_ state: inout State) -> Decision {
        if state.isShutDown { return .fail(Self.shutDown) }
        let mayAsk = state.earliest.map { clock.instant >= $0 } ?? true
        guard let held = state.held, !state.isRefused, left(held) > .zero else {
            if let question = state.question { return .wait(question) }
            if mayAsk { return .wait(ask(&state)) }
            if let failure = state.failure { return .fail(failure) }
            // Refused, and fetched a moment ago: the service may say itself what is wrong with it.
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

    /// How long they last.
    private func left(_ held: Held) -> Duration {
        guard let expires = held.credentials.expires, let until = held.until else { return .milliseconds(Int64.max) }
        return min(clock.now.duration(to: expires), clock.instant.duration(to: until))
    }

    private func hold(_ credentials: Credentials) -> Held {
        Held(credentials: credentials, until: credentials.expires.map { clock.instant + clock.now.duration(to: $0) })
    }

    // MARK: Asking

    private func ask(_ state: inout State) -> Question {
        // It cannot end before the lock of the state is free again.
        let question: Question = Task {
            let result: Result<Credentials, any Error>
            do { result = .success(try await load()) } catch { result = .failure(error) }
            let outcome = self.state.withLock { settle(result, in: &$0) }
            return try outcome.get()
        }
        state.question = question
        return question
    }

    /// - Returns: What those get who waited.
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
