import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct AdminAuthenticationTests {
    private static let calls = [
        ("GET", "/v1/replicas"), ("GET", "/v1/replicas/x"), ("GET", "/v1/pools"), ("GET", "/v1/stats"), ("DELETE", "/v1/purge/x"),
        ("POST", "/v1/warm"),
    ]

    @Test func `admin calls without the token are a 401 that says what is missing`() async throws {
        try await MirrorFixture.run { mirror in
            let fields: [[(String, String)]] = [
                [], [("Authorization", "Bearer wrong")], [("Authorization", "Bearer ")], [("Authorization", "Bearer")],
                [("Authorization", MirrorFixture.token)], [("Authorization", "Basic \(MirrorFixture.token)")],
                [("Authorization", "Bearer \(MirrorFixture.token)x")], [("Authorization", "Bearer \(MirrorFixture.token.dropLast())")],
                [("Cookie", "token=\(MirrorFixture.token)")],
            ]
            for (method, target) in Self.calls {
                for fields in fields {
                    let response = try await mirror.request(method, target, fields, body: method == "POST" ? "{}" : nil)
                    #expect(response.status == 401, "\(method) \(target) \(fields)")
                    #expect(response["WWW-Authenticate"] == "Bearer")
                    #expect(response.json["code"]?.string == "AuthenticationFailed")
                }
            }
        }
    }

    @Test func `admin calls with one of the tokens are let through, however the scheme is written`() async throws {
        try await MirrorFixture.run(World(), .with { $0.admin = AdminConfiguration(tokens: ["first", "second"]) }) { mirror in
            for field in ["Bearer first", "Bearer second", "bearer first", "BEARER second"] {
                let response = try await mirror.get("/v1/pools", [("Authorization", field)])
                #expect(response.status == 200)
            }
        }
    }

    @Test func `without any token nobody is let through`() async throws {
        try await MirrorFixture.run(World(), .with { $0.admin = AdminConfiguration() }) { mirror in
            for fields in [[], [("Authorization", "Bearer ")], [("Authorization", "Bearer x")]] {
                let response = try await mirror.get("/v1/pools", fields + [("Host", "127.0.0.1")])
                #expect(response.status == 401)
            }
        }
    }

    @Test(arguments: ["127.0.0.1", "127.0.0.1:8080", "localhost", "LOCALHOST:8080", "[::1]:8080", "127.1.2.3"])
    func `a call straight from this machine needs no token where that is allowed`(host: String) async throws {
        try await MirrorFixture.run(World(), .with { $0.admin = AdminConfiguration(tokens: ["x"], allowsLoopback: true) }) { mirror in
            let response = try await mirror.get("/v1/pools", [("Host", host)])
            #expect(response.status == 200)
        }
    }

    @Test(arguments: [
        // A page in a browser on this machine, whose name server points at it.
        [("Host", "evil.example")], [("Host", "127.0.0.1.evil.example")], [("Host", "localhost.evil.example:8080")],
        [("Host", "192.0.2.1")],
        [("Host", "127.0.0.1"), ("Origin", "https://evil.example")], [("Host", "127.0.0.1"), ("Origin", "null")],
        // A proxy on this machine.
        [("Host", "127.0.0.1"), ("X-Forwarded-For", "192.0.2.1")], [("Host", "127.0.0.1"), ("Forwarded", "for=192.0.2.1")],
        [("Host", "127.0.0.1"), ("x-forwarded-for", "")],
    ])
    func `a call that a proxy or a web page may have made needs the token`(fields: [(String, String)]) async throws {
        try await MirrorFixture.run(World(), .with { $0.admin = AdminConfiguration(tokens: ["x"], allowsLoopback: true) }) { mirror in
            let response = try await mirror.get("/v1/pools", fields)
            #expect(response.status == 401)
            let known = try await mirror.get("/v1/pools", fields + [("Authorization", "Bearer x")])
            #expect(known.status == 200)
        }
    }

    @Test func `a call without a host needs the token`() async throws {
        try await MirrorFixture.run(World(), .with { $0.admin = AdminConfiguration(tokens: ["x"], allowsLoopback: true) }) { mirror in
            try await RawConnection.run(port: mirror.port) { connection in
                await connection.send("GET /v1/pools HTTP/1.0\r\n\r\n")
                let response = try await connection.response()
                #expect(response.status == 401)
            }
        }
    }

    @Test func `a listener of its own answers admin calls, and the main one does not know them`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        let options = MirrorOptions.with {
            $0.admin = AdminConfiguration(listen: .init(host: "127.0.0.1", port: 0), tokens: [MirrorFixture.token])
        }
        try await MirrorFixture.run(world, options) { mirror in
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
