package import MirrorCore
import Synchronization

/// Answers to questions that cost something, each for all who ask it.
///
/// One looks for all, when somebody asks and not before, and what was found stands for a while. Nobody waits longer than `patience`: a look
/// that takes longer goes on alone, no other begins beside it, and those who ask meanwhile are told at once that there is no answer yet.
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

    /// - Parameter life: How long an answer stands.
    /// - Parameter patience: How long somebody waits for one.
    package init(life: Duration, patience: Duration, clock: any MonotonicClock) {
        self.life = life
        self.patience = patience
        self.clock = clock
    }

    /// - Parameter key: One of a few: answers are kept for good.
    /// - Parameter look: Is not cancelled with who asks.
    /// - Returns: `nil` when there is no answer in time.
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
