/// An error from an object store or from a layer around one.
public struct StorageError: Error, Sendable, CustomStringConvertible {
    /// The code that callers act on.
    public var code: Code
    /// A message for users and logs; it may name a key, but never contains a credential.
    public var message: String
    /// A bounded metric label: `local.put`.
    public var operation: String
    /// The pause that the provider asked for.
    public var retryAfter: Duration?
    /// For `.full`, if the store knows: the number of bytes to free before the same call can succeed.
    public var missingBytes: Int64?
    /// The underlying error, for logs.
    public var cause: (any Error)?

    /// The kind of failure. It decides whether the call is repeated.
    public enum Code: String, Sendable, CaseIterable {
        /// There is no such object or bucket.
        case notFound
        /// The object's state is not what the call required: see ``WriteCondition`` and ``CopySource/etag``.
        case preconditionFailed
        /// The service refuses the credentials, or they lack a permission.
        case permissionDenied
        /// The call can never succeed as it is.
        case invalidRequest
        /// The store cannot do that: see ``StoreCapabilities``.
        case unsupported
        /// The bytes that arrived are not those that were sent.
        case checksumMismatch
        /// The pool has no room. The mirror makes room and tries again.
        case full
        /// The service asks for fewer requests.
        case throttled
        /// No answer in time; a deletion may still happen.
        case timedOut
        /// The service cannot be reached, or has an internal error.
        case unavailable

        /// Whether the same call may succeed a little later.
        public var isTransient: Bool {
            switch self {
            // Bytes that were damaged in transit may arrive intact the next time.
            case .throttled, .timedOut, .unavailable, .checksumMismatch: true
            case .notFound, .preconditionFailed, .permissionDenied, .invalidRequest, .unsupported, .full: false
            }
        }
    }

    public init(_ code: Code, _ message: String, operation: String, retryAfter: Duration? = nil, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.operation = operation
        self.retryAfter = retryAfter
        self.cause = cause
    }

    public var description: String { "\(operation): \(code.rawValue): \(message)" }
}
