import Synchronization

/// A value that is made by whoever asks first, while the others wait; if that fails, the next one makes it.
package final class SharedValue<Value: Sendable>: Sendable {
    private enum Phase {
        case missing
        case underWay
        case made(Value)
    }

    private struct State {
        var phase = Phase.missing
        var waiters: [Int: CheckedContinuation<Void, any Error>] = [:]
        var lastID = 0
    }

    private enum Turn {
        case take(Value)
        case make
        case wait
    }

    private let state = Mutex(State())

    package init() {}

    /// The value if there is one by now.
    package var current: Value? {
        state.withLock { state in
            if case .made(let value) = state.phase { value } else { nil }
        }
    }

    /// - Throws: What `make` throws; `CancellationError` when the task is cancelled while it waits.
    package func value(_ make: () async throws -> Value) async throws -> Value {
        while true {
            switch turn() {
            case .take(let value): return value
            case .wait: try await wait()
            case .make:
                do {
                    let value = try await make()
                    end(.made(value))
                    return value
                } catch {
                    end(.missing)
                    throw error
                }
            }
        }
    }

    private func turn() -> Turn {
        state.withLock { state in
            switch state.phase {
            case .made(let value): return .take(value)
            case .underWay: return .wait
            case .missing:
                state.phase = .underWay
                return .make
            }
        }
    }

    private func end(_ phase: Phase) {
        let waiters = state.withLock { state in
            state.phase = phase
            defer { state.waiters = [:] }
            return state.waiters.values
        }
        for waiter in waiters { waiter.resume() }
    }

    private func wait() async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let result = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard case .underWay = state.phase else { return .success(()) }
                    state.waiters[id] = continuation
                    return nil
                }
                if let result { continuation.resume(with: result) }
            }
        } onCancel: {
            state.withLock { $0.waiters.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }
}
