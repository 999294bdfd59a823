import MirrorCore
import MirrorEngine
import NIOSSL
import TestServers
import Testing

@testable import MirrorServer

/// A mirror behind a proxy that speaks the PROXY protocol.
@Suite(.timeLimit(.minutes(2)))
struct ProxyProtocolTests {
    private static let target = World.target("/a.txt", route: "/v1/redirect/")

    /// All come from one proxy; clients in 10.0.0.0/8 have the pool `local/two`.
    private static func options(_ change: (inout MirrorOptions) throws -> Void = { _ in }) throws -> MirrorOptions {
        try .with {
            $0.proxyProtocol = true
            $0.networks = [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))]
            $0.trustedProxies = [try require(IPNetwork("127.0.0.0/8"))]
            $0.fallback = World.pool
            try change(&$0)
        }
    }

    private func open(
        _ mirror: MirrorFixture, for client: String?, from source: String? = nil, isTLS: Bool = false
    ) async throws -> RawConnection {
        let header = client.map { "PROXY TCP\($0.contains(":") ? 6 : 4) \($0) \($0) 56324 443\r\n" } ?? ""
        return try await RawConnection.open(port: mirror.port, from: source, preface: header, isTLS: isTLS)
    }

    private func refusals(_ mirror: MirrorFixture, _ flaw: ConnectionMetrics.ProxyFlaw) -> Int {
        mirror.services.registry.values(of: ConnectionMetrics.Name.proxyHeaders)
            .reduce(0) { $0 + ($1.labels["reason"] == flaw.rawValue ? Int($1.value) : 0) }
    }

    @Test(arguments: [true, false])
    func `the client that the proxy names is the connection's, on the fast path and behind it`(usesFastPath: Bool) async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.options { $0.usesFastPath = usesFastPath }) { mirror in
            for (client, pool, reason) in [
                ("10.1.2.3", "local/two", "network"), ("192.0.2.1", "local/dev", "default"), ("2001:db8::1", "local/dev", "default"),
                ("::ffff:10.1.2.3", "local/two", "network"), ("10.9.9.9", "local/two", "network"),
            ] {
                let connection = try await open(mirror, for: client)
                for _ in 1...2 {
                    let response = try await connection.get(Self.target)
                    #expect(response["X-Cloud-Mirror-Pool"] == pool, "\(client)")
                    #expect(response["X-Cloud-Mirror-Pool-Reason"] == reason, "\(client)")
                    #expect(response["X-Cloud-Mirror-Outcome"] == "hit", "\(client)")
                }
                await connection.close()
            }
            // Each of the two answers was made once.
            #expect(mirror.answeredFast == (usesFastPath ? 8 : 0))
        }
    }

    @Test func `the header comes before TLS`() async throws {
        let certificates = try await Certificates()
        let options = try Self.options {
            $0.tls = .makeServerConfiguration(
                certificateChain: try NIOSSLCertificate.fromPEMFile(certificates.certificate).map { .certificate($0) },
                privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.key, format: .pem)))
        }
        try await MirrorFixture.run(try await World.seeded(), options) { mirror in
            let connection = try await open(mirror, for: "10.1.2.3", isTLS: true)
            for _ in 1...2 {
                let response = try await connection.get(Self.target)
                #expect(response["X-Cloud-Mirror-Pool"] == "local/two")
            }
            await connection.close()
            // TLS without a header is garbage.
            let other = try await open(mirror, for: nil, isTLS: true)
            let end = try await other.rest()
            #expect(end.bytes.isEmpty)
            #expect(refusals(mirror, .malformed) == 1)
            await other.close()
        }
    }

    @Test func `an untrusted peer is not listened to, whatever it says`() async throws {
        let options = try Self.options { $0.trustedProxies = [try require(IPNetwork("127.0.0.1/32"))] }
        try await MirrorFixture.run(try await World.seeded(), options) { mirror in
            let connection = try await open(mirror, for: "10.1.2.3", from: "127.0.0.2")
            await connection.send(RequestStream.request("GET", Self.target))
            let end = try await connection.rest()
            #expect(end.bytes.isEmpty)
            #expect(refusals(mirror, .untrusted) == 1)
            await connection.close()
            let trusted = try await open(mirror, for: "10.1.2.3")
            let response = try await trusted.get(Self.target)
            #expect(response["X-Cloud-Mirror-Pool"] == "local/two")
            await trusted.close()
        }
    }

    @Test func `a request without a header is not answered`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.options()) { mirror in
            let connection = try await open(mirror, for: nil)
            await connection.send(RequestStream.request("GET", "/v1/ping"))
            let end = try await connection.rest()
            #expect(end.bytes.isEmpty)
            #expect(refusals(mirror, .malformed) == 1)
            await connection.close()
        }
    }

    @Test func `without the setting a header is not HTTP`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.options { $0.proxyProtocol = false }) { mirror in
            let connection = try await open(mirror, for: "10.1.2.3")
            let response = try await connection.response()
            #expect(response.status == 400)
            await connection.close()
        }
    }

    @Test func `fields of a request count where the proxy names another trusted proxy, and nowhere else`() async throws {
        let options = try Self.options { $0.trustedProxies.append(try require(IPNetwork("192.0.2.7/32"))) }
        try await MirrorFixture.run(try await World.seeded(), options) { mirror in
            for (peer, pool) in [("192.0.2.7", "local/two"), ("192.0.2.8", "local/dev")] {
                let connection = try await open(mirror, for: peer)
                for _ in 1...2 {
                    let response = try await connection.get(Self.target, [("X-Forwarded-For", "10.1.2.3")])
                    #expect(response["X-Cloud-Mirror-Pool"] == pool)
                }
                await connection.close()
            }
        }
    }

    @Test func `the connections of each client are counted, and the proxy's are not`() async throws {
        // One for each client.
        try await MirrorFixture.run(try await World.seeded(), try Self.options { $0.maxConnections = 4 }) { mirror in
            let first = try await open(mirror, for: "192.0.2.1")
            #expect(try await first.get("/v1/ping").status == 200)
            let second = try await open(mirror, for: "192.0.2.1")
            let end = try await second.rest()
            #expect(end.bytes.isEmpty)
            let other = try await open(mirror, for: "192.0.2.2")
            #expect(try await other.get("/v1/ping").status == 200)
            for connection in [first, second, other] { await connection.close() }
        }
    }

    @Test func `a health check of the load balancer itself, whose header names no client, is answered`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.options()) { mirror in
            let connection = try await open(mirror, for: nil)
            // Version 2, the command LOCAL.
            await connection.send([0x0D, 0x0A, 0x0D, 0x0A, 0x00, 0x0D, 0x0A, 0x51, 0x55, 0x49, 0x54, 0x0A, 0x20, 0x00, 0x00, 0x00])
            #expect(try await connection.get("/readyz").status == 200)
            await connection.close()
        }
    }

    @Test func `a listener of its own for admin calls expects no header`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.options { $0.hasAdminListener = true }) { mirror in
            let port = try #require(mirror.adminPort)
            let response = try await RawConnection.run(port: port) { try await $0.get("/v1/ping") }
            #expect(response.status == 200)
        }
    }
}
