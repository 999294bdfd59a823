/// An error from an object store or from a layer around one.
public struct StorageError: Error, Sendable, CustomStringConvertible {
    public var code: Code
    /// For people; may name a key, never a credential.
    public var message: String
    /// A bounded metric label: `local.put`.
    public var operation: String
    /// What the provider asked for.
    public var retryAfter: Duration?
    /// Of `.full`, where the store knows: bytes that have to go before the same call can succeed.
    public var missingBytes: Int64?
    public var cause: (any Error)?

    public enum Code: String, Sendable, CaseIterable {
        case notFound, preconditionFailed, permissionDenied, invalidRequest
        case unsupported, checksumMismatch, full, throttled, timedOut, unavailable

        /// Whether the same call may succeed a little later.
        public var isTransient: Bool {
            switch self {
            // Bytes that were damaged on their way may arrive whole the next time.
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
