import MirrorState
import MirrorStorage

/// Why a component is not healthy, in words.
enum HealthReason {
    /// For everyone: one of a few sentences, so that no address, path or name gets out.
    static func open(_ error: any Error) -> String {
        switch error {
        case let error as StorageError: of(error.code)
        case let error as StateError: error.code == .corrupt ? "what it holds cannot be read" : "it cannot be reached"
        default: "it failed; the log says more"
        }
    }

    /// For the operator: the store's own message, which may name a bucket, a path or a key, but never a credential.
    static func full(_ error: any Error) -> String {
        switch error {
        case let error as StorageError: "\(error.code.rawValue): \(error.message)"
        case let error as StateError: "\(error.code.rawValue): \(error.message)"
        default: open(error)
        }
    }

    private static func of(_ code: StorageError.Code) -> String {
        switch code {
        case .notFound: "its bucket or directory does not exist"
        case .permissionDenied: "these credentials or permissions do not allow its use"
        case .full: "too little space is free"
        case .throttled: "the service asks for fewer requests"
        case .timedOut: "it does not answer in time"
        case .unavailable: "it cannot be reached"
        case .invalidRequest, .unsupported: "the service refuses the request"
        case .preconditionFailed, .checksumMismatch: "it failed; the log says more"
        }
    }
}
