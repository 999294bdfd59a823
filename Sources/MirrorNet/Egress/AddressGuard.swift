package import MirrorCore

/// Decides whether the mirror may connect to a name or an address: only to the public internet, unless the operator allows more.
package struct AddressGuard: Sendable, Equatable {
    /// Networks that are allowed although the guard would refuse them.
    package let allowed: [IPNetwork]

    package init(allowed: [IPNetwork] = []) {
        self.allowed = allowed
    }

    /// Checks what can be checked without a name server: names that are refused whatever they resolve to, and hosts that are
    /// addresses.
    ///
    /// A name that would be refused may pass if networks are allowed; then ``check(_:of:)`` decides.
    package func check(host: String) throws(EgressRefusal) {
        if let address = IPAddress(host) {
            _ = try check([address], of: host)
        } else if allowed.isEmpty, Self.isRefused(name: host) {
            throw Self.refusal(ofName: host)
        }
    }

    /// Checks every address of a host. One address that is not public is enough to refuse the host, because its name server chooses the order.
    ///
    /// - Returns: The addresses to connect to, IPv4-mapped ones as IPv4.
    package func check(_ addresses: [IPAddress], of host: String) throws(EgressRefusal) -> [IPAddress] {
        let unmapped = addresses.map { $0.mappedIPv4 ?? $0 }
        if Self.isRefused(name: host), !unmapped.allSatisfy(isAllowed) { throw Self.refusal(ofName: host) }
        for address in unmapped where !isAllowed(address) {
            guard let reason = Self.reason(toRefuse: address) else { continue }
            throw EgressRefusal(
                reason, "\(host) has \(reason.addressKind) address; add its network to origins.allowAddresses if that is intended",
                address: address)
        }
        return unmapped
    }

    /// - Returns: `nil` for an address of the public internet.
    package static func reason(toRefuse address: IPAddress) -> EgressRefusal.Reason? {
        if let range = AddressRanges.refused.first(where: { $0.network.contains(address) }) { return range.reason }
        guard address.isIPv6 else { return nil }
        if let translated = address.mappedIPv4 ?? address.nat64IPv4 { return reason(toRefuse: translated) }
        // Tunnels may end anywhere, so they are refused in any case; the IPv4 address within only makes the reason more exact.
        if let inner = address.tunnelledIPv4 { return inner.lazy.compactMap(reason).first ?? .tunnel }
        // Anything but global unicast is refused, assigned or not: a kernel may still have a route to it.
        return address.isGlobalUnicast ? nil : .reserved
    }

    private func isAllowed(_ address: IPAddress) -> Bool {
        allowed.contains { $0.contains(address) }
    }

    private static func isRefused(name: String) -> Bool {
        name == "localhost" || name.hasSuffix(".localhost") || name == "metadata.google.internal"
    }

    private static func refusal(ofName host: String) -> EgressRefusal {
        EgressRefusal(
            .name, "the host name \(host) is not allowed; if it is intended, add the network of its address to origins.allowAddresses")
    }
}

extension EgressRefusal.Reason {
    fileprivate var addressKind: String {
        switch self {
        case .loopback: "a loopback"
        case .privateUse: "a private"
        case .linkLocal: "a link-local"
        case .shared: "a carrier-grade NAT"
        case .metadata: "a cloud metadata"
        case .multicast: "a multicast"
        case .documentation: "a documentation"
        case .tunnel: "a tunnel"
        case .reserved, .notListed, .plainHTTP, .downgrade, .traversal, .name: "a reserved"
        }
    }
}
