import Synchronization

/// A value behind a lock that tasks can wait for.
package final class WatchedState<State: Sendable>: Sendable {
    private struct Held {
        var state: State
        var watchers: [Int: Watcher] = [:]
        var nextID = 0
    }

    private struct Watcher {
        /// Resumes its task and says so when the state is what it waits for.
        let isDone: @Sendable (State) -> Bool
        let cancel: @Sendable () -> Void
    }

    private let held: Mutex<Held>

    package init(_ state: State) {
        held = Mutex(Held(state: state))
    }

    package var current: State { held.withLock { $0.state } }

    @discardableResult
    package func change<Result: Sendable>(_ body: (inout State) -> Result) -> Result {
        held.withLock { held in
            let result = body(&held.state)
            // Resuming only schedules the task, so it is safe under the lock.
            for (id, watcher) in held.watchers where watcher.isDone(held.state) { held.watchers[id] = nil }
            return result
        }
    }

    /// What `read` gives as soon as it is not `nil`.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    package func value<Value: Sendable>(_ read: @escaping @Sendable (State) -> Value?) async throws -> Value {
        let id = held.withLock { held in
            held.nextID += 1
            return held.nextID
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (continuation: CheckedContinuation<Value, any Error>) in
                held.withLock { held in
                    if Task.isCancelled {
                        continuation.resume(throwing: CancellationError())
                    } else if let value = read(held.state) {
                        continuation.resume(returning: value)
                    } else {
                        held.watchers[id] = Watcher(
                            isDone: { state in
                                guard let value = read(state) else { return false }
                                continuation.resume(returning: value)
                                return true
                            },
                            cancel: { continuation.resume(throwing: CancellationError()) })
                    }
                }
            }
        } onCancel: {
            held.withLock { $0.watchers.removeValue(forKey: id) }?.cancel()
        }
    }
}
