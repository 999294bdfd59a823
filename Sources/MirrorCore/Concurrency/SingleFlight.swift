import Synchronization

/// Does the work of several callers with the same key once, in a separate task: no caller has to wait longer because of another, and each can leave.
///
/// The task starts in the thread of the first caller (``startNow(_:)``).
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
    private typealias Caller = CheckedContinuation<Value, any Error>

    private struct Flight {
        let number: Int
        var callers: [Int: Caller]
        var task: Task<Void, Never>?
    }

    /// What a caller has to do.
    private enum Turn {
        case leave, wait, begin
    }

    private struct State {
        var flights: [Key: Flight] = [:]
        var lastNumber = 0
    }

    private let goesOnAlone: Bool
    private let state = Mutex(State())

    /// - Parameter goesOnAlone: Whether the work continues after all callers have left; otherwise it is cancelled then.
    package init(goesOnAlone: Bool = false) {
        self.goesOnAlone = goesOnAlone
    }

    /// The number of flights in progress.
    package var count: Int { state.withLock { $0.flights.count } }

    package func isRunning(_ key: Key) -> Bool { state.withLock { $0.flights[key] != nil } }

    /// - Throws: What `operation` throws; `CancellationError` as soon as the caller's own task is cancelled.
    package func run(_ key: Key, _ operation: @escaping @Sendable () async throws -> Value) async throws -> Value {
        let number = state.withLock { state in
            state.lastNumber += 1
            return state.lastNumber
        }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { (caller: Caller) in
                let turn = state.withLock { state -> Turn in
                    if Task.isCancelled { return .leave }
                    guard state.flights[key] == nil else {
                        state.flights[key]?.callers[number] = caller
                        return .wait
                    }
                    state.flights[key] = Flight(number: number, callers: [number: caller])
                    return .begin
                }
                switch turn {
                case .leave: caller.resume(throwing: CancellationError())
                case .wait: break
                case .begin: begin(key, number, operation)
                }
            }
        } onCancel: {
            leave(key, number)
        }
    }

    private func begin(_ key: Key, _ number: Int, _ operation: @escaping @Sendable () async throws -> Value) {
        let task: Task<Void, Never> = startNow { await self.fly(key, number, operation) }
        let isKept = state.withLock { state -> Bool in
            guard state.flights[key]?.number == number else { return false }
            state.flights[key]?.task = task
            return true
        }
        // The flight is over, or all its callers have left it before they could cancel the task.
        if !isKept { task.cancel() }
    }

    private func fly(_ key: Key, _ number: Int, _ operation: @Sendable () async throws -> Value) async {
        let result: Result<Value, any Error>
        do {
            result = .success(try await operation())
        } catch {
            result = .failure(error)
        }
        let callers = state.withLock { state -> [Int: Caller] in
            // A flight without callers may have been followed by another one.
            guard let flight = state.flights[key], flight.number == number else { return [:] }
            state.flights[key] = nil
            return flight.callers
        }
        for caller in callers.values { caller.resume(with: result) }
    }

    private func leave(_ key: Key, _ number: Int) {
        let (caller, abandoned) = state.withLock { state -> (Caller?, Task<Void, Never>?) in
            guard let caller = state.flights[key]?.callers.removeValue(forKey: number) else { return (nil, nil) }
            guard !goesOnAlone, state.flights[key]?.callers.isEmpty == true else { return (caller, nil) }
            return (caller, state.flights.removeValue(forKey: key)?.task)
        }
        abandoned?.cancel()
        caller?.resume(throwing: CancellationError())
    }
}
