import MirrorCore
import Synchronization

/// Detects whether something that is queried repeatedly still answers.
///
/// It is silent once queries have been in progress for as long as `patience` without a single answer. Then only the prober
/// queries it, until a query is answered.
final class Silence: Sendable {
    enum Turn: Sendable, Equatable {
        /// The query may be made; then call ``ended(isAnswered:since:)``.
        case ask(since: Int)
        /// No query may be made. `news` is the number of the silence for the caller that detected its beginning, and that has to probe until it ends.
        case silent(news: Int?)
    }

    private struct State {
        /// The number of answers so far.
        var answers = 0
        /// The number of queries in progress that began after the last answer. An older query that still hangs says nothing about the present.
        var underWay = 0
        /// Since when there have been such queries.
        var waitsSince: ContinuousClock.Instant?
        /// How often it has fallen silent.
        var silences = 0
        var isSilent = false
    }

    private let patience: Duration
    private let clock: any MonotonicClock
    private let onChange: @Sendable (_ isSilent: Bool) -> Void
    private let state = Mutex(State())

    /// - Parameter onChange: Called when the silence begins, and when it ends.
    init(patience: Duration, clock: any MonotonicClock, onChange: @escaping @Sendable (_ isSilent: Bool) -> Void) {
        self.patience = patience
        self.clock = clock
        self.onChange = onChange
    }

    var isSilent: Bool { state.withLock { $0.isSilent } }

    /// Whether the silence with this number still lasts.
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

    /// Ends a query.
    ///
    /// - Parameter isAnswered: Whether there was an answer, of any kind.
    /// - Parameter since: The value from its turn.
    /// - Returns: The number of the silence, if this has begun one.
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

    /// Records an answer.
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
