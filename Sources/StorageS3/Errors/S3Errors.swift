import MirrorNet
import MirrorStorage

/// The errors of this module that the service did not send, made in one place.
enum S3Error {
    static func invalid(_ message: String, _ call: String) -> StorageError {
        StorageError(.invalidRequest, message, operation: "\(S3Provider.service).\(call)")
    }

    /// An answer that is not what the protocol says. The next one to the same request would be no better; a new operation may fare better.
    static func odd(_ message: String, _ call: String) -> StorageError {
        StorageError(.unavailable, message, operation: "\(S3Provider.service).\(call)", cause: OddAnswer())
    }

    private struct OddAnswer: Error {}

    /// Whether the request itself may be sent again.
    static func mayRepeat(_ error: StorageError) -> Bool {
        guard error.code.isTransient else { return false }
        if let failure = error.cause as? S3Failure { return failure.mayRepeat }
        return !(error.cause is OddAnswer)
    }

    /// What a request or the body of its answer failed with, in the words of object stores. What is no error of the connection stays as it is:
    /// it comes from the stream that was to be sent, or is a cancellation.
    static func mapping(_ error: any Error, call: String) -> any Error {
        let operation = "\(S3Provider.service).\(call)"
        switch error {
        case let error as S3CredentialsError: return error.storageError(operation: operation)
        case let error as OutboundError:
            let code: StorageError.Code =
                switch error.code {
                case .timedOut: .timedOut
                // Whether the service has deleted, or is about to, nobody knows then: as when it does not answer in time.
                case .truncated, .protocolError: call == "delete" ? .timedOut : .unavailable
                case .connectFailed, .unresolvable, .tlsFailed: .unavailable
                case .refused, .redirectRefused, .badRedirect, .tooManyRedirects: .invalidRequest
                }
            return StorageError(code, error.message, operation: operation, cause: error)
        default: return error
        }
    }
}
