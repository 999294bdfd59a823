public import MirrorCore

/// How a copy job ends.
public enum CopyResult: Sendable, Hashable {
    /// The object is in the pool.
    case present(StoredObject)
    /// Not to be tried again before `CopyFailure.retryAt`, and then only when somebody asks.
    case failed(CopyFailure)
    /// To be tried again by whoever is free, not before so much time has passed by the store's own clock; the replica stays pending. Less than nothing is
    /// nothing.
    case retry(after: Duration)
    /// Not done, and not held against the job: for a worker that shuts down.
    case handBack

    /// Whether there is no job any more.
    package var endsCopy: Bool {
        switch self {
        case .present, .failed: true
        case .retry, .handBack: false
        }
    }
}
