import DequeModule
import Synchronization

/// A fixed number of permits for each key; tasks wait for them in order of arrival.
///
/// A key takes memory only while somebody holds one of its permits.
public final class FairSemaphore<Key: Hashable & Sendable>: Sendable {
    private typealias Continuation = CheckedContinuation<Void, any Error>

    private struct Line {
        var held = 0
        /// In order of arrival, including some that have left.
        var order = Deque<UInt64>()
        var waiting: [UInt64: Continuation] = [:]

        mutating func join(_ number: UInt64, _ continuation: Continuation) {
            waiting[number] = continuation
            order.append(number)
        }

        mutating func leave(_ number: UInt64) -> Continuation? {
            let continuation = waiting.removeValue(forKey: number)
            compact()
            return continuation
        }

        mutating func next() -> Continuation? {
            defer { compact() }
            while let number = order.popFirst() {
                if let continuation = waiting.removeValue(forKey: number) { return continuation }
            }
            return nil
        }

        /// Keeps the length of the order close to the number of waiting tasks, however many leave.
        private mutating func compact() {
            if order.count > 2 * waiting.count + 16 { order = order.filter { waiting[$0] != nil } }
        }
    }

    private struct State {
        var lines: [Key: Line] = [:]
        var lastNumber: UInt64 = 0
    }

    private let limit: Int
    private let state = Mutex(State())

    /// - Parameter limit: The number of permits for each key, 1 or more.
    public init(limit: Int) {
        self.limit = max(1, limit)
    }

    /// The number of keys for which somebody holds a permit.
    package var keyCount: Int { state.withLock { $0.lines.count } }

    /// The number of tasks that wait for a permit for the key.
    package func waitingCount(_ key: Key) -> Int { state.withLock { $0.lines[key]?.waiting.count ?? 0 } }

    /// The number of entries for tasks that wait, or that have left but are still in the order.
    func placeCount(_ key: Key) -> Int { state.withLock { $0.lines[key]?.order.count ?? 0 } }

    /// Runs `body` with a permit for the key.
    ///
    /// - Throws: What `body` throws; `CancellationError` if the task is cancelled before it has a permit.
    public func withPermit<Success>(_ key: Key, _ body: () async throws -> Success) async throws -> Success {
        try await acquire(key)
        defer { release(key) }
        return try await body()
    }

    /// Runs `body` with a permit for each of several keys.
    ///
    /// - Parameter keys: Each once, and in the same order for all callers; otherwise two of them can deadlock.
    package func withPermits<Success>(_ keys: [Key], _ body: () async throws -> Success) async throws -> Success {
        var acquired: [Key] = []
        defer { acquired.forEach(release) }
        for key in keys {
            try await acquire(key)
            acquired.append(key)
        }
        return try await body()
    }

    /// Takes a permit; return it with ``release(_:)``.
    ///
    /// - Throws: `CancellationError` as soon as the task is cancelled.
    package func acquire(_ key: Key) async throws {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                let outcome = state.withLock { state -> Result<Void, any Error>? in
                    if Task.isCancelled { return .failure(CancellationError()) }
                    guard state.lines[key, default: Line()].held == limit else {
                        state.lines[key, default: Line()].held += 1
                        return .success(())
                    }
                    state.lines[key]?.join(number, continuation)
                    return nil
                }
                if let outcome { continuation.resume(with: outcome) }
            }
        } onCancel: {
            state.withLock { $0.lines[key]?.leave(number) }?.resume(throwing: CancellationError())
        }
    }

    /// Takes a permit if there is one now; return it with ``release(_:)``.
    ///
    /// - Returns: Whether it was taken.
    package func acquireNow(_ key: Key) -> Bool {
        state.withLock { state in
            guard state.lines[key, default: Line()].held < limit else { return false }
            state.lines[key, default: Line()].held += 1
            return true
        }
    }

    package func release(_ key: Key) {
        let next = state.withLock { state -> Continuation? in
            // The permit is passed on to the next task.
            if let next = state.lines[key]?.next() { return next }
            state.lines[key]?.held -= 1
            if state.lines[key]?.held == 0 { state.lines[key] = nil }
            return nil
        }
        next?.resume()
    }
}
