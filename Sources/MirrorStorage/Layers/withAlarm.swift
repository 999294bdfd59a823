/// Runs `call` until `alarm` returns.
///
/// The call is cancelled then and waited for, so that nothing of it is left behind; if it succeeds all the same, it has succeeded.
///
/// - Throws: ``StorageError/Code/timedOut`` when the alarm came first; what `call` threw otherwise.
package func withAlarm<Value: Sendable>(
    _ operation: String, _ message: String, alarm: @escaping @Sendable () async throws -> Void,
    _ call: @escaping @Sendable () async throws -> Value
) async throws -> Value {
    try await withThrowingTaskGroup(of: Value?.self) { group in
        group.addTask { try await call() }
        group.addTask {
            // Throws when the caller is cancelled, and so is the call then: its end is waited for below.
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
