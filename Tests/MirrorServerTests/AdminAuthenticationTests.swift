import MirrorCore
import MirrorTesting
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct AdminAuthenticationTests {
    private static let calls = [
        ("GET", "/v1/replicas"), ("GET", "/v1/replicas/x"), ("GET", "/v1/pools"), ("GET", "/v1/stats"), ("DELETE", "/v1/purge/x"),
        ("POST", "/v1/warm"),
    ]

    @Test func `admin calls without the token are a 401 that says what is missing`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror async throws in
            let fields: [[(String, String)]] = [
                [], [("Authorization", "Bearer wrong")], [("Authorization", "Bearer ")], [("Authorization", "Bearer")],
                [("Authorization", MirrorFixture.token)], [("Authorization", "Basic \(MirrorFixture.token)")],
                [("Authorization", "Bearer \(MirrorFixture.token)x")], [("Authorization", "Bearer \(MirrorFixture.token.dropLast())")],
                [("Cookie", "token=\(MirrorFixture.token)")],
            ]
            for (method, target) in Self.calls {
                for fields in fields {
                    world.clock.advance(by: AdminRefusals.memory)
                    let response = try await mirror.request(method, target, fields, body: method == "POST" ? "{}" : nil)
                    #expect(response.status == 401, "\(method) \(target) \(fields)")
                    #expect(response["WWW-Authenticate"] == "Bearer")
                    #expect(response.json["code"]?.string == "AuthenticationFailed")
                }
            }
        }
    }

    @Test func `admin calls with one of the tokens are let through, however the scheme is written`() async throws {
        try await MirrorFixture.run(World(), .with { $0.adminTokens = ["first", "second"] }) { mirror async throws in
            for field in ["Bearer first", "Bearer second", "bearer first", "BEARER second"] {
                let response = try await mirror.get("/v1/pools", [("Authorization", field)])
                #expect(response.status == 200)
            }
        }
    }

    @Test func `without any token nobody is let through`() async throws {
        try await MirrorFixture.run(World(), .with { $0.adminTokens = [] }) { mirror async throws in
            for fields in [[], [("Authorization", "Bearer ")], [("Authorization", "Bearer x")]] {
                let response = try await mirror.get("/v1/pools", fields + [("Host", "127.0.0.1")])
                #expect(response.status == 401)
            }
        }
    }

    @Test(arguments: [
        [], [("Via", "1.1 proxy")], [("X-Real-IP", "127.0.0.1")], [("X-Forwarded-For", "127.0.0.1")], [("Forwarded", "for=127.0.0.1")],
        [("X-Forwarded-Host", "localhost")], [("Origin", "null")],
    ])
    func `a call from this machine needs the token like any other`(fields: [(String, String)]) async throws {
        try await MirrorFixture.run { mirror async throws in
            for host in ["127.0.0.1", "127.0.0.1:8080", "localhost", "[::1]:8080", "127.1.2.3", "evil.example"] {
                for (method, target) in Self.calls {
                    let response = try await mirror.request(method, target, fields + [("Host", host)], body: method == "POST" ? "{}" : nil)
                    #expect(response.status == 401, "\(method) \(target) \(host)")
                }
                let known = try await mirror.admin("GET", "/v1/pools")
                #expect(known.status == 200)
            }
        }
    }

    @Test func `answers to wrong tokens are withheld, and those to right ones from the same address are not`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror async throws in
            for _ in 0..<AdminRefusals.freeGuesses {
                #expect(try await mirror.get("/v1/stats", [("Authorization", "Bearer x")]).status == 401)
            }
            let wrong = Task { try await mirror.get("/v1/stats", [("Authorization", "Bearer x")]).status }
            await world.clock.sleepers(1)
            #expect(try await mirror.admin("GET", "/v1/stats").status == 200)
            #expect(try await mirror.get("/v1/stats").status == 401, "who sends no token guesses nothing")
            #expect(world.clock.sleeperCount == 1)
            world.clock.advance(by: AdminRefusals.firstDelay)
            #expect(try await wrong.value == 401)
            let refused = mirror.services.registry.values(of: AdminRefusals.metric)
            #expect(refused.first { $0.labels["reason"] == "wrong-token" }?.value == Double(AdminRefusals.freeGuesses + 1))
            #expect(refused.first { $0.labels["reason"] == "no-token" }?.value == 1)
        }
    }

    @Test func `wrong tokens are counted by the client that a trusted proxy names, and by nobody else's word`() async throws {
        for isTrusted in [true, false] {
            let world = World()
            let proxies = isTrusted ? [try require(IPNetwork("127.0.0.0/8"))] : []
            try await MirrorFixture.run(world, .with { $0.trustedProxies = proxies }) { mirror async throws in
                func guess(_ client: String) async throws -> Int {
                    try await mirror.get("/v1/stats", [("Authorization", "Bearer x"), ("X-Forwarded-For", client)]).status
                }
                for _ in 0..<AdminRefusals.freeGuesses { #expect(try await guess("192.0.2.1") == 401) }
                let other = Task { try await guess("192.0.2.2") }
                if !isTrusted {
                    await world.clock.sleepers(1)
                    world.clock.advance(by: AdminRefusals.firstDelay)
                }
                #expect(try await other.value == 401)
            }
        }
    }

    @Test func `a listener of its own answers admin calls, and the main one does not know them`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        let options = MirrorOptions.with { $0.hasAdminListener = true }
        try await MirrorFixture.run(world, options) { mirror async throws in
            let token = [("Authorization", "Bearer \(MirrorFixture.token)")]
            for (method, target) in Self.calls + [("GET", "/metrics")] {
                let response = try await mirror.request(method, target, token, body: method == "POST" ? "{}" : nil)
                #expect(response.status == 404, "\(method) \(target)")
            }
            let port = try require(mirror.adminPort)
            #expect(port != mirror.port)
            try await RawConnection.run(port: port) { connection in
                for target in ["/v1/pools", "/v1/stats", "/v1/replicas", "/metrics", "/healthz", "/readyz", "/v1/ping"] {
                    let response = try await connection.get(target, token)
                    #expect(response.status == 200, "\(target)")
                }
                let unknown = try await connection.get("/v1/pools")
                #expect(unknown.status == 401)
                let redirect = try await connection.get(World.target("/a.txt"), token)
                #expect(redirect.status == 404)
            }
        }
    }
}
