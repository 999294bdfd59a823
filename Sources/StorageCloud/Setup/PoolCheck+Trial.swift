package import MirrorStorage

/// Tries the things that a pool needs, and reports the results.
extension PoolCheck {
    /// - Parameter task: What `body` does: `read an object`.
    func attempt(_ say: Say, _ task: String, _ permission: String, _ body: () async throws -> Void) async throws {
        do {
            try await body()
            say(.ok, "may \(task)")
        } catch let error as StorageError {
            let advice = error.code == .permissionDenied ? "\(words.grant(permission)): " : ""
            say(.error, "cannot \(task): \(advice)\(error.message)")
        }
    }

    /// Tries something that the mirror does in another way if the service does not support it.
    ///
    /// - Parameters:
    ///   - task: What the service does: `copy objects`.
    ///   - success: The line if it works; `nil` for the usual one.
    ///   - otherwise: What happens if it does not.
    package func attemptByService(
        _ say: (SetupLine.Mark, String) -> Void, _ task: String, success: String? = nil, otherwise: String, _ body: () async throws -> Void
    ) async throws {
        do {
            try await body()
            say(.ok, success ?? "the service may \(task) by itself")
        } catch let error as StorageError {
            say(.warning, "the service does not \(task) by itself, so \(otherwise): \(error.message)")
        }
    }

    /// - Parameters:
    ///   - field: The header field with the condition, for messages.
    ///   - write: Overwrites an existing object, on condition that it does not exist.
    func attemptReplacing(_ say: Say, field: String, _ write: () async throws -> Void) async throws {
        do {
            try await write()
            say(.warning, "the server ignores \(field): if two copies of one artifact are made at the same time, the later one stays")
        } catch let error as StorageError where error.code == .preconditionFailed {
            say(.ok, "a write that requires a new object does not replace an existing one")
        } catch let error as StorageError {
            say(.error, "cannot try to write over an existing object: \(error.message)")
        }
    }
}
