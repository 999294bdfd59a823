package import MirrorCore

/// Why the egress policy does not let a URL be fetched.
public struct EgressRefusal: Error, Sendable, Hashable, CustomStringConvertible {
    /// A bounded metric label.
    package enum Reason: String, Sendable, CaseIterable {
        /// No rule allows the URL.
        case notListed = "not_listed"
        /// The URL is http, and only https is allowed.
        case plainHTTP = "plain_http"
        /// A redirect leads from https to http.
        case downgrade
        /// The path, read by a careless server, leaves the allowed prefix.
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

        /// Whether it is about an address, or a name that stands for one, and not about what the operator listed.
        var isOfAddress: Bool {
            switch self {
            case .notListed, .plainHTTP, .downgrade, .traversal: false
            case .name, .loopback, .privateUse, .linkLocal, .shared, .metadata, .multicast, .documentation, .tunnel, .reserved: true
            }
        }
    }

    package let reason: Reason
    /// For people, also those outside: names the host, never the address that it has.
    public let message: String
    /// The address that was refused; for logs.
    package let address: IPAddress?

    init(_ reason: Reason, _ message: String, address: IPAddress? = nil) {
        self.reason = reason
        self.message = message
        self.address = address
    }

    public var description: String { message }
}
