import Synchronization

/// A value behind a lock that a test can wait for.
final class Watched<Value: Sendable>: Sendable {
    private struct Watcher {
        let isMet: @Sendable (Value) -> Bool
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        var value: Value
        var watchers: [Int: Watcher] = [:]
        var nextID = 0
    }

    private let state: Mutex<State>

    init(_ value: Value) {
        state = Mutex(State(value: value))
    }

    var current: Value { state.withLock { $0.value } }

    @discardableResult
    func change<Result: Sendable>(_ body: (inout Value) -> Result) -> Result {
        let (result, met) = state.withLock { state in
            let result = body(&state.value)
            let met = state.watchers.filter { $0.value.isMet(state.value) }
            for id in met.keys { state.watchers[id] = nil }
            return (result, met.values.map(\.continuation))
        }
        for continuation in met { continuation.resume() }
        return result
    }

    /// Returns once the value is as wanted.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    func until(_ isMet: @escaping @Sendable (Value) -> Bool) async throws {
        let id = state.withLock { state in
            state.nextID += 1
            return state.nextID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let answer = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if isMet(state.value) { return .success(()) }
                    state.watchers[id] = Watcher(isMet: isMet, continuation: continuation)
                    return nil
                }
                if let answer { continuation.resume(with: answer) }
            }
        } onCancel: {
            state.withLock { $0.watchers.removeValue(forKey: id) }?.continuation.resume(throwing: CancellationError())
        }
    }
}

/// A door that is shut until a test opens it, for good.
final class Door: Sendable {
    private let state = Watched((isOpen: false, waiting: 0))

    func open() { state.change { $0.isOpen = true } }

    func pass() async throws {
        state.change { $0.waiting += 1 }
        defer { state.change { $0.waiting -= 1 } }
        try await state.until { $0.isOpen }
    }

    /// Returns once `count` tasks wait here.
    func waiting(_ count: Int = 1) async throws {
        try await state.until { $0.waiting >= count }
    }
}
