/// Runs `call` until `alarm` returns.
///
/// Then the call is cancelled and awaited, so that nothing of it is left behind; if it succeeds nevertheless, its result is returned.
///
/// Both have a task of their own: cancelling the caller's task would also end what the caller does afterwards, such as another attempt, and a clock
/// can only be waited for by a task.
///
/// - Throws: ``StorageError/Code/timedOut`` if the alarm came first; otherwise what `call` threw.
package func withAlarm<Value: Sendable>(
    _ operation: String, _ message: String, alarm: @escaping @Sendable () async throws -> Void,
    _ call: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await call() }
        group.addTask {
            // Throws if the caller is cancelled. Then the call is cancelled, too, and its end is awaited below.
            try? await alarm()
            return nil
        }
        defer { group.cancelAll() }
        if let first = try await group.next(), let value = first { return value }
        group.cancelAll()
        do {
            if let second = try await group.next(), let value = second { return value }
        } catch  where Task.isCancelled {
            throw error
        } catch {
            throw StorageError(.timedOut, message, operation: operation, cause: error)
        }
        throw StorageError(.timedOut, message, operation: operation)
    }
}
