import MirrorCore

/// The special-purpose address registries of IANA (RFC 6890 and its updates), and the metadata services of the clouds, which give
/// credentials to any process on the machine.
enum AddressRanges {
    /// The first match gives the reason, so single addresses come before their networks.
    static let refused: [(network: IPNetwork, reason: EgressRefusal.Reason)] = table.compactMap { text, reason in
        IPNetwork(text).map { (network: $0, reason: reason) }
    }

    static let table: [(String, EgressRefusal.Reason)] = [
        // AWS, Google, Azure, Oracle; ECS and EKS; Azure's wire server, which is a public address; Alibaba; Oracle's old one.
        ("169.254.169.254", .metadata), ("169.254.170.2", .metadata), ("169.254.170.23", .metadata),
        ("168.63.129.16", .metadata), ("100.100.100.200", .metadata), ("192.0.0.192", .metadata),
        ("fd00:ec2::254", .metadata), ("fd00:ec2::23", .metadata), ("fd20:ce::254", .metadata),

        ("0.0.0.0/8", .reserved),
        ("10.0.0.0/8", .privateUse),
        ("100.64.0.0/10", .shared),
        ("127.0.0.0/8", .loopback),
        ("169.254.0.0/16", .linkLocal),
        ("172.16.0.0/12", .privateUse),
        ("192.0.0.0/24", .reserved),
        ("192.0.2.0/24", .documentation),
        ("192.88.99.0/24", .tunnel),
        ("192.168.0.0/16", .privateUse),
        ("198.18.0.0/15", .reserved),
        ("198.51.100.0/24", .documentation),
        ("203.0.113.0/24", .documentation),
        ("224.0.0.0/4", .multicast),
        ("240.0.0.0/4", .reserved),

        ("::", .reserved),
        ("::1", .loopback),
        ("100::/64", .reserved),
        ("2001:db8::/32", .documentation),
        ("3fff::/20", .documentation),
        ("5f00::/16", .reserved),
        ("fc00::/7", .privateUse),
        ("fe80::/10", .linkLocal),
        ("fec0::/10", .privateUse),
        ("ff00::/8", .multicast),
    ]

    /// The range that IANA assigns to the public internet (RFC 4291 §2.4, IANA "IPv6 Global Unicast Address Assignments").
    static let globalUnicast = IPNetwork("2000::/3")
    static let ipv4Compatible = IPNetwork("::/96")
    static let ipv4Mapped = IPNetwork("::ffff:0:0/96")
    static let ipv4Translated = IPNetwork("::ffff:0:0:0/96")
    static let nat64 = IPNetwork("64:ff9b::/96")
    static let localNAT64 = IPNetwork("64:ff9b:1::/48")
    static let teredo = IPNetwork("2001::/32")
    static let ietfProtocols = IPNetwork("2001::/23")
    static let sixToFour = IPNetwork("2002::/16")
}

extension IPAddress {
    /// Whether an IPv6 address belongs to the public internet.
    var isGlobalUnicast: Bool { isWithin(AddressRanges.globalUnicast) }

    /// The IPv4 address in an IPv4-mapped address (RFC 4291 §2.5.5.2).
    var mappedIPv4: IPAddress? {
        isWithin(AddressRanges.ipv4Mapped) ? ipv4(at: 12) : nil
    }

    /// The IPv4 address behind a NAT64 (RFC 6052): on an IPv6-only network the name server (DNS64) returns such addresses for all IPv4 hosts.
    var nat64IPv4: IPAddress? {
        isWithin(AddressRanges.nat64) ? ipv4(at: 12) : nil
    }

    /// The IPv4 addresses in an address for carrying IPv6 over IPv4; `nil` for any other address.
    var tunnelledIPv4: [IPAddress]? {
        guard isIPv6 else { return nil }
        // RFC 4291 §2.5.5.1, and RFC 2765 §2.1 (SIIT).
        if isWithin(AddressRanges.ipv4Compatible) || isWithin(AddressRanges.ipv4Translated) { return [ipv4(at: 12)].compactMap(\.self) }
        // RFC 8215. The position of the IPv4 address depends on the length of the operator's prefix (RFC 6052 §2.2): 48, 56, 64 or 96.
        if isWithin(AddressRanges.localNAT64) {
            return [[6, 7, 9, 10], [7, 9, 10, 11], [9, 10, 11, 12], [12, 13, 14, 15]].compactMap { places in
                IPAddress(bytes: places.map { bytes[$0] })
            }
        }
        if isWithin(AddressRanges.sixToFour) { return [ipv4(at: 2)].compactMap(\.self) }
        // RFC 4380 §4: the server's address, and the client's with every bit inverted.
        if isWithin(AddressRanges.teredo) {
            return [ipv4(at: 4), IPAddress(bytes: bytes[12..<16].map { ~$0 })].compactMap(\.self)
        }
        if isWithin(AddressRanges.ietfProtocols) { return [] }
        // ISATAP (RFC 5214 §6.1): the interface identifier is [02]00:5efe and the IPv4 address.
        if bytes[8] & 0xFD == 0, bytes[9] == 0, bytes[10] == 0x5E, bytes[11] == 0xFE { return [ipv4(at: 12)].compactMap(\.self) }
        return nil
    }

    private func isWithin(_ network: IPNetwork?) -> Bool { network?.contains(self) ?? false }

    private func ipv4(at place: Int) -> IPAddress? { IPAddress(bytes: Array(bytes[place..<place + 4])) }
}
