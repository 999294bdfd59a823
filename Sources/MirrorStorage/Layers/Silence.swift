import MirrorCore
import Synchronization

/// Whether something that is asked again and again still answers.
///
/// Silent it is once there were questions under way for as long as `patience`, and it answered none. Then nobody asks it but a trial now and
/// then, until one is answered.
final class Silence: Sendable {
    enum Turn: Sendable, Equatable {
        /// To be followed by ``ended(isAnswered:after:)``.
        case ask
        /// Not to be asked. Who is told `startsTrial` makes one that nobody waits for, and calls ``trialEnded(isAnswered:)``.
        case silent(startsTrial: Bool)
    }

    private struct State {
        var underWay = 0
        /// Since when there are questions under way and no answer comes.
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
                return (.ask, false)
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
    func ended(isAnswered: Bool) {
        let now = clock.instant
        let isNews = state.withLock { state in
            state.underWay -= 1
            if isAnswered { return answered(&state, at: now) }
            let isNews = fallSilent(&state, at: now)
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
            return isAnswered && answered(&state, at: now)
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
    private func answered(_ state: inout State, at now: ContinuousClock.Instant) -> Bool {
        state.waitsSince = state.underWay > 0 ? now : nil
        defer { state.isSilent = false }
        return state.isSilent
    }
}
