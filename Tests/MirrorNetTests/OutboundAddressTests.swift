import AsyncHTTPClient
import MirrorCore
import NIOCore
import NIOPosix
import TestServers
import Testing

@testable import MirrorNet

@Suite(.timeLimit(.minutes(5))) struct OutboundAddressTests {
    @Test func aNameServerThatChangesItsAnswerGainsNothing() async throws {
        // First this machine, which is allowed; ever after what an attacker wants to reach.
        let resolver = StaticResolver(["origin.example": [["127.0.0.1"], ["10.0.0.1"]]])
        try await NetFixture.run(resolver: resolver) { fixture async throws in
            fixture.origin.on("/a", .text("a"))
            #expect(try await fixture.get("/a").body.text() == "a")
            #expect(resolver.questions.count == 1, "the answer that was checked is the one that is used")
            #expect(try await fixture.failure("/a")?.refusal == .privateUse)
            #expect(resolver.questions.count == 2)
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test(
        "One bad address among good ones refuses the host",
        arguments: [
            ["127.0.0.1", "10.0.0.1"], ["10.0.0.1", "127.0.0.1"], ["127.0.0.1", "::1"], ["127.0.0.1", "::ffff:192.168.0.1"],
            ["127.0.0.1", "64:ff9b::a00:1"],
        ])
    func oneBadAddress(_ addresses: [String]) async throws {
        try await NetFixture.run(resolver: StaticResolver(["origin.example": [addresses]])) { fixture async throws in
            #expect(try await fixture.failure("/a")?.refusal != nil)
            #expect(fixture.origin.connectionCount == 0)
        }
    }

    @Test("A host is public when all of its addresses are, whatever this process may reach")
    func isPublic() async throws {
        let resolver = StaticResolver([
            "public.example": [["93.184.216.34", "2606:2800:220:1::1"]], "inner.example": [["127.0.0.1"]],
            "both.example": [["93.184.216.34", "10.0.0.1"]], "localhost": [["93.184.216.34"]],
        ])
        let policy = try EgressPolicy(requireHTTPS: false, allowAddresses: [try #require(IPNetwork("127.0.0.0/8"))])
        try await withClient(policy, resolver) { client async throws in
            for (host, expected) in [
                ("public.example", true), ("93.184.216.34", true), ("inner.example", false), ("both.example", false), ("localhost", false),
                ("127.0.0.1", false), ("[::1]", false), ("169.254.169.254", false),
            ] {
                #expect(try await client.isPublic(try ArtifactURL("https://\(host)/a")) == expected, "\(host)")
            }
            await #expect(throws: OutboundError.self) { try await client.isPublic(try ArtifactURL("https://nowhere.example/a")) }
        }
    }

    @Test func theNextAddressIsTriedWhenOneDoesNotAnswer() async throws {
        // The origin listens on the last of these only.
        let resolver = StaticResolver(["origin.example": [["127.0.0.3", "127.0.0.2", "127.0.0.1"]]])
        try await NetFixture.run(resolver: resolver) { fixture async throws in
            fixture.origin.on("/a", .text("a"))
            for _ in 1...3 { #expect(try await fixture.get("/a").body.text() == "a") }
            #expect(fixture.origin.connectionCount == 1, "who answered is asked first the next time")
        }
    }

    @Test func noAddressAnswers() async throws {
        try await NetFixture.run(resolver: StaticResolver(["origin.example": [["127.0.0.3", "127.0.0.2"]]])) { fixture async throws in
            #expect(try await fixture.failure("/a") == .connectFailed)
        }
    }

    @Test func aMappedAddressIsConnectedToAsIPv4() async throws {
        try await NetFixture.run(resolver: StaticResolver(["origin.example": [["::ffff:127.0.0.1"]]])) { fixture async throws in
            fixture.origin.on("/a", .text("a"))
            #expect(try await fixture.get("/a").body.text() == "a")
        }
    }

    @Test func aHostThatIsAnAddressNeedsNoResolver() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .text("a"))
            #expect(try await fixture.get("/a", host: "127.0.0.1").body.text() == "a")
            #expect(fixture.resolver.questions.isEmpty)
        }
    }

    @Test func aNameWithoutAddressesIsUnresolvable() async throws {
        try await NetFixture.run(resolver: StaticResolver(["other.example": [[]]])) { fixture async throws in
            #expect(try await fixture.failure("/a") == .unresolvable)
            #expect(try await fixture.failure("/a", host: "other.example") == .unresolvable)
        }
    }

    @Test func theLoopbackIsRefusedUnlessItIsAllowed() async throws {
        try await NetFixture.run(allowAddresses: []) { fixture async throws in
            #expect(try await fixture.failure("/a")?.refusal == .loopback)
            #expect(try await fixture.failure("/a", host: "127.0.0.1")?.refusal == .loopback)
            #expect(throws: OutboundError.self) { try fixture.client.check(try fixture.url("/a", host: "127.0.0.1")) }
            #expect(throws: Never.self) { try fixture.client.check(try fixture.url("/a")) }
            #expect(fixture.origin.connectionCount == 0)
        }
    }

    /// Should the client below ever read another host out of a URL than we do, its own resolver would choose the address.
    @Test func aConnectionToAnUncheckedAddressCarriesNoRequest() async throws {
        try await FakeOrigin.run { origin async throws in
            let clients = PinnedClients(configuration: OutboundConfiguration(), eventLoopGroup: MultiThreadedEventLoopGroup.singleton)
            // The pin is for another name, so this one is resolved by the system, to 127.0.0.1.
            let lease = try clients.lease(.init(scheme: .http, host: "pinned.example", address: try #require(IPAddress("127.0.0.2"))))
            await #expect(throws: WrongPeerError.self) {
                try await lease.client.execute(HTTPClientRequest(url: "http://127.0.0.1:\(origin.port)/a"), timeout: .seconds(60))
            }
            await clients.shutdown()
            #expect(origin.requests.isEmpty)
        }
    }

    private static let system = SystemResolver(eventLoopGroup: MultiThreadedEventLoopGroup.singleton, timeout: .seconds(60))

    @Test func theSystemKnowsLocalhost() async throws {
        let addresses = try await Self.system.addresses(of: "localhost")
        #expect(!addresses.isEmpty)
        for address in addresses { #expect(AddressGuard.reason(toRefuse: address) == .loopback) }
        #expect(Set(addresses).count == addresses.count)
    }

    @Test(
        "The system reads odd spellings, which is why they do not get that far",
        arguments: [("2130706433", "127.0.0.1"), ("0x7f.1", "127.0.0.1")])
    func oddSpellings(_ name: String, _ address: String) async throws {
        let addresses = try await Self.system.addresses(of: name)
        #expect(addresses == [try #require(IPAddress(address))])
        #expect(throws: ArtifactURLError.self) { try ArtifactURL("https://\(name)/") }
    }
}
