/// Why an outbound request, or the body of its response, failed. `message` may be shown to clients: it names hosts and paths, never queries.
public struct OutboundError: Error, Sendable, CustomStringConvertible {
    /// What failed, with details.
    public enum Code: Sendable, Hashable {
        /// The egress policy refuses the URL, or an address of its host or of a host that it redirects to.
        case refused(EgressRefusal)
        /// A redirect leads to a destination that no rule of the egress policy allows; clients, which the policy does not bind, may follow it.
        ///
        /// - `host`: With its port, unless it is the scheme's default.
        case redirectRefused(EgressRefusal, host: String)
        /// A redirect without a `Location`, or with one that is not an artifact URL.
        case badRedirect
        /// More redirects than the configuration allows.
        case tooManyRedirects
        /// The host has no address.
        case unresolvable
        /// No connection could be made.
        case connectFailed
        /// No TLS connection could be made, or the certificate is not the host's.
        case tlsFailed
        /// No data arrived, or no connection was made, in time.
        case timedOut
        /// The answer is not HTTP/1.
        case protocolError
        /// The connection ended before the response did.
        case truncated

        /// Whether the same request may succeed a little later.
        public var isTransient: Bool {
            switch self {
            case .connectFailed, .timedOut, .truncated: true
            case .refused, .redirectRefused, .badRedirect, .tooManyRedirects, .unresolvable, .tlsFailed, .protocolError: false
            }
        }

        /// The code without details.
        package var kind: Kind {
            switch self {
            case .refused: .refused
            case .redirectRefused: .redirectRefused
            case .badRedirect: .badRedirect
            case .tooManyRedirects: .tooManyRedirects
            case .unresolvable: .unresolvable
            case .connectFailed: .connectFailed
            case .tlsFailed: .tlsFailed
            case .timedOut: .timedOut
            case .protocolError: .protocolError
            case .truncated: .truncated
            }
        }
    }

    /// A code without details: a bounded metric label.
    package enum Kind: String, Sendable, CaseIterable {
        case refused, redirectRefused, badRedirect, tooManyRedirects, unresolvable, connectFailed, tlsFailed, timedOut, protocolError
        case truncated
    }

    /// What failed.
    public let code: Code
    /// A message that may be shown to users, including strangers: it names hosts and paths, never queries.
    public let message: String
    /// The underlying error, for logs.
    public let cause: (any Error)?

    public init(_ code: Code, _ message: String, cause: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.cause = cause
    }

    package init(_ refusal: EgressRefusal) {
        self.init(.refused(refusal), refusal.message)
    }

    /// Whether the same request may succeed a little later.
    public var isTransient: Bool { code.isTransient }

    public var description: String { "\(code.kind.rawValue): \(message)" }
}
