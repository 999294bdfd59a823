import MirrorCore
import Synchronization

/// Whether something that is asked again and again still answers.
///
/// Silent it is once there were questions under way for as long as `patience`, and it has answered none since the first of them. Then nobody asks it but a trial now and
/// then, until one is answered.
final class Silence: Sendable {
    enum Turn: Sendable, Equatable {
        /// To be followed by ``ended(isAnswered:since:)``.
        case ask(since: Int)
        /// Not to be asked. Who is told `startsTrial` makes one that nobody waits for, and calls ``trialEnded(isAnswered:)``.
        case silent(startsTrial: Bool)
    }

    private struct State {
        /// Answers so far.
        var answers = 0
        /// Questions under way that were begun since the last answer: what has hung for longer says nothing of what is asked now.
        var underWay = 0
        /// Since when there are such questions.
        var waitsSince: ContinuousClock.Instant?
        var isSilent = false
        var isTrialUnderWay = false
        var lastTrial: ContinuousClock.Instant?
    }

    /// Between two trials.
    private static let pause = Duration.seconds(1)

    private let patience: Duration
    private let clock: any MonotonicClock
    private let onChange: @Sendable (_ isSilent: Bool) -> Void
    private let state = Mutex(State())

    /// - Parameter onChange: Called when it falls silent, and when it answers again.
    init(patience: Duration, clock: any MonotonicClock, onChange: @escaping @Sendable (_ isSilent: Bool) -> Void) {
        self.patience = patience
        self.clock = clock
        self.onChange = onChange
    }

    func turn() -> Turn {
        let now = clock.instant
        let (turn, isNews) = state.withLock { state -> (Turn, Bool) in
            let isNews = fallSilent(&state, at: now)
            guard state.isSilent else {
                state.underWay += 1
                state.waitsSince = state.waitsSince ?? now
                return (.ask(since: state.answers), false)
            }
            let isDue = state.lastTrial.map { $0.duration(to: now) >= Self.pause } ?? true
            guard isDue, !state.isTrialUnderWay else { return (.silent(startsTrial: false), isNews) }
            state.isTrialUnderWay = true
            return (.silent(startsTrial: true), isNews)
        }
        if isNews { onChange(true) }
        return turn
    }

    /// A question is over.
    ///
    /// - Parameter isAnswered: Whether by an answer, of whatever kind.
    /// - Parameter since: As its turn said.
    func ended(isAnswered: Bool, since: Int) {
        let now = clock.instant
        let isNews = state.withLock { state in
            if isAnswered { return answered(&state) }
            guard since == state.answers else { return false }
            let isNews = fallSilent(&state, at: now)
            state.underWay -= 1
            if state.underWay == 0 { state.waitsSince = nil }
            return isNews
        }
        if isNews { onChange(!isAnswered) }
    }

    func trialEnded(isAnswered: Bool) {
        let now = clock.instant
        let isNews = state.withLock { state in
            state.isTrialUnderWay = false
            state.lastTrial = now
            return isAnswered && answered(&state)
        }
        if isNews { onChange(false) }
    }

    /// - Returns: Whether that is news.
    private func fallSilent(_ state: inout State, at now: ContinuousClock.Instant) -> Bool {
        guard !state.isSilent, let since = state.waitsSince, since.duration(to: now) >= patience else { return false }
        state.isSilent = true
        return true
    }

    /// - Returns: Whether that is news.
    private func answered(_ state: inout State) -> Bool {
        state.answers += 1
        (state.underWay, state.waitsSince) = (0, nil)
        defer { state.isSilent = false }
        return state.isSilent
    }
}
