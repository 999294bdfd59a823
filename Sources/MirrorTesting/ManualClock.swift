public import MirrorCore
import Synchronization

/// A clock that stands still until a test moves it.
public final class ManualClock: MirrorClock {
    private enum Waking {
        case task(CheckedContinuation<Void, any Error>)
        case call(@Sendable () -> Void)
    }

    private struct Sleeper {
        let wakeAt: ContinuousClock.Instant
        let waking: Waking
    }

    private struct State {
        var now: Timestamp
        var instant: ContinuousClock.Instant
        var sleepers: [Int: Sleeper] = [:]
        var nextID = 0
        var watchers: [Int: CheckedContinuation<Void, Never>] = [:]
    }

    private let state: Mutex<State>

    /// - Parameter now: The time of day at the start.
    public init(now: Timestamp = Timestamp(milliseconds: 1_700_000_000_000)) {
        // Rounded, so that sleepers' times are not rounded up from here.
        state = Mutex(State(now: now, instant: ContinuousClock.now.roundedUp(to: .seconds(1))))
    }

    public var now: Timestamp { state.withLock { $0.now } }

    public var instant: ContinuousClock.Instant { state.withLock { $0.instant } }

    /// The number of tasks that sleep on this clock, and of its timers.
    public var sleeperCount: Int { state.withLock { $0.sleepers.count } }

    public func sleep(until deadline: ContinuousClock.Instant) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let (outcome, watchers) = state.withLock { state -> (Result<Void, any Error>?, [Int: CheckedContinuation<Void, Never>]) in
                    if Task.isCancelled { return (.failure(CancellationError()), [:]) }
                    if deadline <= state.instant { return (.success(()), [:]) }
                    state.sleepers[id] = Sleeper(wakeAt: deadline, waking: .task(continuation))
                    defer { state.watchers = [:] }
                    return (nil, state.watchers)
                }
                if let outcome { continuation.resume(with: outcome) }
                for watcher in watchers.values { watcher.resume() }
            }
        } onCancel: {
            let sleeper = state.withLock { $0.sleepers.removeValue(forKey: id) }
            if case .task(let continuation) = sleeper?.waking { continuation.resume(throwing: CancellationError()) }
        }
    }

    public func timer(at deadline: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        let (id, watchers) = state.withLock { state -> (Int?, [Int: CheckedContinuation<Void, Never>]) in
            guard deadline > state.instant else { return (nil, [:]) }
            state.nextID += 1
            state.sleepers[state.nextID] = Sleeper(wakeAt: deadline, waking: .call(action))
            defer { state.watchers = [:] }
            return (state.nextID, state.watchers)
        }
        for watcher in watchers.values { watcher.resume() }
        guard let id else {
            let task = Task { if !Task.isCancelled { action() } }
            return ClockTimer { task.cancel() }
        }
        return ClockTimer { [self] in state.withLock { _ = $0.sleepers.removeValue(forKey: id) } }
    }

    public func timer(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        timer(at: instant + duration, action)
    }

    /// Advances the time and wakes the tasks whose sleep has ended, the earliest first. Timers call what they are for before this returns.
    public func advance(by duration: Duration) {
        let woken = state.withLock { state -> [Sleeper] in
            state.now = state.now + duration
            state.instant += duration
            let due = state.sleepers.filter { $0.value.wakeAt <= state.instant }
            for id in due.keys { state.sleepers.removeValue(forKey: id) }
            return due.values.sorted { $0.wakeAt < $1.wakeAt }
        }
        for sleeper in woken {
            switch sleeper.waking {
            case .task(let continuation): continuation.resume()
            case .call(let action): action()
            }
        }
    }

    /// Sets the time of day, forwards or back, as an operator or a time server does. No time passes, and no task wakes.
    public func setTime(by duration: Duration) {
        state.withLock { $0.now = $0.now + duration }
    }

    /// Returns when there are at least `count` sleeping tasks and timers, or when the task is cancelled, as a test is that has taken too long; a
    /// test awaits this before it moves the time.
    public func sleepers(_ count: Int) async {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        await withTaskCancellationHandler {
            while sleeperCount < count, !Task.isCancelled {
                await withCheckedContinuation { (continuation: CheckedContinuation<Void, Never>) in
                    let isOver = state.withLock { state in
                        if state.sleepers.count >= count || Task.isCancelled { return true }
                        state.watchers[id] = continuation
                        return false
                    }
                    if isOver { continuation.resume() }
                }
            }
        } onCancel: {
            state.withLock { $0.watchers.removeValue(forKey: id) }?.resume()
        }
    }
}
