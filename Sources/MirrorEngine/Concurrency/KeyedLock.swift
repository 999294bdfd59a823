import Synchronization

/// A lock for each key that may be held across suspensions; who comes first is served first.
package final class KeyedLock<Key: Hashable & Sendable>: Sendable {
    private struct Waiter {
        let number: Int
        let continuation: CheckedContinuation<Void, any Error>
    }

    private struct State {
        /// A key is here while it is held.
        var held: [Key: [Waiter]] = [:]
        var lastNumber = 0
    }

    private let state = Mutex(State())

    package init() {}

    /// - Throws: What `body` throws; `CancellationError` when the task is cancelled while it waits.
    func withLock<Success: Sendable>(_ key: Key, _ body: () async throws -> Success) async throws -> Success {
        try await acquire(key)
        defer { release(key) }
        return try await body()
    }

    /// The same for several keys, each once.
    ///
    /// - Parameter keys: In one order for all callers, or two of them wait for each other.
    func withLocks<Success: Sendable>(_ keys: [Key], _ body: () async throws -> Success) async throws -> Success {
        var acquired: [Key] = []
        defer { acquired.forEach(release) }
        for key in keys {
            try await acquire(key)
            acquired.append(key)
        }
        return try await body()
    }

    private func acquire(_ key: Key) async throws {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard state.held[key] != nil else {
                        state.held[key] = []
                        return .success(())
                    }
                    state.held[key]?.append(Waiter(number: number, continuation: continuation))
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            let waiter = state.withLock { state -> Waiter? in
                guard let place = state.held[key]?.firstIndex(where: { $0.number == number }) else { return nil }
                return state.held[key]?.remove(at: place)
            }
            waiter?.continuation.resume(throwing: CancellationError())
        }
    }

    private func release(_ key: Key) {
        let next = state.withLock { state -> Waiter? in
            guard state.held[key]?.isEmpty == false else {
                state.held[key] = nil
                return nil
            }
            return state.held[key]?.removeFirst()
        }
        next?.continuation.resume()
    }
}
