import MirrorCore
import MirrorState
import Synchronization

/// The time that one request has for its answer: some to find out what the mirror knows and has, then for the copy.
///
/// The answer is given when it is found, or when the time is over. Whatever is under way for it then is cancelled and not waited for: it may hang
/// in what does not answer, and what others need of it goes on without this request.
final class RequestTime: Alarm {
    private struct State {
        var isWaiting = false
        /// Whether what is under way now ends as soon as it is cancelled.
        var canLeave = false
        /// Whether what was begun has come to its end.
        var isOver = false
        var isStraggler = false
        var leave: (@Sendable () -> Void)?
    }

    /// Until when it waits for a copy.
    let end: ContinuousClock.Instant
    private let wait: Wait
    private let isHead: Bool
    private let client: ClientPresence?
    private let began: ContinuousClock.Instant
    private let clock: any MonotonicClock
    private let deadlines: Deadlines
    private let stragglers: Stragglers
    private let state = Mutex(State())
    private let answer = FirstValue<RedirectAnswer>()

    /// - Parameter end: `nil` for what `wait` says, from now on.
    /// - Parameter client: Who waits: nothing is waited for once it has left. `nil` when others than one client do.
    init(
        _ wait: Wait, until end: ContinuousClock.Instant? = nil, isHead: Bool, client: ClientPresence?, deadlines: Deadlines,
        stragglers: Stragglers,
        clock: any MonotonicClock
    ) {
        self.wait = wait
        self.isHead = isHead
        self.client = client
        self.clock = clock
        self.deadlines = deadlines
        self.stragglers = stragglers
        began = clock.instant
        self.end = end ?? began + wait.limit
    }

    /// How long it has taken so far, with the hops before, where it is one that waited for a copy.
    var waited: Duration? {
        let hasWaited = wait.before > .zero || (!isHead && state.withLock { $0.isWaiting })
        return hasWaited ? wait.before + began.duration(to: clock.instant) : nil
    }

    /// From now on it waits for what takes as long as it takes: the copy, or the origin.
    func beginWaiting() {
        state.withLock { $0.isWaiting = true }
        // Who bears no wait has its answer in a moment, by what is known.
        guard clock.instant < end else { return }
        deadlines.move(self, to: end)
        client?.whenLeft { [weak self] in self?.give(.origin(.left)) }
    }

    /// Notes whether what is under way from now on ends as soon as it is cancelled, so that an answer leaves nothing behind.
    func noteLeaving(_ canLeave: Bool) {
        state.withLock { $0.canLeave = canLeave }
    }

    /// Calls this when there is an answer, whatever becomes of the work for it.
    func whenAnswered(_ leave: @escaping @Sendable () -> Void) {
        state.withLock { $0.leave = leave }
    }

    /// - Returns: What `find` finds, or what is said in its place when the time is over or the client is gone.
    func answer(_ find: @escaping @Sendable () async -> RedirectAnswer) async -> RedirectAnswer {
        deadlines.set(self, at: state.withLock { $0.isWaiting } ? end : began + wait.look)
        let work = Task {
            answer.give(await find())
            noteEnd()
        }
        defer {
            deadlines.takeBack(self)
            client?.forget()
            state.withLock { state in
                defer { state.leave = nil }
                return state.leave
            }?()
            work.cancel()
        }
        return await withTaskCancellationHandler {
            await answer.value()
        } onCancel: {
            give(.origin(.timedOut))
        }
    }

    func ring(_ ending: Deadlines.Ending) {
        switch ending {
        case .closed: give(.origin(.shuttingDown))
        case .timeIsOver where !state.withLock { $0.isWaiting }: give(.origin(.silent))
        case .timeIsOver: give(isHead ? .origin(.timedOut) : wait.timedOut)
        }
    }

    /// Gives an answer in the place of the one that was not found.
    private func give(_ answer: RedirectAnswer) {
        guard self.answer.give(answer) else { return }
        state.withLock { state in
            guard !state.isOver, !state.canLeave else { return }
            state.isStraggler = true
            stragglers.came()
        }
    }

    private func noteEnd() {
        state.withLock { state in
            state.isOver = true
            if state.isStraggler { stragglers.left() }
        }
    }
}

/// How many requests have their answer while something that was begun for them still hangs.
final class Stragglers: Sendable {
    /// With so many, who needs more than memory is redirected at once: something that all need does not answer.
    private static let limit = 1_000

    private let count = Atomic(0)

    var areTooMany: Bool { count.load(ordering: .relaxed) >= Self.limit }

    fileprivate func came() { count.add(1, ordering: .relaxed) }
    fileprivate func left() { count.subtract(1, ordering: .relaxed) }
}
