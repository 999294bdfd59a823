package import MirrorCore
import Synchronization

/// Shares expensive lookups among all tasks that need the same answer.
///
/// A lookup begins when a task asks for it, and its answer is valid for a while. No task waits longer than `patience`: a lookup that takes longer
/// continues alone, no other one begins for the same key, and tasks that ask in the meantime get `nil` at once.
package final class SharedLooks<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private struct Look {
        var isLate = false
        var waiters: [CheckedContinuation<Value?, Never>] = []
    }

    private struct Answer {
        let value: Value
        let time: ContinuousClock.Instant
    }

    private enum Turn {
        case tell(Value?)
        case wait
        case look
    }

    private let life: Duration
    private let patience: Duration
    private let clock: any MonotonicClock
    private let state = Mutex<(answers: [Key: Answer], looks: [Key: Look])>(([:], [:]))

    /// - Parameter life: How long an answer is valid.
    /// - Parameter patience: How long a task waits for an answer.
    package init(life: Duration, patience: Duration, clock: any MonotonicClock) {
        self.life = life
        self.patience = patience
        self.clock = clock
    }

    /// - Parameter key: One of a few keys: answers are kept forever.
    /// - Parameter look: Is not cancelled together with the calling task.
    /// - Returns: `nil` if there is no answer in time.
    package func answer(_ key: Key, _ look: @escaping @Sendable () async -> Value) async -> Value? {
        await withCheckedContinuation { waiter in
            switch turn(key, waiter) {
            case .tell(let value): waiter.resume(returning: value)
            case .wait: break
            case .look: begin(key, look)
            }
        }
    }

    private func turn(_ key: Key, _ waiter: CheckedContinuation<Value?, Never>) -> Turn {
        let now = clock.instant
        return state.withLock { state in
            if let answer = state.answers[key], answer.time.duration(to: now) < life { return .tell(answer.value) }
            guard var look = state.looks[key] else {
                state.looks[key] = Look(waiters: [waiter])
                return .look
            }
            if look.isLate { return .tell(nil) }
            look.waiters.append(waiter)
            state.looks[key] = look
            return .wait
        }
    }

    private func begin(_ key: Key, _ look: @escaping @Sendable () async -> Value) {
        Task {
            let value = await withTaskGroup(of: Void.self) { group in
                group.addTask {
                    do { try await self.clock.sleep(for: self.patience) } catch { return }
                    self.giveUp(key)
                }
                defer { group.cancelAll() }
                return await look()
            }
            end(key, value)
        }
    }

    private func giveUp(_ key: Key) {
        let waiters = state.withLock { state in
            state.looks[key]?.isLate = true
            defer { state.looks[key]?.waiters = [] }
            return state.looks[key]?.waiters ?? []
        }
        for waiter in waiters { waiter.resume(returning: nil) }
    }

    private func end(_ key: Key, _ value: Value) {
        let now = clock.instant
        let waiters = state.withLock { state in
            state.answers[key] = Answer(value: value, time: now)
            return state.looks.removeValue(forKey: key)?.waiters ?? []
        }
        for waiter in waiters { waiter.resume(returning: value) }
    }
}
