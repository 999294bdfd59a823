package import MirrorCore

/// Why the egress policy does not allow a URL.
public struct EgressRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// A bounded metric label.
    package enum Reason: String, Sendable, CaseIterable {
        /// No rule allows the URL.
        case notListed = "not_listed"
        /// The URL is http, and only https is allowed.
        case plainHTTP = "plain_http"
        /// A redirect leads from https to http.
        case downgrade
        /// A lenient server could read the path as leaving the allowed prefix.
        case traversal
        /// The host is refused by its name: `localhost` and the like.
        case name
        case loopback
        case privateUse = "private"
        case linkLocal = "link_local"
        case shared
        case metadata
        case multicast
        case documentation
        case tunnel
        case reserved

        /// Whether the reason is an address, or a name for one, and not the operator's rules.
        var isOfAddress: Bool {
            switch self {
            case .notListed, .plainHTTP, .downgrade, .traversal: false
            case .name, .loopback, .privateUse, .linkLocal, .shared, .metadata, .multicast, .documentation, .tunnel, .reserved: true
            }
        }
    }

    package let reason: Reason
    /// A message that may be shown to users, including strangers: it names the host, never its address.
    public let message: String
    /// The address that was refused; for logs.
    package let address: IPAddress?

    package init(_ reason: Reason, _ message: String, address: IPAddress? = nil) {
        self.reason = reason
        self.message = message
        self.address = address
    }

    public var description: String { message }
}
