import MirrorCore
import Testing

@testable import MirrorEngine

@Suite("Choosing the pool")
struct PoolSelectorTests {
    private func pool(_ text: String) throws -> PoolID { try #require(PoolID(text)) }
    private func network(_ text: String) throws -> IPNetwork { try #require(IPNetwork(text)) }
    private func address(_ text: String) throws -> IPAddress { try #require(IPAddress(text)) }

    private func selector(_ header: ProxyHeader = .xForwardedFor) throws -> PoolSelector {
        var selection = SelectionConfiguration(
            networks: [
                (try network("10.0.0.0/8"), try pool("s3/wide")), (try network("10.1.2.0/24"), try pool("s3/narrow")),
                (try network("10.1.0.0/16"), try pool("s3/middle")), (try network("2001:db8::/32"), try pool("s3/six")),
                (try network("10.1.2.3/32"), try pool("s3/one")),
            ],
            trustedProxies: [try network("192.168.0.0/16"), try network("::1/128")], fallback: try pool("s3/other"))
        selection.proxyHeader = header
        return PoolSelector(selection)
    }

    @Test(
        "The longest network that holds the client decides, else the default",
        arguments: [
            ("10.9.9.9", "s3/wide"), ("10.1.9.9", "s3/middle"), ("10.1.2.9", "s3/narrow"), ("10.1.2.3", "s3/one"),
            ("2001:db8::1", "s3/six"),
            ("11.0.0.1", "s3/other"), ("2001:db9::1", "s3/other"),
        ])
    func longest(client: String, expected: String) throws {
        let (pool, reason) = try selector().choice(for: address(client))
        #expect(pool?.description == expected)
        #expect(reason == (expected == "s3/other" ? .fallback : .network))
    }

    @Test("Without a client, or a default, there is the default, or none")
    func fallback() throws {
        let unknown = try selector().choice(for: nil)
        #expect(try unknown.pool == pool("s3/other"))
        #expect(unknown.reason == .fallback)
        let none = PoolSelector(SelectionConfiguration()).choice(for: try address("10.0.0.1"))
        #expect(none.pool == nil)
        #expect(none.reason == .fallback)
    }

    @Test(
        "This machine and trusted proxies stand for many clients, who take nobody's share",
        arguments: [
            ("127.0.0.1", nil), ("127.9.9.9", nil), ("::1", nil), ("192.168.7.7", nil), ("10.1.2.3", "10.1.2.3"),
            ("2001:db8:1:2::7", "2001:db8:1:2::/64"),
            (nil, "unknown"),
        ] as [(String?, String?)])
    func sharers(client: String?, expected: String?) throws {
        #expect(try selector().sharer(client.map(address))?.description == expected)
    }

    @Test(
        "X-Forwarded-For counts only as far as trusted proxies wrote it",
        arguments: [
            // Nobody's proxy: the field is the client's own invention.
            ("203.0.113.5", ["10.1.2.3"], "203.0.113.5"),
            ("192.168.1.1", ["203.0.113.5"], "203.0.113.5"),
            // What stands to the left of the first address that is no proxy's came from there, true or not.
            ("192.168.1.1", ["10.1.2.3", "203.0.113.5"], "203.0.113.5"),
            ("192.168.1.1", ["10.1.2.3", "203.0.113.5", "192.168.9.9"], "203.0.113.5"),
            ("192.168.1.1", ["192.168.2.2", "192.168.3.3"], "192.168.2.2"),
            ("192.168.1.1", [], "192.168.1.1"),
            ("::1", [" 2001:db8::7\t"], "2001:db8::7"),
            ("192.168.1.1", ["unknown"], "192.168.1.1"),
            ("192.168.1.1", ["10.1.2.3", "garbage", "192.168.2.2"], "192.168.2.2"),
            ("192.168.1.1", ["10.1.2.3", "", " "], "10.1.2.3"),
            ("192.168.1.1", ["010.1.2.3"], "192.168.1.1"),
        ] as [(String, [String], String)])
    func forwarded(peer: String, field: [String], expected: String) throws {
        #expect(try selector().client(peer: address(peer), values: { _ in field }) == address(expected))
        // One field or several, that is the same.
        #expect(try selector().client(peer: address(peer), values: { _ in [field.joined(separator: ",")] }) == address(expected))
    }

    @Test(
        "The elements of X-Forwarded-For are told apart whatever a client has put in front of its proxy's",
        arguments: [
            ("10.0.0.1,192.0.2.7", "192.0.2.7"), (", ,10.1.2.3", "10.1.2.3"), ("10.1.2.3,,192.168.2.2,", "10.1.2.3"), ("", "192.168.1.1"),
            (",", "192.168.1.1"),
            // Characters with which a comma would be one, before it and behind it.
            ("10.0.0.1\u{600},192.0.2.7", "192.0.2.7"), ("10.0.0.1,\u{301}x", "192.168.1.1"),
            ("10.0.0.1,\u{301}x,192.168.2.2", "192.168.2.2"),
        ])
    func elements(value: String, expected: String) throws {
        #expect(try selector().client(peer: address("192.168.1.1"), values: { _ in [value] }) == address(expected))
    }

    @Test(
        "An address is read in every spelling that proxies use, and what they do not tell makes the proxy the client",
        arguments: [
            ("10.1.2.3:51234", "10.1.2.3"), ("10.1.2.3:0", "10.1.2.3"), ("10.1.2.3:65535", "10.1.2.3"), (" 10.1.2.3:1\t", "10.1.2.3"),
            ("\"10.1.2.3\"", "10.1.2.3"), ("\"10.1.2.3:51234\"", "10.1.2.3"), ("10.1.2.3:_port", "10.1.2.3"),
            ("2001:db8::1", "2001:db8::1"), ("[2001:db8::1]", "2001:db8::1"), ("[2001:db8::1]:443", "2001:db8::1"),
            ("\"[2001:db8::1]:443\"", "2001:db8::1"), ("[2001:DB8:0::1]", "2001:db8::1"), ("[2001:db8::1]:_x", "2001:db8::1"),
            ("2001:db8::1:443", "2001:db8::1:443"),
            ("::ffff:10.1.2.3", "10.1.2.3"), ("[::ffff:10.1.2.3]:51234", "10.1.2.3"),
            ("fe80::1%eth0", "fe80::1"), ("[fe80::1%25eth0]:80", "fe80::1"),
            // Not told, or not to be read.
            ("unknown", nil), ("\"unknown\"", nil), ("_hidden", nil), ("_SEVKISEK:80", nil), ("example.org", nil), ("example.org:80", nil),
            ("10.1.2.3:65536", nil), ("10.1.2.3:99999999999999999999", nil), ("10.1.2.3:", nil), ("10.1.2.3:x", nil), ("10.1.2.3:-1", nil),
            ("10.1.2.3:+1", nil), ("10.1.2.3:1:2", nil), ("10.1.2.3 :1", nil), ("10.1.2.3: 1", nil), ("10.1.2.3:\u{0661}", nil),
            ("10.1.2.3:_", nil), ("10.1.2.3/32", nil), ("10.1.2.3%eth0", nil), ("[10.1.2.3]", nil), ("[10.1.2.3]:80", nil),
            ("[2001:db8::1", nil), ("2001:db8::1]", nil), ("[2001:db8::1]443", nil), ("[2001:db8::1]:", nil), ("[2001:db8::1]:443:1", nil),
            ("[]", nil), ("[]:80", nil), ("[", nil), (":", nil), (":80", nil), ("\"", nil), ("\"\"", nil), ("\"10.1.2.3", nil),
            ("10.1.2.3\"", nil), ("'10.1.2.3'", nil), ("fe80::1%", nil), ("fe80::1%a b", nil), ("[fe80::1%]", nil), ("é", nil),
            ("\u{0}", nil),
            ("10.1.2.3\u{0}", nil), ("for=10.1.2.3", nil), ("10.1.2.3;proto=https", nil),
        ] as [(String, String?)])
    func spellings(element: String, expected: String?) throws {
        let client = try selector().client(peer: address("192.168.1.1"), values: { _ in ["203.0.113.5", element, "192.168.2.2"] })
        #expect(try client == address(expected ?? "192.168.2.2"))
        // A stranger's field is not read, however it is written.
        #expect(try selector().client(peer: address("203.0.113.5"), values: { _ in [element] }) == address("203.0.113.5"))
    }

    @Test(
        "A connection's requests can be for different pools only behind a trusted proxy, and where networks are named",
        arguments: [("192.168.7.7", true), ("::1", true), ("10.1.2.3", false), ("127.0.0.1", false), (nil, false)] as [(String?, Bool)])
    func dependsOnProxy(peer: String?, expected: Bool) throws {
        let selector = try selector()
        #expect(try selector.dependsOnProxy(peer.map(address)) == expected)
        let other = PoolSelector(
            SelectionConfiguration(trustedProxies: selector.selection.trustedProxies, fallback: selector.selection.fallback))
        #expect(try other.dependsOnProxy(peer.map(address)) == false)
    }

    @Test(
        "Forwarded counts only as far as trusted proxies wrote it, and only where it is the field that they write",
        arguments: [
            ("for=10.1.2.3", "10.1.2.3"), ("For=\"10.1.2.3:51234\"", "10.1.2.3"), ("FOR=\"[2001:db8::1]:443\"", "2001:db8::1"),
            ("proto=https;for=10.1.2.3;by=203.0.113.4", "10.1.2.3"), ("proto=https ; for = 10.1.2.3 ; by=_x", "10.1.2.3"),
            ("for=203.0.113.5, for=10.1.2.3", "10.1.2.3"), ("for=10.1.2.3, for=203.0.113.5", "203.0.113.5"),
            ("for=10.1.2.3, for=192.168.9.9, for=\"[::1]\"", "10.1.2.3"), ("for=192.168.2.2;proto=http", "192.168.2.2"),
            ("for=\"[::ffff:10.1.2.3]\"", "10.1.2.3"), ("for=10.1.2.3, , ,", "10.1.2.3"),
            // Not told, or not to be read: the client is who wrote that.
            ("for=unknown", nil), ("for=_hidden", nil), ("for=\"_SEVKISEK\"", nil), ("proto=https", nil), ("for=", nil), ("for", nil),
            ("=", nil), (";", nil), ("10.1.2.3", nil), ("for=10.1.2.3;for=10.1.2.3", nil), ("for=10.1.2.3;For=10.9.9.9", nil),
            ("forr=10.1.2.3", nil),
            ("for=10.1.2.3 10.9.9.9", nil), ("by=10.1.2.3", nil), ("for=10.1.2.3, for=unknown", nil),
            // A quote that a client leaves open hides nothing of what its proxy wrote.
            ("for=\", for=203.0.113.5", "203.0.113.5"), ("x=\"\\\", for=203.0.113.5;by=\"[::1]\"", "203.0.113.5"),
            ("for=10.1.2.3;x=\", for=203.0.113.5", "203.0.113.5"),
        ] as [(String, String?)])
    func forwardedHeader(value: String, expected: String?) throws {
        let proxy = try address("192.168.1.1")
        let client = try selector(.forwarded).client(peer: proxy, values: { $0 == .forwarded ? [value] : ["10.9.9.9"] })
        #expect(try client == expected.map(address) ?? proxy)
        let stranger = try address("203.0.113.7")
        #expect(try selector(.forwarded).client(peer: stranger, values: { _ in [value] }) == stranger)
        // Where proxies write the other field, this one is the client's word.
        #expect(try selector().client(peer: proxy, values: { $0 == .forwarded ? [value] : [] }) == proxy)
    }

    @Test("A proxy may write its own address with a port too")
    func proxyWithPort() throws {
        let client = try selector().client(
            peer: address("192.168.1.1"), values: { _ in ["10.1.2.3:51234", "192.168.2.2:8080", "[::1]:9"] })
        #expect(try client == address("10.1.2.3"))
    }

    @Test("Without a peer's address there is no client")
    func noPeer() throws {
        #expect(try selector().client(peer: nil, values: { _ in ["10.1.2.3"] }) == nil)
    }
}
