import MirrorCore
import Testing

@testable import MirrorNet

@Suite struct AddressGuardTests {
    /// First and last address of a range, and their neighbours outside with the reason that those are refused for, `nil` if not at all.
    struct Border: Sendable, CustomTestStringConvertible {
        let first: String
        let last: String
        let reason: EgressRefusal.Reason
        var before: (String, EgressRefusal.Reason?)?
        var after: (String, EgressRefusal.Reason?)?

        init(
            _ first: String, _ last: String, _ reason: EgressRefusal.Reason, before: (String, EgressRefusal.Reason?)? = nil,
            after: (String, EgressRefusal.Reason?)? = nil
        ) {
            self.first = first
            self.last = last
            self.reason = reason
            self.before = before
            self.after = after
        }

        var testDescription: String { "\(first)...\(last)" }
    }

    @Test(
        "Each range is refused from its first address to its last, and its neighbours are not",
        arguments: [
            Border("0.0.0.0", "0.255.255.255", .reserved, after: ("1.0.0.0", nil)),
            Border("10.0.0.0", "10.255.255.255", .privateUse, before: ("9.255.255.255", nil), after: ("11.0.0.0", nil)),
            Border("100.64.0.0", "100.127.255.255", .shared, before: ("100.63.255.255", nil), after: ("100.128.0.0", nil)),
            Border("127.0.0.0", "127.255.255.255", .loopback, before: ("126.255.255.255", nil), after: ("128.0.0.0", nil)),
            Border("169.254.0.0", "169.254.255.255", .linkLocal, before: ("169.253.255.255", nil), after: ("169.255.0.0", nil)),
            Border("172.16.0.0", "172.31.255.255", .privateUse, before: ("172.15.255.255", nil), after: ("172.32.0.0", nil)),
            Border("192.0.0.0", "192.0.0.255", .reserved, before: ("191.255.255.255", nil), after: ("192.0.1.0", nil)),
            Border("192.0.2.0", "192.0.2.255", .documentation, before: ("192.0.1.255", nil), after: ("192.0.3.0", nil)),
            Border("192.88.99.0", "192.88.99.255", .tunnel, before: ("192.88.98.255", nil), after: ("192.88.100.0", nil)),
            Border("192.168.0.0", "192.168.255.255", .privateUse, before: ("192.167.255.255", nil), after: ("192.169.0.0", nil)),
            Border("198.18.0.0", "198.19.255.255", .reserved, before: ("198.17.255.255", nil), after: ("198.20.0.0", nil)),
            Border("198.51.100.0", "198.51.100.255", .documentation, before: ("198.51.99.255", nil), after: ("198.51.101.0", nil)),
            Border("203.0.113.0", "203.0.113.255", .documentation, before: ("203.0.112.255", nil), after: ("203.0.114.0", nil)),
            Border("224.0.0.0", "239.255.255.255", .multicast, before: ("223.255.255.255", nil), after: ("240.0.0.0", .reserved)),
            Border("240.0.0.0", "255.255.255.255", .reserved, before: ("239.255.255.255", .multicast)),
            // IPv4 metadata services.
            Border(
                "169.254.169.254", "169.254.169.254", .metadata, before: ("169.254.169.253", .linkLocal),
                after: ("169.254.169.255", .linkLocal)),
            Border(
                "169.254.170.2", "169.254.170.2", .metadata, before: ("169.254.170.1", .linkLocal), after: ("169.254.170.3", .linkLocal)),
            Border(
                "169.254.170.23", "169.254.170.23", .metadata, before: ("169.254.170.22", .linkLocal), after: ("169.254.170.24", .linkLocal)
            ),
            Border("168.63.129.16", "168.63.129.16", .metadata, before: ("168.63.129.15", nil), after: ("168.63.129.17", nil)),
            Border(
                "100.100.100.200", "100.100.100.200", .metadata, before: ("100.100.100.199", .shared), after: ("100.100.100.201", .shared)),
            Border("192.0.0.192", "192.0.0.192", .metadata, before: ("192.0.0.191", .reserved), after: ("192.0.0.193", .reserved)),
            // IPv6.
            Border("::", "::", .reserved, after: ("::1", .loopback)),
            Border("::1", "::1", .loopback, before: ("::", .reserved), after: ("::2", .reserved)),
            Border("::2", "::ff:ffff", .reserved),
            Border("::0.0.0.2", "::255.255.255.255", .reserved, after: ("::1:0:0", .reserved)),
            Border(
                "100::", "100::ffff:ffff:ffff:ffff", .reserved, before: ("ff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved),
                after: ("100:0:0:1::", .reserved)),
            Border(
                "64:ff9b:1::", "64:ff9b:1:ffff:ffff:ffff:ffff:ffff", .reserved, before: ("64:ff9b:0:ffff:ffff:ffff:ffff:ffff", .reserved),
                after: ("64:ff9b:2::", .reserved)),
            Border(
                "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff", .documentation,
                before: ("2001:db7:ffff:ffff:ffff:ffff:ffff:ffff", nil), after: ("2001:db9::", nil)),
            Border(
                "3fff::", "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff", .documentation,
                before: ("3ffe:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nil), after: ("3fff:1000::", nil)),
            // Not the public internet, whatever stands in it: all but 2000::/3.
            Border("0:1::", "1fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved, after: ("2000::", nil)),
            Border(
                "4000::", "5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved, before: ("3fff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nil)),
            Border("5f01::", "fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved, after: ("fc00::", .privateUse)),
            Border("fe00::", "fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved, after: ("fe80::", .linkLocal)),
            Border(
                "5f00::", "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved,
                before: ("5eff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved),
                after: ("5f01::", .reserved)),
            Border(
                "fc00::", "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .privateUse,
                before: ("fbff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved),
                after: ("fe00::", .reserved)),
            Border(
                "fe80::", "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .linkLocal,
                before: ("fe7f:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .reserved),
                after: ("fec0::", .privateUse)),
            Border(
                "fec0::", "feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .privateUse,
                before: ("febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .linkLocal), after: ("ff00::", .multicast)),
            Border(
                "ff00::", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .multicast,
                before: ("feff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", .privateUse)),
            Border(
                "fd00:ec2::254", "fd00:ec2::254", .metadata, before: ("fd00:ec2::253", .privateUse), after: ("fd00:ec2::255", .privateUse)),
            Border("fd00:ec2::23", "fd00:ec2::23", .metadata, before: ("fd00:ec2::22", .privateUse), after: ("fd00:ec2::24", .privateUse)),
            Border("fd20:ce::254", "fd20:ce::254", .metadata, before: ("fd20:ce::253", .privateUse), after: ("fd20:ce::255", .privateUse)),
        ])
    func border(_ border: Border) throws {
        #expect(try reason(border.first) == border.reason)
        #expect(try reason(border.last) == border.reason)
        if let (address, expected) = border.before { #expect(try reason(address) == expected, "before the range: \(address)") }
        if let (address, expected) = border.after { #expect(try reason(address) == expected, "behind the range: \(address)") }
    }

    @Test(
        "An IPv4 address is found in every form of IPv6 that carries one",
        arguments: [
            // Mapped, in both spellings.
            ("::ffff:127.0.0.1", .loopback), ("::ffff:a00:1", .privateUse), ("::ffff:169.254.169.254", .metadata),
            ("::ffff:168.63.129.16", .metadata),
            ("::ffff:8.8.8.8", nil),
            // Compatible.
            ("::10.0.0.1", .privateUse), ("::127.0.0.1", .loopback), ("::8.8.8.8", .tunnel), ("::169.254.169.254", .metadata),
            // NAT64, the well-known prefix: as good as what is behind it.
            ("64:ff9b::10.0.0.1", .privateUse), ("64:ff9b::7f00:1", .loopback), ("64:ff9b::a9fe:a9fe", .metadata),
            ("64:ff9b::8.8.8.8", nil),
            ("64:ff9b::1:a00:1", .reserved), ("64:ff9b:0:1::a00:1", .reserved),
            // Translated (SIIT).
            ("::ffff:0:10.0.0.1", .privateUse), ("::ffff:0:169.254.169.254", .metadata), ("::ffff:0:8.8.8.8", .tunnel),
            // Networks that were never assigned, or no more.
            ("200::1", .reserved), ("3ffe::1", nil), ("400::a9fe:a9fe", .reserved), ("fe00::1", .reserved), ("1::7f00:1", .reserved),
            // NAT64, the local prefix, with the address at each of its places.
            ("64:ff9b:1::10.0.0.1", .reserved), ("64:ff9b:1:a00:0:100::", .privateUse), ("64:ff9b:1:808:8:808:808:808", .tunnel),
            // 6to4.
            ("2002:a00:1::", .privateUse), ("2002:7f00:1::1", .loopback), ("2002:a9fe:a9fe::", .metadata), ("2002:808:808::1", .tunnel),
            ("2001:ffff:ffff:ffff:ffff:ffff:ffff:ffff", nil), ("2003::", nil),
            // Teredo: the server, and the client with its bits turned over (f5ff:fffe is 10.0.0.1).
            ("2001:0:a00:1::f7f7:f7f7", .privateUse), ("2001:0:808:808::f5ff:fffe", .privateUse), ("2001:0:808:808::f7f7:f7f7", .tunnel),
            ("2001:0:808:808::5601:5601", .metadata),
            // The rest of 2001::/23, and its neighbour, where public networks begin.
            ("2001:1::1", .tunnel), ("2001:10::1", .tunnel), ("2001:20::1", .tunnel), ("2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff", .tunnel),
            ("2001:200::", nil),
            // ISATAP, with the local and the global interface identifier.
            ("2400:1::5efe:a00:1", .privateUse), ("2400:1::200:5efe:a9fe:a9fe", .metadata), ("2400:1::200:5efe:808:808", .tunnel),
            ("2400:1::5eff:a00:1", nil), ("2400:1::400:5efe:a00:1", nil),
            // Plain public addresses.
            ("2606:4700::6810:84e5", nil), ("2a00:1450:4001:80e::200e", nil), ("8.8.8.8", nil), ("52.219.0.1", nil),
        ] as [(String, EgressRefusal.Reason?)])
    func embedded(_ address: String, _ expected: EgressRefusal.Reason?) throws {
        #expect(try reason(address) == expected)
    }

    @Test func everyLineOfTheTableIsANetwork() {
        #expect(AddressRanges.refused.count == AddressRanges.table.count)
        for network in [
            AddressRanges.globalUnicast, AddressRanges.ipv4Compatible, AddressRanges.ipv4Mapped, AddressRanges.ipv4Translated,
            AddressRanges.nat64, AddressRanges.localNAT64, AddressRanges.teredo,
            AddressRanges.ietfProtocols, AddressRanges.sixToFour,
        ] {
            #expect(network != nil)
        }
    }

    @Test func oneBadAddressRefusesTheHost() throws {
        let addresses = try ["8.8.8.8", "10.0.0.1"].map { try #require(IPAddress($0)) }
        for list in [addresses, addresses.reversed()] {
            let refusal = #expect(throws: EgressRefusal.self) { try AddressGuard().check(list, of: "a.example") }
            #expect(refusal?.reason == .privateUse)
            #expect(refusal?.address == addresses[1])
            #expect(refusal?.message.contains("origins.allowAddresses") == true)
            #expect(refusal?.message.contains("10.0.0.1") == false, "the message may go to a client")
        }
        #expect(try AddressGuard().check([addresses[0]], of: "a.example") == [addresses[0]])
    }

    @Test func anAllowedNetworkWinsForTheAddressAsConnectedTo() throws {
        let network = try #require(IPNetwork("10.0.0.0/8"))
        let addressGuard = AddressGuard(allowed: [network])
        let inside = try #require(IPAddress("10.1.2.3"))
        #expect(try addressGuard.check([inside], of: "a.example") == [inside])
        // Connecting to a mapped address is connecting to the IPv4 address.
        #expect(try addressGuard.check([try #require(IPAddress("::ffff:10.1.2.3"))], of: "a.example") == [inside])
        for outside in ["127.0.0.1", "::10.1.2.3", "64:ff9b::10.1.2.3", "2002:a01:203::"] {
            #expect(throws: EgressRefusal.self) { try addressGuard.check([try #require(IPAddress(outside))], of: "a.example") }
        }
    }

    @Test(
        "Some names are refused before they are resolved",
        arguments: ["localhost", "a.localhost", "a.b.localhost", "metadata.google.internal"])
    func names(_ name: String) throws {
        let refusal = #expect(throws: EgressRefusal.self) { try AddressGuard().check(host: name) }
        #expect(refusal?.reason == .name)
        // Whatever it resolves to.
        let publicAddress = try #require(IPAddress("8.8.8.8"))
        #expect(throws: EgressRefusal.self) { try AddressGuard().check([publicAddress], of: name) }
        // An operator who allows the address means it; the name alone is then not enough to tell.
        let addressGuard = AddressGuard(allowed: [try #require(IPNetwork("127.0.0.0/8"))])
        try addressGuard.check(host: name)
        _ = try addressGuard.check([try #require(IPAddress("127.0.0.1"))], of: name)
        #expect(throws: EgressRefusal.self) { try addressGuard.check([publicAddress], of: name) }
    }

    @Test(
        "Other names are left to their addresses",
        arguments: ["localhost.example", "mylocalhost", "google.internal", "metadata", "example.org"])
    func otherNames(_ name: String) throws {
        try AddressGuard().check(host: name)
    }

    @Test func aHostThatIsAnAddressIsCheckedAtOnce() {
        #expect(throws: EgressRefusal.self) { try AddressGuard().check(host: "127.0.0.1") }
        #expect(throws: EgressRefusal.self) { try AddressGuard().check(host: "::1") }
        #expect(throws: Never.self) { try AddressGuard().check(host: "8.8.8.8") }
    }

    private func reason(_ address: String) throws -> EgressRefusal.Reason? {
        AddressGuard.reason(toRefuse: try #require(IPAddress(address)))
    }
}
