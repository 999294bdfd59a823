import MirrorCore
import MirrorState
import Synchronization

/// The time that one request has for its answer: first for lookups, then for the copy.
///
/// The answer is given when it is found, or when the time has passed. Work that is then still running is cancelled but not waited for, because it may
/// hang. What other requests need of it continues without this request.
final class RequestTime: Alarm {
    private struct State {
        var isWaiting = false
        /// Whether the current work ends as soon as it is cancelled.
        var canLeave = false
        /// Whether the work has ended.
        var isOver = false
        var isStraggler = false
        var leave: (@Sendable () -> Void)?
    }

    /// Until when the request waits for a copy.
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

    /// - Parameter end: `nil` for the limit of `wait`, from now on.
    /// - Parameter client: The client that waits; once it has left, nothing is waited for. `nil` if there is more than one.
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

    /// How long the request has taken so far, including earlier hops; `nil` if it did not wait for a copy.
    var waited: Duration? {
        let hasWaited = wait.before > .zero || (!isHead && state.withLock { $0.isWaiting })
        return hasWaited ? wait.before + began.duration(to: clock.instant) : nil
    }

    /// Marks the end of the lookups: from now on the request waits for the copy, or for the origin.
    func beginWaiting() {
        state.withLock { $0.isWaiting = true }
        // A request that may not wait gets its answer in a moment, from what is known.
        guard clock.instant < end else { return }
        deadlines.move(self, to: end)
        client?.whenLeft { [weak self] in self?.give(.origin(.left)) }
    }

    /// Notes whether the work from now on ends as soon as it is cancelled, so that nothing is left running after the answer.
    func noteLeaving(_ canLeave: Bool) {
        state.withLock { $0.canLeave = canLeave }
    }

    /// Calls `leave` when there is an answer, even if work for it is still running.
    func whenAnswered(_ leave: @escaping @Sendable () -> Void) {
        state.withLock { $0.leave = leave }
    }

    /// - Returns: The result of `find`, or the answer that replaces it if the time has passed or the client has left.
    func answer(_ find: @escaping @Sendable () async -> RedirectAnswer) async -> RedirectAnswer {
        deadlines.set(self, at: state.withLock { $0.isWaiting } ? end : began + wait.look)
        let work = startNow {
            self.answer.give(await find())
            self.noteEnd()
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

    /// Gives an answer in place of the one that was not found in time.
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

/// Counts requests that have their answer while work that was begun for them still hangs.
final class Stragglers: Sendable {
    /// With this many, requests that need more than memory are redirected at once: something that all of them need does not answer.
    private static let limit = 1_000

    private let count = Atomic(0)

    var areTooMany: Bool { count.load(ordering: .relaxed) >= Self.limit }

    fileprivate func came() { count.add(1, ordering: .relaxed) }
    fileprivate func left() { count.subtract(1, ordering: .relaxed) }
}
