import HeapModule
import Synchronization

/// Wakes many sleepers with few timers of the operating system.
///
/// A cancelled `Task.sleep` leaves its timer behind, which wakes a thread when it fires. Nearly all sleeps here are time limits that are cancelled a
/// moment later. So after ten thousand requests, threads would be woken ten thousand times for nothing, which would slow down later requests.
///
/// A sleeper is a task, or only a function to call, which costs a small fraction of a task.
final class SleepQueue: Sendable {
    /// What is done when a sleep has ended.
    private enum Waking {
        case task(CheckedContinuation<Void, any Error>)
        case call(@Sendable () -> Void)
    }

    private struct Sleeper: Comparable {
        let end: ContinuousClock.Instant
        let id: UInt64

        static func < (one: Self, other: Self) -> Bool { one.end < other.end }
    }

    private struct State {
        /// In the order in which they are woken, including some that have left.
        var order = Heap<Sleeper>()
        var sleeping: [UInt64: Waking] = [:]
        var lastID: UInt64 = 0
        /// When the running timers end, the latest first: a timer is started only if it ends before all others, and none is ever cancelled.
        var timers: [ContinuousClock.Instant] = []
    }

    /// Times are rounded up to a multiple of this, so that sleepers that end together need only one timer.
    private static let coarseness = Duration.milliseconds(1)
    /// How many sleepers that have left may be in the order in addition to those that sleep.
    private static let slack = 1_000

    private let state = Mutex(State())

    /// The number of running timers.
    var timers: Int { state.withLock { $0.timers.count } }
    var sleepers: Int { state.withLock { $0.sleeping.count } }
    /// The number of entries, for sleepers or for those that have left.
    var places: Int { state.withLock { $0.order.count } }

    /// Returns at that moment, or at once if it is past.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func sleep(until end: ContinuousClock.Instant) async throws {
        try Task.checkCancellation()
        guard end > .now else { return }
        let end = end.roundedUp(to: Self.coarseness)
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let startsTimer = state.withLock { Self.add(.task(continuation), id, until: end, &$0) }
                if startsTimer { startTimer(until: end) }
                // If the task was cancelled before the sleeper was registered, nothing else cancels the sleeper.
                if Task.isCancelled { cancel(id) }
            }
        } onCancel: {
            cancel(id)
        }
    }

    /// Calls `action` at that moment, or soon if it is past, in a task of its own.
    func timer(at end: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        let end = end.roundedUp(to: Self.coarseness)
        let (id, startsTimer) = state.withLock { state in
            state.lastID += 1
            return (state.lastID, Self.add(.call(action), state.lastID, until: end, &state))
        }
        if startsTimer { startTimer(until: end) }
        return ClockTimer { [self] in cancel(id) }
    }

    /// - Returns: Whether a timer must be started.
    private static func add(_ waking: Waking, _ id: UInt64, until end: ContinuousClock.Instant, _ state: inout State) -> Bool {
        state.sleeping[id] = waking
        state.order.insert(Sleeper(end: end, id: id))
        return needsTimer(until: end, &state)
    }

    private func cancel(_ id: UInt64) {
        let waking = state.withLock { state in
            let waking = state.sleeping.removeValue(forKey: id)
            if state.order.count > 2 * state.sleeping.count + Self.slack {
                state.order = Heap(state.order.unordered.filter { state.sleeping[$0.id] != nil })
            }
            return waking
        }
        // What a function holds is dropped outside the lock, too.
        if case .task(let continuation) = waking { continuation.resume(throwing: CancellationError()) }
    }

    /// Records that a timer runs until then, unless a running one ends early enough.
    private static func needsTimer(until end: ContinuousClock.Instant, _ state: inout State) -> Bool {
        if let next = state.timers.last, next <= end { return false }
        state.timers.append(end)
        return true
    }

    private func startTimer(until end: ContinuousClock.Instant) {
        // In nobody's task: what is called must not find the values of whoever came first, and each next timer would keep them.
        Task.detached { [self] in
            try? await Task.sleep(until: end, clock: .continuous)
            wake(after: end)
        }
    }

    /// - Parameter end: When the timer that has fired was due.
    private func wake(after end: ContinuousClock.Instant) {
        let (woken, next) = state.withLock { state in
            if let timer = state.timers.lastIndex(of: end) { state.timers.remove(at: timer) }
            let now = ContinuousClock.now
            var woken: [Waking] = []
            var next: ContinuousClock.Instant?
            while let first = state.order.min {
                let isSleeping = state.sleeping[first.id] != nil
                if isSleeping, first.end > now {
                    if Self.needsTimer(until: first.end, &state) { next = first.end }
                    break
                }
                state.order.removeMin()
                if let waking = state.sleeping.removeValue(forKey: first.id) { woken.append(waking) }
            }
            return (woken, next)
        }
        if let next { startTimer(until: next) }
        for waking in woken {
            switch waking {
            case .task(let continuation): continuation.resume()
            case .call(let action): action()
            }
        }
    }
}
