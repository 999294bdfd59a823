import Synchronization

/// A value that one task waits for; the first one that is given counts.
package final class FirstValue<Value: Sendable>: Sendable {
    private enum State {
        case missing
        case awaited(CheckedContinuation<Value, Never>)
        case given(Value)
    }

    private let state = Mutex(State.missing)

    package init() {}

    /// Whether there is a value.
    package var isGiven: Bool {
        state.withLock { state in
            if case .given = state { true } else { false }
        }
    }

    /// - Returns: Whether it was the first.
    @discardableResult
    package func give(_ value: Value) -> Bool {
        let (isFirst, reader) = state.withLock { state -> (Bool, CheckedContinuation<Value, Never>?) in
            switch state {
            case .missing:
                state = .given(value)
                return (true, nil)
            case .awaited(let reader):
                state = .given(value)
                return (true, reader)
            case .given:
                return (false, nil)
            }
        }
        reader?.resume(returning: value)
        return isFirst
    }

    /// Waits for the value, even if the task is cancelled: to end the wait early, give a value.
    package func value() async -> Value {
        await withCheckedContinuation { reader in
            let value = state.withLock { state -> Value? in
                if case .given(let value) = state { return value }
                state = .awaited(reader)
                return nil
            }
            if let value { reader.resume(returning: value) }
        }
    }
}
