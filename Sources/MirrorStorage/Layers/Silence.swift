import MirrorCore
import Synchronization

/// Whether something that is asked again and again still answers.
///
/// Silent it is once there were questions under way for as long as `patience`, and it has answered none since the first of them. Then nobody asks it
/// but whoever tries by itself, until a question is answered.
final class Silence: Sendable {
    enum Turn: Sendable, Equatable {
        /// To be followed by ``ended(isAnswered:since:)``.
        case ask(since: Int)
        /// Not to be asked. With the number of the silence for whoever has found out that it has begun, and is to try until it is over.
        case silent(news: Int?)
    }

    private struct State {
        /// Answers so far.
        var answers = 0
        /// Questions under way that were begun since the last answer: what has hung for longer says nothing of what is asked now.
        var underWay = 0
        /// Since when there are such questions.
        var waitsSince: ContinuousClock.Instant?
        /// How often it has fallen silent.
        var silences = 0
        var isSilent = false
    }

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

    var isSilent: Bool { state.withLock { $0.isSilent } }

    /// Whether the silence with this number is not over.
    func lasts(_ number: Int) -> Bool {
        state.withLock { $0.isSilent && $0.silences == number }
    }

    func turn() -> Turn {
        let now = clock.instant
        let turn = state.withLock { state -> Turn in
            let news = fallSilent(&state, at: now)
            guard !state.isSilent else { return .silent(news: news) }
            state.underWay += 1
            state.waitsSince = state.waitsSince ?? now
            return .ask(since: state.answers)
        }
        if case .silent(.some) = turn { onChange(true) }
        return turn
    }

    /// A question is over.
    ///
    /// - Parameter isAnswered: Whether by an answer, of whatever kind.
    /// - Parameter since: As its turn said.
    /// - Returns: The number of the silence that has begun by this.
    func ended(isAnswered: Bool, since: Int) -> Int? {
        guard !isAnswered else {
            answered()
            return nil
        }
        let now = clock.instant
        let news = state.withLock { state -> Int? in
            guard since == state.answers else { return nil }
            let news = fallSilent(&state, at: now)
            state.underWay -= 1
            if state.underWay == 0 { state.waitsSince = nil }
            return news
        }
        if news != nil { onChange(true) }
        return news
    }

    /// It has answered something.
    func answered() {
        let wasSilent = state.withLock { state in
            state.answers += 1
            (state.underWay, state.waitsSince) = (0, nil)
            defer { state.isSilent = false }
            return state.isSilent
        }
        if wasSilent { onChange(false) }
    }

    /// - Returns: The number of the silence, if it begins now.
    private func fallSilent(_ state: inout State, at now: ContinuousClock.Instant) -> Int? {
        guard !state.isSilent, let since = state.waitsSince, since.duration(to: now) >= patience else { return nil }
        state.isSilent = true
        state.silences += 1
        return state.silences
    }
}
