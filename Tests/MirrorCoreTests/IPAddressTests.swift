import MirrorCore
import Testing

@Suite struct IPAddressTests {
    @Test(
        "An address is read and written",
        arguments: [
            ("127.0.0.1", "127.0.0.1"), ("255.255.255.255", "255.255.255.255"), ("0.0.0.0", "0.0.0.0"), ("::", "::"), ("::1", "::1"),
            ("2001:DB8:0:0:0:0:0:1", "2001:db8::1"), ("::ffff:1.2.3.4", "::ffff:1.2.3.4"), ("fe80::1", "fe80::1"),
            ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("64:ff9b::c000:201", "64:ff9b::c000:201"),
            ("0000:0000:0000:0000:0000:ffff:255.255.255.255", "::ffff:255.255.255.255"),
        ])
    func reads(_ text: String, _ canonical: String) throws {
        let address = try #require(IPAddress(text))
        #expect(address.description == canonical)
        #expect(address.isIPv6 == text.contains(":"))
        #expect(address.bytes.count == (address.isIPv6 ? 16 : 4))
        #expect(IPAddress(bytes: address.bytes) == address)
    }

    @Test(
        "Odd spellings are not addresses",
        arguments: [
            "", " ", "1", "1.2", "1.2.3", "1.2.3.4.5", "01.2.3.4", "1.2.3.04", "0x1.2.3.4", "1.2.3.256", "1.2.3.-4", "+1.2.3.4", " 1.2.3.4",
            "1.2.3.4 ",
            "1.2.3.4\u{0}", "1.2.3.4\u{0}.example.org", "1.2.3.4\n", "[::1]", "::1%lo", "fe80::1%25eth0", ":::", "1::2::3", "12345::",
            "::g", "1:2:3:4:5:6:7",
            "1:2:3:4:5:6:7:8:9", "00000:0000:0000:0000:0000:ffff:255.255.255.255", "localhost", "１.2.3.4", "1.2.3.4/8",
        ])
    func refuses(_ text: String) {
        #expect(IPAddress(text) == nil)
    }

    @Test("An IPv4-mapped address stands for the IPv4 address, and any other for itself")
    func unmaps() throws {
        #expect(try #require(IPAddress("::ffff:10.1.2.3")).unmapped == IPAddress("10.1.2.3"))
        for text in ["10.1.2.3", "::10.1.2.3", "::ffff:0:10.1.2.3", "1::ffff:10.1.2.3"] {
            let address = try #require(IPAddress(text))
            #expect(address.unmapped == address)
        }
    }

    @Test(
        "The addresses of this machine itself are 127.0.0.0/8 and ::1, also when they are mapped",
        arguments: [
            ("127.0.0.1", true), ("127.255.0.9", true), ("::1", true), ("::ffff:127.0.0.1", true), ("126.255.255.255", false),
            ("128.0.0.1", false), ("::2", false), ("::", false), ("1::1", false), ("::ffff:10.0.0.1", false),
        ])
    func loopback(text: String, isLoopback: Bool) throws {
        #expect(try #require(IPAddress(text)).isLoopback == isLoopback)
    }

    @Test("Only 4 or 16 bytes are an address", arguments: [0, 1, 3, 5, 8, 15, 17])
    func byteCount(_ count: Int) {
        #expect(IPAddress(bytes: [UInt8](repeating: 1, count: count)) == nil)
    }

    @Test(
        "A network holds the addresses within and no other",
        arguments: [
            ("10.0.0.0/8", "10.0.0.0", true), ("10.0.0.0/8", "10.255.255.255", true), ("10.0.0.0/8", "9.255.255.255", false),
            ("10.0.0.0/8", "11.0.0.0", false), ("100.64.0.0/10", "100.127.255.255", true), ("100.64.0.0/10", "100.128.0.0", false),
            ("100.64.0.0/10", "100.63.255.255", false), ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.6", false),
            ("192.0.2.6/31", "192.0.2.7", true),
            ("192.0.2.6/31", "192.0.2.8", false), ("0.0.0.0/0", "255.1.2.3", true), ("0.0.0.0/0", "::1", false), ("::/0", "ffff::1", true),
            ("::/0", "1.2.3.4", false),
            ("fc00::/7", "fdff:ffff::1", true), ("fc00::/7", "fe00::", false), ("::ffff:0:0/96", "::ffff:1.2.3.4", true),
            ("10.0.0.0/8", "::ffff:10.0.0.1", false),
            ("2001:db8::/33", "2001:db8:7fff::", true), ("2001:db8::/33", "2001:db8:8000::", false),
        ])
    func contains(_ network: String, _ address: String, _ isWithin: Bool) throws {
        let network = try #require(IPNetwork(network))
        #expect(network.contains(try #require(IPAddress(address))) == isWithin)
    }

    @Test(
        "What is no network is refused",
        arguments: [
            "", "/", "/8", "10.0.0.0/", "10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/+8", "10.0.0.0/8/8", "10.1.0.0/8", "10.0.0.1/31",
            "::1/127", "10.0.0.0/a",
            "10.0.0.0/99999999999999999999", "10/8", "10.0.0.0/ 8", "10.0.0.0/٨",
        ])
    func refusesNetwork(_ text: String) {
        #expect(IPNetwork(text) == nil)
    }

    @Test(
        "A network of IPv4-mapped addresses stands for an IPv4 network, and any other for itself",
        arguments: [
            ("::ffff:10.0.0.0/104", "10.0.0.0/8"), ("::ffff:192.0.2.7", "192.0.2.7/32"), ("::ffff:0:0/96", "0.0.0.0/0"),
            ("::ffff:0:0/127", "0.0.0.0/31"), ("10.0.0.0/8", "10.0.0.0/8"), ("2001:db8::/32", "2001:db8::/32"), ("::/0", "::/0"),
            ("::/96", "::/96"), ("::fffe:0:0/95", "::fffe:0:0/95"),
        ])
    func unmapsNetwork(_ text: String, _ expected: String) {
        #expect(IPNetwork(text)?.unmapped.description == expected)
    }

    @Test func aNetworkIsWrittenWithItsLength() {
        #expect(IPNetwork("10.0.0.0/8")?.description == "10.0.0.0/8")
        #expect(IPNetwork("192.0.2.1")?.description == "192.0.2.1/32")
        #expect(IPNetwork("2001:DB8::/32")?.description == "2001:db8::/32")
    }
}
