import Synchronization

/// Wakes one waiting task, or calls one function. A notification that comes while nothing waits is kept for whoever waits next.
package final class Signal: Sendable {
    private enum Waiter {
        case task(CheckedContinuation<Void, Never>)
        case call(@Sendable () -> Void)

        func wake() {
            switch self {
            case .task(let continuation): continuation.resume()
            case .call(let action): action()
            }
        }
    }

    private struct State {
        var isSet = false
        var waiter: Waiter?
    }

    private let state = Mutex(State())

    package init() {}

    package func notify() {
        let waiter = state.withLock { state -> Waiter? in
            guard let waiter = state.waiter else {
                state.isSet = true
                return nil
            }
            state.waiter = nil
            return waiter
        }
        waiter?.wake()
    }

    /// Calls `action` at the next notification, or at once if one was kept. ``forget()`` cancels that; nothing else may wait until then.
    package func whenNotified(_ action: @escaping @Sendable () -> Void) {
        let isSet = state.withLock { state in
            if !state.isSet { state.waiter = .call(action) }
            defer { state.isSet = false }
            return state.isSet
        }
        if isSet { action() }
    }

    package func forget() {
        state.withLock { $0.waiter = nil }
    }

    /// Returns after a notification, after `timeout`, or when the task is cancelled, whichever is first.
    ///
    /// - Parameter timeout: `nil` for no timeout.
    package func wait(upTo timeout: Duration?, clock: any MonotonicClock) async {
        guard let timeout else { return await wait() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await self.wait() }
            group.addTask { try? await clock.sleep(for: timeout) }
            await group.next()
            group.cancelAll()
        }
    }

    private func wait() async {
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isSet = state.withLock { state -> Bool in
                    if state.isSet || Task.isCancelled {
                        state.isSet = false
                        return true
                    }
                    state.waiter = .task(continuation)
                    return false
                }
                if isSet { continuation.resume() }
            }
        } onCancel: {
            state.withLock { state in
                defer { state.waiter = nil }
                return state.waiter
            }?.wake()
        }
    }
}
