package import MirrorStorage

/// Why there are no credentials. `message` may name variables, files, profiles and addresses, but never contains a secret.
package struct CredentialsError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// None are set up.
        case notFound
        /// They are set up incorrectly.
        case invalid
        /// They are set up in a way that this service does not support.
        case unsupported
        /// The issuer refused to give them out.
        case refused
        /// They have expired, and there are no newer ones.
        case expired
        /// The issuer currently cannot be reached.
        case unavailable

        /// Whether the same call may succeed a little later without any change to the setup.
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

    /// The same error for callers of an object store.
    ///
    /// - Parameter operation: A bounded metric label: service and call.
    package func storageError(operation: String) -> StorageError {
        StorageError(code.isTransient ? .unavailable : .permissionDenied, "no credentials: \(message)", operation: operation, cause: self)
    }

    /// The error for an answer that refuses credentials, or cannot give them at the moment.
    ///
    /// - Parameters:
    ///   - issuer: Whose answer it is: `https://sts.amazonaws.com`.
    ///   - said: What it says.
    ///   - secrets: A message that contains one of them is dropped.
    ///   - isTransient: Whether a later answer may differ although the status does not say so.
    package init(
        status: Int, of issuer: String, said: (code: String, message: String)? = nil, secrets: [String] = [], isTransient: Bool = false
    ) {
        var text = "\(issuer) answers with status \(status)"
        if let said {
            text += ", \(CredentialText.word(said.code))"
            let isClean = !secrets.contains { !$0.isEmpty && said.message.contains($0) }
            if isClean, !said.message.isEmpty { text += ": \(said.message.prefix(500))" }
        }
        self.init(isTransient || status >= 500 || status == 429 || status == 408 ? .unavailable : .refused, text)
    }

    /// The same error, with `place` in front of its message.
    package func prefixed(_ place: String) -> CredentialsError {
        CredentialsError(code, "\(place): \(message)")
    }

    /// Calls `body`, and puts `place` in front of the messages of its errors.
    package static func prefixing<Value>(_ place: String, _ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as CredentialsError {
            throw error.prefixed(place)
        }
    }
}
