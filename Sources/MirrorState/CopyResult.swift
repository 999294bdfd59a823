public import MirrorCore

/// How a copy job ends.
public enum CopyResult: Sendable, Hashable {
    /// The object is in the pool.
    case present(StoredObject)
    /// The copy failed. It is not tried again before `CopyFailure.retryAt`, and then only on request.
    case failed(CopyFailure)
    /// Any worker may try again, once this much time has passed by the store's own clock; the replica stays pending. A negative duration counts as
    /// zero.
    case retry(after: Duration)
    /// The copy was not made, and the attempt does not count: for a worker that shuts down.
    case handBack

    /// Whether there is no job any more.
    package var endsCopy: Bool {
        switch self {
        case .present, .failed: true
        case .retry, .handBack: false
        }
    }
}
