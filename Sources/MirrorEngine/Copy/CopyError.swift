import MirrorCore
import MirrorNet
import MirrorStorage

/// Why one attempt at a copy failed.
struct CopyError: Error, Sendable, CustomStringConvertible {
    let reason: CopyFailure.Reason
    /// Whether another attempt may go better.
    let isTransient: Bool
    /// For people; no query, credential or path of this machine.
    let message: String
    /// What the origin asked for.
    let retryAfter: Duration?
    /// Whether the next request is told, too, for a while.
    let isRemembered: Bool
    /// For how long at most; `nil` for as long as other failures.
    let rememberedFor: Duration?
    /// What the metrics count it as, where that says more than the reason.
    let cause: (any Error)?
    /// Whether `cause` is of the bucket that the artifact lies in, and not of the pool.
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

    /// What goes wrong with an origin's bucket is the origin's failure, not the pool's.
    init(ofBucket error: StorageError) {
        self.init(
            .transfer, isTransient: error.code.isTransient, "the origin's bucket: \(error.code.rawValue)", retryAfter: error.retryAfter,
            cause: error)
        isOfBucket = true
    }

    var description: String { message }

    /// What object storage said: for the log alone.
    var detail: String? { (cause as? StorageError)?.message }

    /// What an error of the parts that a copy is made of means for the copy.
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
