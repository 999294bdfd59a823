/// Starts a task that runs in its caller's thread until it first waits for something, and only then costs a change of threads.
///
/// What it does until then must be as quick as what the caller may do itself.
package func startNow<Success: Sendable>(_ operation: @escaping @Sendable () async throws -> Success) -> Task<Success, any Error> {
    guard #available(macOS 26, *) else { return Task(operation: operation) }
    return Task.immediate(operation: operation)
}

/// The same for an operation that cannot fail.
package func startNow<Success: Sendable>(_ operation: @escaping @Sendable () async -> Success) -> Task<Success, Never> {
    guard #available(macOS 26, *) else { return Task(operation: operation) }
    return Task.immediate(operation: operation)
}

extension DiscardingTaskGroup {
    /// Adds a task that starts in the same way.
    package mutating func addTaskNow(_ operation: @escaping @Sendable () async -> Void) {
        guard #available(macOS 26, *) else { return addTask(operation: operation) }
        addImmediateTask(operation: operation)
    }
}
