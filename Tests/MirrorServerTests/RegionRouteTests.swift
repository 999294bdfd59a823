import CloudRegions
import MirrorCore
import MirrorEngine
import Testing

@testable import MirrorServer

/// Pools that are chosen by the cloud region of a client, and why each was.
@Suite(.timeLimit(.minutes(2)))
struct RegionRouteTests {
    private static let target = World.target("/a.txt", route: "/v1/redirect/")

    private static func list(_ region: String) throws -> RegionList {
        try RegionList(
            .aws, date: Timestamp(milliseconds: 1_793_000_000_000), entries: [("127.0.0.2/32", region), ("192.0.2.0/24", region)])
    }

    /// Clients at 127.0.0.2 and in 192.0.2.0/24 are in `aws/us-west-2`, whose pool is `local/two`; 127.0.0.3 is a network that has it, too.
    private static func options(_ change: (inout MirrorOptions) throws -> Void = { _ in }) throws -> MirrorOptions {
        try .with {
            $0.networks = [(try require(IPNetwork("127.0.0.3/32")), try require(World.otherPool))]
            $0.regions = CloudRegionTable([try list("us-west-2")])
            $0.regionPools = [try require(CloudRegion("aws/us-west-2")): try require(World.otherPool)]
            $0.fallback = World.pool
            try change(&$0)
        }
    }

    private func expect(
        _ response: RawResponse, _ pool: String?, _ reason: String?, sourceLocation: SourceLocation = #_sourceLocation
    ) {
        #expect(response["X-Cloud-Mirror-Pool"] == pool, sourceLocation: sourceLocation)
        #expect(response["X-Cloud-Mirror-Pool-Reason"] == reason, sourceLocation: sourceLocation)
    }

    private func choices(_ mirror: MirrorFixture) -> [String: Int] {
        var counts: [String: Int] = [:]
        for sample in mirror.services.registry.values(of: EngineMetrics.Name.poolChoices) where sample.value > 0 {
            counts[sample.labels["reason"] ?? "", default: 0] += Int(sample.value)
        }
        return counts
    }

    @Test(arguments: [true, false])
    func `an answer says why it is for its pool, and each reason has answers of its own`(usesFastPath: Bool) async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.options { $0.usesFastPath = usesFastPath }) { mirror in
            let clients = [
                ("127.0.0.2", "local/two", "region"), ("127.0.0.3", "local/two", "network"), ("127.0.0.4", "local/dev", "default"),
            ]
            for _ in 1...3 {
                for (client, pool, reason) in clients {
                    let connection = try await RawConnection.open(port: mirror.port, from: client)
                    expect(try await connection.get(Self.target), pool, reason)
                    expect(try await connection.request("HEAD", Self.target), pool, reason)
                    // A client that names its pool is not told why it is that one.
                    expect(try await connection.get(Self.target + "?pool=local/two"), "local/two", nil)
                    expect(try await connection.get(World.target("/a.txt")), "local/dev", nil)
                    await connection.close()
                }
            }
            #expect(choices(mirror) == ["region": 6, "network": 6, "default": 6])
            // All but the first of each, and those whose pool the query names.
            #expect(mirror.answeredFast == (usesFastPath ? 18 - 3 + 9 - 1 : 0))
        }
    }

    @Test func `those that wait together are counted, too`() async throws {
        let world = World()
        try await MirrorFixture.run(world, try Self.options { $0.maxWait = .seconds(28) }) { mirror in
            var connections: [RawConnection] = []
            for _ in 1...3 {
                connections.append(
                    try await RawConnection.open(
                        port: mirror.port, from: "127.0.0.2", sending: RequestStream.request("GET", Self.target)))
                await mirror.waiting(connections.count)
            }
            #expect(mirror.server.coalescing.count == 1)
            try await world.finishCopy("/a.txt", in: World.otherPool)
            for connection in connections {
                expect(try await connection.response(), "local/two", "region")
                await connection.close()
            }
            #expect(choices(mirror) == ["region": 3])
        }
    }

    @Test func `a connection follows another list of regions with its next request`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.options()) { mirror in
            let selector = mirror.services.selector
            let old = selector.value
            let new = PoolSelector(old.selection, regions: CloudRegionTable([try Self.list("us-east-1")]))
            let connection = try await RawConnection.open(port: mirror.port, from: "127.0.0.2")
            for _ in 1...2 {
                expect(try await connection.get(Self.target), "local/two", "region")
                selector.replace(with: new)
                expect(try await connection.get(Self.target), "local/dev", "default")
                selector.replace(with: old)
            }
            #expect(mirror.answeredFast == 2)
            await connection.close()
        }
    }

    @Test func `behind a trusted proxy the region of each request's client decides`() async throws {
        let options = try Self.options {
            $0.networks = []
            $0.trustedProxies = [try require(IPNetwork("127.0.0.1/32"))]
        }
        try await MirrorFixture.run(try await World.seeded(), options) { mirror in
            let connection = try await mirror.connection()
            for _ in 1...2 {
                for (client, pool, reason) in [
                    ("192.0.2.1", "local/two", "region"), ("198.51.100.1", "local/dev", "default"),
                    ("::ffff:192.0.2.9", "local/two", "region"),
                ] {
                    expect(try await connection.get(Self.target, [("X-Forwarded-For", client)]), pool, reason)
                }
            }
            #expect(mirror.answeredFast == 4)
            await connection.close()
        }
    }

    @Test(arguments: [true, false])
    func `Forwarded of a trusted proxy is read in place of X-Forwarded-For, where the settings say so`(usesFastPath: Bool) async throws {
        let options = try Self.options {
            $0.usesFastPath = usesFastPath
            $0.trustedProxies = [try require(IPNetwork("127.0.0.1/32"))]
            $0.proxyHeader = .forwarded
        }
        try await MirrorFixture.run(try await World.seeded(), options) { mirror in
            let connection = try await mirror.connection()
            for _ in 1...2 {
                for (fields, pool) in [
                    ([("Forwarded", "for=192.0.2.1")], "local/two"), ([("Forwarded", "proto=https;For=\"192.0.2.1:80\"")], "local/two"),
                    ([("X-Forwarded-For", "192.0.2.1")], "local/dev"),
                    ([("Forwarded", "for=198.51.100.1"), ("X-Forwarded-For", "192.0.2.1")], "local/dev"),
                    ([("Forwarded", "for=192.0.2.1"), ("Forwarded", "for=198.51.100.1")], "local/dev"),
                    ([("Forwarded", "for=\", for=192.0.2.1")], "local/two"),
                ] {
                    let response = try await connection.get(Self.target, fields)
                    #expect(response["X-Cloud-Mirror-Pool"] == pool, "\(fields)")
                }
            }
            await connection.close()
        }
    }

    @Test func `a client that leaves those it waits with is still answered for its own pool, whichever field names it`() async throws {
        let options = try Self.options {
            $0.trustedProxies = [try require(IPNetwork("127.0.0.1/32"))]
            $0.proxyHeader = .forwarded
            $0.maxWait = .seconds(28)
        }
        try await MirrorFixture.run(World(), options) { mirror in
            var connections: [RawConnection] = []
            for client in ["192.0.2.1", "\"[::ffff:192.0.2.1]:443\""] {
                let request = RequestStream.request("GET", Self.target, "Forwarded: for=\(client)\r\n")
                connections.append(try await RawConnection.open(port: mirror.port, sending: request))
                await mirror.waiting(connections.count)
            }
            #expect(mirror.server.coalescing.count == 1)
            await connections[1].finishSending()
            expect(try await connections[1].response(), "local/two", "region")
            for connection in connections { await connection.close() }
        }
    }

    // MARK: The pool in a field

    @Test(arguments: [true, false])
    func `a client names its pool in a field where that is allowed, and the URL overrides it`(usesFastPath: Bool) async throws {
        let options = try Self.options {
            $0.usesFastPath = usesFastPath
            $0.poolHeader = true
        }
        try await MirrorFixture.run(try await World.seeded(), options) { mirror in
            let connection = try await RawConnection.open(port: mirror.port, from: "127.0.0.2")
            func get(_ target: String, _ pools: String...) async throws -> RawResponse {
                try await connection.get(target, pools.map { ("X-Cloud-Mirror-Pool", $0) })
            }
            for _ in 1...2 {
                expect(try await get(Self.target, "local/dev"), "local/dev", nil)
                expect(try await get(Self.target, "local/two"), "local/two", nil)
                expect(try await get(Self.target), "local/two", "region")
                expect(try await get(Self.target + "?pool=local/two", "local/dev"), "local/two", nil)
                expect(try await get(World.target("/a.txt"), "local/two"), "local/dev", nil)
                for unknown in ["local/nowhere", "local", "", "local/dev/x"] { #expect(try await get(Self.target, unknown).status == 404) }
            }
            #expect(choices(mirror) == ["region": 2])
            #expect(mirror.answeredFast == (usesFastPath ? 4 : 0))
            await connection.close()
        }
    }

    @Test func `where it is not allowed the field is not read`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.options()) { mirror in
            for pool in ["local/two", "local/nowhere"] {
                expect(try await mirror.get(Self.target, [("X-Cloud-Mirror-Pool", pool)]), "local/dev", "default")
            }
        }
    }

    // MARK: Asking which

    @Test(arguments: [
        ("192.0.2.7", #"{"address":"192.0.2.7","lists":[LIST],"pool":"local/two","reason":"region","region":"aws/us-west-2"}"#),
        ("::ffff:192.0.2.7", #"{"address":"192.0.2.7","lists":[LIST],"pool":"local/two","reason":"region","region":"aws/us-west-2"}"#),
        ("127.0.0.3", #"{"address":"127.0.0.3","lists":[LIST],"network":"127.0.0.3/32","pool":"local/two","reason":"network"}"#),
        ("2001:DB8:0::1", #"{"address":"2001:db8::1","lists":[LIST],"pool":"local/dev","reason":"default"}"#),
    ])
    func `an administrator is told which pool an address gets, and why`(address: String, expected: String) async throws {
        try await MirrorFixture.run(World(), try Self.options()) { mirror in
            let target = "/v1/which?address=\(PercentCoding.encode(address))"
            let response = try await mirror.admin("GET", target)
            #expect(response.status == 200)
            let list = #"{"cloud":"aws","date":"2026-10-26T"#
            let text = response.text
            let start = try #require(text.firstRange(of: list)).lowerBound
            let end = try #require(text[start...].firstIndex(of: "}"))
            #expect(text.replacing(text[start...end], with: "LIST") == expected)
            #expect(text[start...end].hasSuffix(#","prefixes":2}"#))
            let refused = try await mirror.get(target)
            #expect(refused.status == 401)
        }
    }

    @Test(arguments: ["", "?address=", "?address=x", "?address=192.0.2.0/24", "?address=192.0.2.1:80", "?address=%5B::1%5D"])
    func `what is not an address is a 400`(query: String) async throws {
        try await MirrorFixture.run(World(), try Self.options()) { mirror in
            let response = try await mirror.admin("GET", "/v1/which\(query)")
            #expect(response.status == 400)
        }
    }
}
