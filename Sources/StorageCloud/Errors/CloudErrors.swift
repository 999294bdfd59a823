import MirrorNet
package import MirrorStorage

/// Makes the errors of one cloud's backend that its service did not send. Those that it sent are ``ServiceFailure``s.
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

    /// An answer that is not what the protocol says. The next one to the same request would be no better; a new operation may fare better.
    package func odd(_ message: String, _ call: String) -> StorageError {
        StorageError(.unavailable, message, operation: "\(service).\(call)", cause: OddAnswer())
    }

    /// What a request or the body of its answer failed with, in the words of object stores.
    ///
    /// An error that has nothing to do with the connection stays as it is: it comes from the stream that was to be sent, or is a cancellation.
    package func mapping(_ error: any Error, call: String) -> any Error {
        let operation = "\(service).\(call)"
        switch error {
        case let error as CredentialsError: return error.storageError(operation: operation)
        case let error as OutboundError:
            let code: StorageError.Code =
                switch error.code {
                case .timedOut: .timedOut
                // Nobody knows then whether the service has deleted, or is about to: as when it does not answer in time.
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
    /// Whether the request itself may be sent again.
    package var mayRepeat: Bool {
        guard code.isTransient else { return false }
        if let failure = cause as? any ServiceFailure { return failure.mayRepeat }
        return !(cause is OddAnswer)
    }
}
