import MirrorCore
import MirrorNet
import MirrorStorage

/// Why an attempt at a copy failed.
struct CopyError: Error, Sendable, CustomStringConvertible {
    let reason: CopyFailure.Reason
    /// Whether another attempt may succeed.
    let isTransient: Bool
    /// May be shown to users: it contains no query, credential, or path on this machine.
    let message: String
    /// The wait that the origin asked for.
    let retryAfter: Duration?
    /// Whether the failure also answers later requests, for a while.
    let isRemembered: Bool
    /// The maximum time for which it is remembered; `nil` for the same time as other failures.
    let rememberedFor: Duration?
    /// The underlying error, by which metrics count this one if that says more than the reason.
    let cause: (any Error)?
    /// Whether `cause` comes from the origin's bucket, not from the pool.
    private(set) var isOfBucket = false

    init(
        _ reason: CopyFailure.Reason, isTransient: Bool, _ message: String, retryAfter: Duration? = nil, isRemembered: Bool = true,
        rememberedFor: Duration? = nil, cause: (any Error)? = nil
    ) {
        self.reason = reason
        self.isTransient = isTransient
        self.message = message
        self.retryAfter = retryAfter
        self.isRemembered = isRemembered
        self.rememberedFor = rememberedFor
        self.cause = cause
    }

    /// A failure of an origin's bucket counts as the origin's, not the pool's.
    init(ofBucket error: StorageError) {
        self.init(
            .transfer, isTransient: error.code.isTransient, "the origin's bucket: \(error.code.rawValue)", retryAfter: error.retryAfter,
            cause: error)
        isOfBucket = true
    }

    var description: String { message }

    /// The object store's message; for logs only.
    var detail: String? { (cause as? StorageError)?.message }

    /// Converts an error from any component of a copy.
    init(_ error: any Error) {
        switch error {
        case let error as CopyError:
            self = error
        case let error as OutboundError:
            switch error.code {
            case .refused: self.init(.refused, isTransient: false, error.message, cause: error)
            case .redirectRefused: self.init(.redirect, isTransient: false, error.message, cause: error)
            default: self.init(.transfer, isTransient: error.isTransient, error.message, cause: error)
            }
        case let error as StorageError:
            self.init(.storage, isTransient: error.code.isTransient, "the pool: \(error.code.rawValue)", cause: error)
        default:
            self.init(.transfer, isTransient: true, "the copy was cut short")
        }
    }
}
