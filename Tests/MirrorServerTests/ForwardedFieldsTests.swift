import MirrorCore
import MirrorEngine
import NIOHTTP1
import Testing

@testable import MirrorServer

/// `X-Forwarded-For` is read alike by the fast path, by those that join others, and behind the full parser.
@Suite(.timeLimit(.minutes(1)))
struct ForwardedFieldsTests {
    /// Fields as a proxy at 127.0.0.1 writes them, and the pool of the client that they name: `local/two` for 10.0.0.0/8, else `local/dev`.
    private static let cases: [([String], String)] = [
        (["X-Forwarded-For:10.1.2.3"], "local/two"),
        (["X-Forwarded-For: 10.1.2.3   "], "local/two"),
        (["x-forwarded-for:    10.1.2.3 , 127.0.0.9  "], "local/two"),
        (["X-Forwarded-For: \t10.1.2.3\t,\t127.0.0.9\t"], "local/two"),
        (["X-Forwarded-For: ,, 10.1.2.3 ,, ,"], "local/two"),
        (["X-Forwarded-For: 192.0.2.1", "X-FORWARDED-FOR: 10.1.2.3"], "local/two"),
        (["X-Forwarded-For: 10.1.2.3", "X-Forwarded-For: 192.0.2.1"], "local/dev"),
        (["X-Forwarded-For: 10.1.2.3", "X-Forwarded-For:", "X-Forwarded-For:   ", "X-Forwarded-For: 127.0.0.9"], "local/two"),
        (["X-Forwarded-For: 10.1.2.3:51234"], "local/two"),
        (["X-Forwarded-For: 10.1.2.3:"], "local/dev"),
        (["X-Forwarded-For: [::ffff:10.1.2.3]:80"], "local/two"),
        (["X-Forwarded-For: \"[::ffff:10.1.2.3]\""], "local/two"),
        (["X-Forwarded-For: ::ffff:a01:203"], "local/two"),
        (["X-Forwarded-For: [10.1.2.3"], "local/dev"),
        (["X-Forwarded-For: 10.1.2.3 127.0.0.9"], "local/dev"),
        (["X-Forwarded-For: 10.1.2.3, unknown"], "local/dev"),
        // Blanks around a value are not counted, and those within are.
        (["X-Forwarded-For: 10.1.2.3,127.0.0.9" + String(repeating: " ", count: 2_000)], "local/two"),
        (["X-Forwarded-For: " + String(repeating: " ", count: 2_000) + "10.1.2.3,127.0.0.9"], "local/two"),
        (["X-Forwarded-For: 10.1.2.3," + String(repeating: " ", count: 2_000) + "127.0.0.9"], "local/dev"),
        // Of what is too long the left is not read: the client is a proxy.
        (["X-Forwarded-For: 10.1.2.3" + String(repeating: ",127.0.0.9", count: 110)], "local/dev"),
        (["X-Forwarded-For: 10.1.2.3", "X-Forwarded-For: 127.0.0.9" + String(repeating: ",127.0.0.9", count: 99)], "local/dev"),
        (["X-Forwarded-For: 10.1.2.3"] + Array(repeating: "X-Forwarded-For: 127.0.0.9", count: 50), "local/dev"),
        (["X-Forwarded-For: 10.1.2.3"] + Array(repeating: "X-Forwarded-For: 127.0.0.9", count: 40), "local/two"),
        (["X-Forwarded-For: " + String(repeating: "127.0.0.9,", count: 110) + "10.1.2.3"], "local/two"),
    ]

    @Test(arguments: [true, false])
    func `the fast path and the slow path find the same client, however the fields are written`(usesFastPath: Bool) async throws {
        let world = World()
        for pool in [World.pool, World.otherPool] { try await world.seed("/a.txt", in: pool) }
        let options = try MirrorOptions.with {
            $0.usesFastPath = usesFastPath
            $0.networks = [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))]
            $0.trustedProxies = [try require(IPNetwork("127.0.0.0/8"))]
            $0.fallback = World.pool
        }
        try await MirrorFixture.run(world, options) { mirror in
            let target = World.target("/a.txt", route: "/v1/redirect/")
            let connection = try await mirror.connection()
            // The fast path knows both answers then.
            for client in ["10.1.2.3", "192.0.2.1"] { _ = try await connection.get(target, [("X-Forwarded-For", client)]) }
            for (lines, pool) in Self.cases {
                await connection.send(RequestStream.request("GET", target, lines.map { $0 + "\r\n" }.joined()))
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Pool"] == pool, "\(lines)")
            }
            #expect((mirror.answeredFast > 0) == usesFastPath)
            await connection.close()
        }
    }

    @Test(arguments: cases)
    func `those that join others find the same client`(lines: [String], pool: String) throws {
        let selector = PoolSelector(
            SelectionConfiguration(
                networks: [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))],
                trustedProxies: [try require(IPNetwork("127.0.0.0/8"))], fallback: World.pool))
        let peer = try require(IPAddress("127.0.0.1"))
        func chosen(_ values: [String]) -> String? {
            selector.choice(for: selector.client(peer: peer, values: { _ in values })).pool?.description
        }

        let fields = lines.map { line in (String(line.prefix { $0 != ":" }), String(line.drop { $0 != ":" }.dropFirst())) }
        #expect(chosen(ForwardedFields.values(of: HTTPHeaders(fields), .xForwardedFor)) == pool)

        let head = Array(RequestStream.request("GET", "/", lines.map { $0 + "\r\n" }.joined()).utf8)
        head.withUnsafeBytes { bytes in
            // Whatever has a tab is for the parser.
            guard case .plain = RequestScanner.scan(bytes) else {
                #expect(lines.contains { $0.contains("\t") })
                return
            }
            #expect(chosen(ForwardedFields.values(ofPlain: bytes, .xForwardedFor)) == pool)
        }
    }

    @Test func `what is kept is kept once more as it is`() {
        for (lines, _) in Self.cases {
            let values = ForwardedFields.last(lines.map { String($0.drop { $0 != ":" }.dropFirst()) }, .xForwardedFor)
            #expect(ForwardedFields.last(values, .xForwardedFor) == values)
            #expect(values.reduce(0) { $0 + 15 + $1.utf8.count } <= 1_024)
        }
    }
}
