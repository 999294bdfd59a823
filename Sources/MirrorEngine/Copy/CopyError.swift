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
    /// What the store, or the service of an origin's bucket, said: for the log alone.
    let detail: String?
    /// Of an origin's bucket.
    let bucketCode: StorageError.Code?

    init(_ reason: CopyFailure.Reason, isTransient: Bool, _ message: String, retryAfter: Duration? = nil) {
        self.init(reason, isTransient: isTransient, message, retryAfter: retryAfter, detail: nil, bucketCode: nil)
    }

    private init(
        _ reason: CopyFailure.Reason, isTransient: Bool, _ message: String, retryAfter: Duration?, detail: String?,
        bucketCode: StorageError.Code?
    ) {
        self.reason = reason
        self.isTransient = isTransient
        self.message = message
        self.retryAfter = retryAfter
        self.detail = detail
        self.bucketCode = bucketCode
    }

    /// What goes wrong with an origin's bucket is the origin's failure, not the pool's.
    init(ofBucket error: StorageError) {
        self.init(
            .transfer, isTransient: error.code.isTransient, "the origin's bucket: \(error.code.rawValue)", retryAfter: error.retryAfter,
            detail: error.message, bucketCode: error.code)
    }

    var description: String { message }

    /// What an error of the parts that a copy is made of means for the copy.
    init(_ error: any Error) {
        switch error {
        case let error as CopyError:
            self = error
        case let error as OutboundError:
            switch error.code {
            case .refused: self.init(.refused, isTransient: false, error.message)
            case .redirectRefused: self.init(.redirect, isTransient: false, error.message)
            default: self.init(.transfer, isTransient: error.isTransient, error.message)
            }
        case let error as StorageError:
            self.init(
                .storage, isTransient: error.code.isTransient, "the pool: \(error.code.rawValue)", retryAfter: nil,
                detail: error.message, bucketCode: nil)
        default:
            self.init(.transfer, isTransient: true, "the copy broke off")
        }
    }
}
