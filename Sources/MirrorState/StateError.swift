/// An error from a state store.
public struct StateError: Error, Sendable, CustomStringConvertible {
    public var code: Code
    public var message: String
    public var cause: (any Error)?

    public enum Code: String, Sendable, CaseIterable {
        /// The lease ran out, or the replica was purged: whoever holds the old token must stop and clean up.
        case staleLease
        /// The store cannot be reached or written now.
        case unavailable
        /// What is stored cannot be read.
        case corrupt
    }

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    public var description: String { "state: \(code.rawValue): \(message)" }
}
