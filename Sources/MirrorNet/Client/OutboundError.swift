/// Why an outbound request, or the body of its response, failed. `message` may be shown to clients: it names hosts and paths, never queries.
public struct OutboundError: Error, Sendable, CustomStringConvertible {
    /// What failed, with what belongs to it.
    public enum Code: Sendable, Hashable {
        /// The egress policy refuses the URL, or an address of its host or of a host that it redirects to.
        case refused(EgressRefusal)
        /// A redirect leads to what no rule of the egress policy allows; whoever is not bound by it may follow.
        ///
        /// - `host`: With its port, where that is not the scheme's own.
        case redirectRefused(EgressRefusal, host: String)
        /// A redirect without a `Location`, or with one that is no artifact URL.
        case badRedirect
        /// More redirects than the configuration allows.
        case tooManyRedirects
        /// The host has no address.
        case unresolvable
        /// No connection came about.
        case connectFailed
        /// No TLS connection came about, or the certificate is not the host's.
        case tlsFailed
        /// Nothing came, or no connection came about, for too long.
        case timedOut
        /// What came is not HTTP/1.
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

        /// The code without what belongs to it.
        public var kind: Kind {
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

    /// A code without what belongs to it: a bounded metric label.
    public enum Kind: String, Sendable, CaseIterable {
        /// See ``Code/refused(_:)``.
        case refused
        /// See ``Code/redirectRefused(_:host:)``.
        case redirectRefused
        /// See ``Code/badRedirect``.
        case badRedirect
        /// See ``Code/tooManyRedirects``.
        case tooManyRedirects
        /// See ``Code/unresolvable``.
        case unresolvable
        /// See ``Code/connectFailed``.
        case connectFailed
        /// See ``Code/tlsFailed``.
        case tlsFailed
        /// See ``Code/timedOut``.
        case timedOut
        /// See ``Code/protocolError``.
        case protocolError
        /// See ``Code/truncated``.
        case truncated
    }

    /// What failed.
    public let code: Code
    /// For people, also those outside: names hosts and paths, never queries.
    public let message: String
    /// The error below, for logs.
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
