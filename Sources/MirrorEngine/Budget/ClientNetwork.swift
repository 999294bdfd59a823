package import MirrorCore

/// Whom a budget is for: a client's IPv4 address, or the /64 that its IPv6 address is in, of which one client has all addresses.
package struct ClientNetwork: Sendable, Hashable, CustomStringConvertible {
    private enum Family: UInt8 { case ipv4, ipv6, unknown }

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

    package var description: String {
        func bytes(_ count: Int) -> [UInt8] { (0..<count).map { UInt8(truncatingIfNeeded: bits >> (8 * (count - 1 - $0))) } }
        return switch family {
        case .ipv4: IPAddress(bytes: bytes(4))?.description ?? ""
        case .ipv6: "\(IPAddress(bytes: bytes(8) + [UInt8](repeating: 0, count: 8))?.description ?? "")/64"
        case .unknown: "unknown"
        }
    }
}
