import MirrorCore
import Testing

@testable import MirrorServer

/// Fields that proxies add say nothing of a client that is not behind one.
@Suite(.timeLimit(.minutes(5)))
struct ProxyFieldTests {
    private static let fields: [(String, String)] = [
        ("X-Forwarded-For", "10.1.2.3"), ("X-Forwarded-Host", "evil.example"), ("X-Forwarded-Proto", "https"), ("X-Forwarded-Port", "444"),
        ("X-Forwarded-Prefix", "/evil"), ("X-Forwarded-Server", "evil.example"), ("X-Forwarded-By", "evil.example"),
        ("Forwarded", "for=10.1.2.3;host=evil.example;proto=https;by=10.1.2.3"), ("X-Real-IP", "10.1.2.3"), ("Via", "1.1 evil.example"),
        ("X-Client-IP", "10.1.2.3"), ("True-Client-IP", "10.1.2.3"), ("CF-Connecting-IP", "10.1.2.3"), ("X-Original-URL", "/v1/stats"),
        ("X-Rewrite-URL", "/v1/stats"), ("X-HTTP-Method-Override", "DELETE"), ("X-Original-Host", "evil.example"),
        ("X-Host", "evil.example"),
        ("Front-End-Https", "on"), ("X-Forwarded-Ssl", "on"), ("X-Url-Scheme", "https"), ("X-Scheme", "https"), ("Client-IP", "10.1.2.3"),
    ]

    private static let targets: [(String, String)] = [
        ("GET", "/"), ("GET", "/v1/go?url=https%3A%2F%2Fartifacts.example.org%2Fa.txt&show=link"), ("GET", "/v1/api-reference"),
        ("GET", "/healthz"),
        ("GET", "/readyz"), ("GET", World.target("/a.txt")), ("HEAD", World.target("/a.txt")),
        ("GET", World.target("/a.txt", route: "/v1/redirect/")),
        ("GET", World.target("/new.txt")), ("GET", World.target("/new.txt", route: "/v1/redirect/")), ("GET", "/v1/stats"),
        ("DELETE", World.target("/a.txt", route: "/v1/purge/")), ("POST", "/v1/warm"), ("GET", "/local/dev/x/y"), ("GET", "/nowhere"),
    ]

    @Test(arguments: [true, false])
    func `no field of a proxy changes an answer to who is no trusted proxy`(usesFastPath: Bool) async throws {
        let world = World()
        try await world.seed("/a.txt")
        let options = try MirrorOptions.with {
            $0.usesFastPath = usesFastPath
            $0.networks = [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))]
            $0.trustedProxies = [try require(IPNetwork("192.0.2.0/24")), try require(IPNetwork("10.0.0.0/8"))]
            $0.fallback = World.pool
        }
        try await MirrorFixture.run(world, options) { mirror in
            for (method, target) in Self.targets {
                let plain = try await mirror.request(method, target)
                for field in Self.fields {
                    let response = try await mirror.request(method, target, [field])
                    #expect(response.status == plain.status, "\(method) \(target) \(field)")
                    #expect(response.text == plain.text, "\(method) \(target) \(field)")
                    #expect(response["Location"] == plain["Location"], "\(method) \(target) \(field)")
                    #expect(response["X-Cloud-Mirror-Pool"] == plain["X-Cloud-Mirror-Pool"], "\(method) \(target) \(field)")
                }
                let all = try await mirror.request(method, target, Self.fields)
                #expect(all.status == plain.status && all.text == plain.text && all["Location"] == plain["Location"], "\(method) \(target)")
            }
        }
    }

    @Test func `a trusted proxy is believed in its X-Forwarded-For, and in no other field`() async throws {
        let world = World()
        let options = try MirrorOptions.with {
            $0.networks = [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))]
            $0.trustedProxies = [try require(IPNetwork("127.0.0.0/8"))]
            $0.fallback = World.pool
        }
        try await MirrorFixture.run(world, options) { mirror in
            for field in Self.fields {
                let response = try await mirror.get(World.target("/a.txt", route: "/v1/redirect/"), [field])
                #expect(response["X-Cloud-Mirror-Pool"] == (field.0 == "X-Forwarded-For" ? "local/two" : "local/dev"), "\(field)")
            }
        }
    }
}
