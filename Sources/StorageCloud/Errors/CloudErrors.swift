import MirrorNet
package import MirrorStorage

/// Creates the errors of one cloud's backend that do not come from its service. Those that do are ``ServiceFailure``s.
package struct CloudErrors: Sendable {
    /// The first word of each error's operation.
    private let service: String

    package init(service: String) {
        self.service = service
    }

    /// - Parameter call: Becomes the second word of the error's operation: `head`.
    package func error(_ code: StorageError.Code, _ message: String, _ call: String) -> StorageError {
        StorageError(code, message, operation: "\(service).\(call)")
    }

    package func invalid(_ message: String, _ call: String) -> StorageError {
        error(.invalidRequest, message, call)
    }

    /// For an answer that violates the protocol. Repeating the same request would not help; a new operation may.
    package func odd(_ message: String, _ call: String) -> StorageError {
        StorageError(.unavailable, message, operation: "\(service).\(call)", cause: OddAnswer())
    }

    /// Translates the error of a request, or of its answer's body, to a ``StorageError``.
    ///
    /// An error that does not concern the connection is returned unchanged: it comes from the stream that was sent, or is a cancellation.
    package func mapping(_ error: any Error, call: String) -> any Error {
        let operation = "\(service).\(call)"
        switch error {
        case let error as CredentialsError: return error.storageError(operation: operation)
        case let error as OutboundError:
            let code: StorageError.Code =
                switch error.code {
                case .timedOut: .timedOut
                // It is then unknown whether the service has deleted or is about to, as when it does not answer in time.
                case .truncated, .protocolError: call == "delete" ? .timedOut : .unavailable
                case .connectFailed, .unresolvable, .tlsFailed: .unavailable
                case .refused, .redirectRefused, .badRedirect, .tooManyRedirects: .invalidRequest
                }
            return StorageError(code, error.message, operation: operation, cause: error)
        default: return error
        }
    }
}

private struct OddAnswer: Error {}

extension StorageError {
    /// Whether the request itself may be repeated.
    package var mayRepeat: Bool {
        guard code.isTransient else { return false }
        if let failure = cause as? any ServiceFailure { return failure.mayRepeat }
        return !(cause is OddAnswer)
    }
}
