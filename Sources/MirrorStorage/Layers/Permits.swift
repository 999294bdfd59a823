import Synchronization

/// A number of permits that tasks wait for, first come, first served.
final class Permits: Sendable {
    private struct State {
        var free: Int
        /// In the order of arrival; whoever was cancelled is still in it, and no longer in `waiting`.
        var queue: [Int] = []
        var waiting: [Int: CheckedContinuation<Void, any Error>] = [:]
        var lastID = 0
    }

    private let state: Mutex<State>

    /// - Parameter count: 1 or more.
    init(_ count: Int) {
        state = Mutex(State(free: max(count, 1)))
    }

    /// Tasks that wait now.
    var waitingCount: Int { state.withLock { $0.waiting.count } }

    /// Runs `body` with a permit.
    ///
    /// - Throws: `CancellationError` when the task is cancelled before it has one.
    func withPermit<Result>(_ body: () async throws -> Result) async throws -> Result {
        try await acquire()
        defer { release() }
        return try await body()
    }

    private func acquire() async throws {
        let id = state.withLock { state in
            state.lastID += 1
            return state.lastID
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    if state.free > 0 {
                        state.free -= 1
                        return .success(())
                    }
                    state.waiting[id] = continuation
                    state.queue.append(id)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: id) }?.resume(throwing: CancellationError())
        }
    }

    private func release() {
        let next = state.withLock { state -> CheckedContinuation<Void, any Error>? in
            while !state.queue.isEmpty {
                if let first = state.waiting.removeValue(forKey: state.queue.removeFirst()) { return first }
            }
            state.free += 1
            return nil
        }
        next?.resume()
    }
}
