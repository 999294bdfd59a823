package import MirrorStorage

/// Why there are no credentials. `message` names variables, files, profiles and addresses, never a secret.
package struct CredentialsError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// Nobody has set any up.
        case notFound
        /// They are set up in a way that cannot work.
        case invalid
        /// They are set up in a way that this service does not support.
        case unsupported
        /// Who gives them out refused to.
        case refused
        /// They ended, and there are no newer ones.
        case expired
        /// Who gives them out cannot be asked at the moment.
        case unavailable

        /// Whether the same call may succeed a little later, without anybody's changing something.
        package var isTransient: Bool {
            switch self {
            case .unavailable: true
            case .notFound, .invalid, .unsupported, .refused, .expired: false
            }
        }
    }

    package let code: Code
    package let message: String

    package init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    package var description: String { "\(code.rawValue): \(message)" }

    /// The same for who calls an object store.
    ///
    /// - Parameter operation: A bounded metric label: service and call.
    package func storageError(operation: String) -> StorageError {
        StorageError(code.isTransient ? .unavailable : .permissionDenied, "no credentials: \(message)", operation: operation, cause: self)
    }

    /// The same error, said of `place`.
    package func prefixed(_ place: String) -> CredentialsError {
        CredentialsError(code, "\(place): \(message)")
    }

    /// Calls `body`, whose errors are said of `place`.
    package static func prefixing<Value>(_ place: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as CredentialsError {
            throw error.prefixed(place)
        }
    }
}
