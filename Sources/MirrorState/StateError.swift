/// An error from a state store.
public struct StateError: Error, Sendable, CustomStringConvertible {
    /// What callers act on.
    public var code: Code
    /// A message for users and logs; it may name a replica, but never contains a credential or a query.
    public var message: String
    /// The underlying error, for logs.
    public var cause: (any Error)?

    /// What failed.
    public enum Code: String, Sendable, CaseIterable {
        /// The lease expired, the replica was purged, or another caller took the removal over: the holder of the old token must stop and clean
        /// up.
        case staleLease
        /// The store currently cannot be reached or written.
        case unavailable
        /// A stored record cannot be read.
        case corrupt
    }

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    /// The lease is not the newest, or its job is gone.
    package static func stale(_ lease: CopyLease) -> StateError {
        StateError(
            .staleLease,
            "the lease for \(lease.id) is no longer valid: another worker has the copy job, it has ended, or the replica was purged")
    }

    package static func stale(_ removal: Removal) -> StateError {
        StateError(.staleLease, "the removal of \(removal.id) is no longer valid: it was taken over or has ended")
    }

    public var description: String { "state: \(code.rawValue): \(message)" }
}
