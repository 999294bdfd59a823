import MirrorCore

/// Runs an operation to its end even if the calling task is cancelled: for cleanup that does I/O.
func uncancelled<Success: Sendable>(_ operation: @escaping @Sendable () async throws -> Success) async throws -> Success {
    try await startNow(operation).value
}

/// The same for an operation that cannot fail.
func uncancelled<Success: Sendable>(_ operation: @escaping @Sendable () async -> Success) async -> Success {
    await startNow(operation).value
}
