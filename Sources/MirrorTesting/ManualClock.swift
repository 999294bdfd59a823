public import MirrorCore
import Synchronization

/// A clock that stands still until a test moves it.
public final class ManualClock: MirrorClock {
    private struct Sleeper {
        let wakeAt: ContinuousClock.Instant
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var now: Timestamp
        var instant: ContinuousClock.Instant
        var sleepers: [Int: Sleeper] = [:]
        var nextID = 0
        var watchers: [CheckedContinuation<Void, Never>] = []
    }

    private let state: Mutex<State>

    /// - Parameter now: The time of day at the start.
    public init(now: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) {
        // Rounded, so that sleepers' times are not rounded up from here.
        state = Mutex(State(now: now, instant: ContinuousClock.now.roundedUp(to: .seconds(1))))
    }

    public var now: Timestamp { state.withLock { $0.now } }

    public var instant: ContinuousClock.Instant { state.withLock { $0.instant } }

    /// The number of tasks that sleep on this clock.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    public func sleep(until deadline: ContinuousClock.Instant) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (outcome, watchers) = state.withLock { state -> (Result<Void, any Error>?, [CheckedContinuation<Void, Never>]) in
                    if Task.isCancelled { return (.failure(CancellationError()), []) }
                    if deadline <= state.instant { return (.success(()), []) }
                    state.sleepers[id] = Sleeper(wakeAt: deadline, continuation: continuation)
                    defer { state.watchers = [] }
                    return (nil, state.watchers)
                }
                if let outcome { continuation.resume(with: outcome) }
                for watcher in watchers { watcher.resume() }
            }
        } onCancel: {
            state.withLock { $0.sleepers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }

    /// Advances the time and wakes the tasks whose sleep has ended, the earliest first.
    public func advance(by duration: Duration) {
        let woken = state.withLock { state -> [Sleeper] in
            state.now = state.now + duration
            state.instant += duration
            let due = state.sleepers.filter { $0.value.wakeAt <= state.instant }
            for id in due.keys { state.sleepers.removeValue(forKey: id) }
            return due.values.sorted { $0.wakeAt < $1.wakeAt }
        }
        for sleeper in woken { sleeper.continuation.resume() }
    }

    /// Sets the time of day, forwards or back, as an operator or a time server does. No time passes, and no task wakes.
    public func setTime(by duration: Duration) {
        state.withLock { $0.now = $0.now + duration }
    }

    /// Returns when at least `count` tasks sleep; a test awaits this before it moves the time.
    public func sleepers(_ count: Int) async {
        while sleeperCount < count {
            await withCheckedContinuation { continuation in
                let isThere = state.withLock { state in
                    if state.sleepers.count >= count { return true }
                    state.watchers.append(continuation)
                    return false
                }
                if isThere { continuation.resume() }
            }
        }
    }
}
