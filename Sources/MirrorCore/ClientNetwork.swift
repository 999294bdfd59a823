/// Who a budget or a share belongs to: a client's IPv4 address, or the /64 of its IPv6 address, because one client has all addresses of a /64.
///
/// With IPv6, there is also the site, a /48: what a customer who asks for a network gets, with 65,536 of these clients in it. A company or a data
/// centre also has a /48, so a site may have as much as ``sitesWorth`` clients together.
package struct ClientNetwork: Sendable, Hashable, CustomStringConvertible {
    private enum Family: UInt8 { case ipv4, ipv6, ipv6Site, unknown }

    /// How many clients a site counts as. If each client may have a quarter of something, a site leaves a quarter for everybody else.
    package static let sitesWorth = 3

    private let family: Family
    /// The IPv4 address, or the first half of an IPv6 address.
    private let bits: UInt64

    /// Clients whose address is not known are one network.
    package init(_ client: IPAddress?) {
        guard let address = client?.unmapped else {
            (family, bits) = (.unknown, 0)
            return
        }
        family = address.isIPv6 ? .ipv6 : .ipv4
        bits = address.bytes.prefix(8).reduce(0) { $0 << 8 | UInt64($1) }
    }

    private init(family: Family, bits: UInt64) {
        self.family = family
        self.bits = bits
    }

    private init(siteOf bits: UInt64) {
        family = .ipv6Site
        self.bits = bits & ~0xFFFF
    }

    /// The /48 that contains a /64. `nil` for everything else, and outside the public internet (2000::/3), where a whole company may be in one /48.
    package var site: ClientNetwork? { family == .ipv6 && bits >> 61 == 1 ? ClientNetwork(siteOf: bits) : nil }

    /// How many clients this counts as.
    package var worth: Int { family == .ipv6Site ? Self.sitesWorth : 1 }

    /// The network that is written down in place of a client, so that no line tells one client from its neighbours: the /24 of an IPv4 address, or the
    /// /48 of an IPv6 address. `nil` for clients whose address is not known.
    package var neighborhood: String? {
        switch family {
        case .ipv4: Self(family: .ipv4, bits: bits & ~0xFF).description + "/24"
        case .ipv6, .ipv6Site: Self(siteOf: bits).description
        case .unknown: nil
        }
    }

    package var description: String {
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * (count - 1 - $0))) } }
        return switch family {
        case .ipv4: IPAddress(bytes: bytes(4))?.description ?? ""
        case .ipv6, .ipv6Site:
            "\(IPAddress(bytes: bytes(8) + [UInt8](repeating: 0, count: 8))?.description ?? "")/\(family == .ipv6 ? 64 : 48)"
        case .unknown: "unknown"
        }
    }
}
