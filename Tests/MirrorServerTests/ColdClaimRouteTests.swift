import MirrorCore
import MirrorNet
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine
@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct ColdClaimRouteTests {
    /// Time stands still, so that nothing comes back.
    private static func options(burst: Int, _ change: (inout MirrorOptions) -> Void = { _ in }) -> MirrorOptions {
        .with {
            $0.trustedProxies = ["127.0.0.0/8"].compactMap { IPNetwork($0) }
            $0.coldClaims = ColdClaimLimits(perSecond: 1, burst: burst, bytesPerMinute: 0)
            change(&$0)
        }
    }

    /// Whether a client is refused what is not there.
    private func isRefused(_ mirror: MirrorFixture, _ path: String, from client: String? = nil) async throws -> Bool {
        let fields = client.map { [("X-Forwarded-For", $0)] } ?? []
        let response = try await mirror.get(World.target(path), fields)
        #expect(response.status == 302)
        #expect(response["Location"] == World.origin + path)
        #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
        return response.json["msg"]?.string == Fallback.budget.message
    }

    @Test func `a client is who a trusted proxy says, by its address or its IPv6 network`() async throws {
        try await MirrorFixture.run(World(), Self.options(burst: 1)) { mirror async throws in
            #expect(try await !isRefused(mirror, "/1.txt", from: "192.0.2.7"))
            #expect(try await isRefused(mirror, "/2.txt", from: "192.0.2.7"))
            #expect(try await isRefused(mirror, "/2.txt", from: "203.0.113.9, 192.0.2.7"))
            #expect(try await !isRefused(mirror, "/2.txt", from: "192.0.2.8"))
            #expect(try await !isRefused(mirror, "/3.txt", from: "2001:db8:1:2::7"))
            #expect(try await isRefused(mirror, "/4.txt", from: "2001:db8:1:2:9::1"))
            #expect(try await !isRefused(mirror, "/4.txt", from: "2001:db8:1:3::7"))
            #expect(try await !isRefused(mirror, "/5.txt"))
            #expect(try await isRefused(mirror, "/6.txt"))
            let stats = try await mirror.admin("GET", "/v1/stats").json
            #expect(stats["coldClaims"]?["spentNetworks"]?.number == 5)
            #expect(
                stats["coldClaims"]?["networks"]?.array?.compactMap(\.string)
                    == ["127.0.0.1", "192.0.2.7", "192.0.2.8", "2001:db8:1:2::/64", "2001:db8:1:3::/64"])
            let metrics = String(decoding: try await mirror.get("/metrics").body, as: UTF8.self)
            #expect(metrics.contains("cloud_mirror_networks_over_budget 5"))
            #expect(!metrics.contains("192.0.2.7"))
        }
    }

    @Test func `an address that somebody makes up who is no proxy is of no use`() async throws {
        try await MirrorFixture.run(World(), Self.options(burst: 2) { $0.trustedProxies = [] }) { mirror async throws in
            #expect(try await !isRefused(mirror, "/1.txt", from: "192.0.2.1"))
            #expect(try await !isRefused(mirror, "/2.txt", from: "192.0.2.2"))
            #expect(try await isRefused(mirror, "/3.txt", from: "192.0.2.3"))
        }
    }

    @Test func `who takes over a HEAD from one that has left pays for asking the origin`() async throws {
        try await FakeOrigin.run { origin in
            let gate = FakeGate()
            origin.on("/a.bin", .generated(size: 30_000).with { $0.gate = gate })
            var options = Self.options(burst: 2) { $0.maxWait = .seconds(28) }
            options.allow = [.prefix(try ArtifactURL(origin.url("/")))]
            try await MirrorFixture.run(World(), options) { mirror in
                let target = "/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/a.bin")))"
                func head(from client: String) async throws -> RawConnection {
                    let connection = try await mirror.connection()
                    await connection.send(RequestStream.request("HEAD", target, "X-Forwarded-For: \(client)\r\n"))
                    return connection
                }
                // One claim is left to the second one.
                _ = try await mirror.get(World.target("/b.txt") + "?wait=0", [("X-Forwarded-For", "192.0.2.2")])
                let first = try await head(from: "192.0.2.1")
                try await gate.waiting()
                let second = try await head(from: "192.0.2.2")
                await mirror.waiting(1)
                await first.close()
                while origin.requests.count < 2, !Task.isCancelled { await Task.yield() }
                gate.open()
                let response = try await second.response(toHead: true)
                #expect(response.status == 200)
                #expect(response["Content-Length"] == "30000")
                let spent = mirror.services.redirects.coldClaims.spent
                #expect(Set(spent) == Set(["192.0.2.1", "192.0.2.2"].map { ClientNetwork(IPAddress($0)) }))
                await second.close()
            }
        }
    }

    @Test func `nobody joins a request that may be refused for what its network has spent`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.options(burst: 2) { $0.maxWait = .seconds(28) }) { mirror async throws in
            let first = try await mirror.connection()
            await first.send(RequestStream.request("GET", World.target("/a.txt")))
            await mirror.waiting(1)
            #expect(mirror.server.coalescing.count == 1)
            let second = try await mirror.connection()
            await second.send(RequestStream.request("GET", World.target("/b.txt")))
            await mirror.waiting(2)
            #expect(mirror.server.coalescing.count == 2)
            // Nothing is left now. What is under way it may still wait for.
            let third = try await mirror.connection()
            await third.send(RequestStream.request("GET", World.target("/b.txt") + "?wait=20"))
            await mirror.waiting(3)
            #expect(mirror.server.coalescing.count == 2)
            world.clock.advance(by: .seconds(1))
            let fourth = try await mirror.connection()
            await fourth.send(RequestStream.request("GET", World.target("/b.txt") + "?wait=20"))
            await mirror.waiting(4)
            #expect(mirror.server.coalescing.count == 3)
            for connection in [first, second, third, fourth] { await connection.close() }
        }
    }
}
