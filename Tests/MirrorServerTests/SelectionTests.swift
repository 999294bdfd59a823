import MirrorCore
import MirrorEngine
import Testing

@testable import MirrorServer

/// Requests that name no pool: remembered and coalesced like all others, and for each client those of its own pool.
@Suite(.timeLimit(.minutes(2)))
struct SelectionTests {
    private static let target = World.target("/a.txt", route: "/v1/redirect/")
    /// The address of a client whose pool is `local/dev`.
    private static let here = "127.0.0.1"
    /// The address of a client whose pool is `local/two`.
    private static let there = "127.0.0.2"

    /// Clients are told apart by the other end of their connections.
    private static func byPeer(_ change: (inout MirrorOptions) -> Void = { _ in }) throws -> MirrorOptions {
        try .with {
            $0.networks = [(try require(IPNetwork(there)), try require(World.otherPool))]
            $0.fallback = World.pool
            change(&$0)
        }
    }

    /// All come from one proxy; clients in 10.0.0.0/8 have the pool `local/two`.
    private static func byProxy(_ change: (inout MirrorOptions) -> Void = { _ in }) throws -> MirrorOptions {
        try .with {
            $0.networks = [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))]
            $0.trustedProxies = [try require(IPNetwork("127.0.0.0/8"))]
            $0.fallback = World.pool
            change(&$0)
        }
    }

    private func expectHit(_ response: RawResponse, _ pool: String, sourceLocation: SourceLocation = #_sourceLocation) {
        #expect(response["X-Cloud-Mirror-Outcome"] == "hit", sourceLocation: sourceLocation)
        #expect(response["X-Cloud-Mirror-Pool"] == pool, sourceLocation: sourceLocation)
        #expect(response["Location"]?.hasPrefix("/\(pool)/") == true, sourceLocation: sourceLocation)
    }

    private func ask(_ mirror: MirrorFixture, from source: String, _ target: String, _ fields: String = "") async throws -> RawConnection {
        try await RawConnection.open(port: mirror.port, from: source, sending: RequestStream.request("GET", target, fields))
    }

    // MARK: The fast path

    @Test func `clients of different networks get the same target from the fast path, each from its pool`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.byPeer()) { mirror in
            let here = try await RawConnection.open(port: mirror.port, from: Self.here)
            let there = try await RawConnection.open(port: mirror.port, from: Self.there)
            for _ in 1...3 {
                expectHit(try await here.get(Self.target), "local/dev")
                expectHit(try await there.get(Self.target), "local/two")
            }
            #expect(mirror.answeredFast == 4)
            for (connection, pool) in [(here, "local/dev"), (there, "local/two")] {
                expectHit(try await connection.request("HEAD", Self.target), pool)
            }
            #expect(mirror.answeredFast == 6)
            // A target that names its pool has one answer for all.
            for connection in [here, there, here] { expectHit(try await connection.get(World.target("/a.txt")), "local/dev") }
            #expect(mirror.answeredFast == 8)
            for connection in [here, there] { await connection.close() }
        }
    }

    @Test func `a default alone chooses, too`() async throws {
        try await MirrorFixture.run(try await World.seeded(), .with { $0.fallback = World.otherPool }) { mirror in
            for _ in 1...3 { expectHit(try await mirror.get(Self.target), "local/two") }
            #expect(mirror.answeredFast == 2)
        }
    }

    @Test func `pipelined requests for both ways to ask are answered in order`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.byPeer()) { mirror in
            let requests = RequestStream.request("GET", Self.target) + RequestStream.request("GET", World.target("/a.txt"))
            let connection = try await ask(mirror, from: Self.there, Self.target)
            expectHit(try await connection.response(), "local/two")
            for round in 1...2 {
                await connection.send(requests)
                for pool in ["local/two", "local/dev"] { expectHit(try await connection.response(), pool) }
                #expect(mirror.answeredFast == 2 * round - 1)
            }
            await connection.close()
        }
    }

    @Test func `behind a trusted proxy the pool is chosen for each request`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.byProxy()) { mirror in
            let connection = try await mirror.connection()
            for client in ["192.0.2.1", "10.1.2.3"] { _ = try await connection.get(Self.target, [("X-Forwarded-For", client)]) }
            #expect(mirror.answeredFast == 0)
            let fields: [([String], String)] = [
                (["10.1.2.3"], "local/two"), (["192.0.2.1"], "local/dev"), (["10.1.2.3:51234"], "local/two"), ([], "local/dev"),
                (["192.0.2.1", "10.1.2.3"], "local/two"), (["10.1.2.3", "192.0.2.1"], "local/dev"),
                (["10.1.2.3, 192.0.2.1"], "local/dev"),
                (["192.0.2.1,10.1.2.3", "127.0.0.9"], "local/two"), (["10.1.2.3, unknown"], "local/dev"),
                (["10.1.2.3, ,", ""], "local/two"),
                (["\"[::ffff:10.1.2.3]:80\""], "local/two"), (["2001:db8::1"], "local/dev"),
            ]
            for (number, (values, pool)) in fields.enumerated() {
                let response = try await connection.get(Self.target, values.map { ("X-Forwarded-For", $0) })
                expectHit(response, pool)
                #expect(mirror.answeredFast == number + 1, "\(values)")
            }
            await connection.close()
        }
    }

    @Test func `more of X-Forwarded-For than the slow path keeps is left to it`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.byProxy()) { mirror in
            // With the name of the field 1,024 bytes, and one more.
            for (padding, fast) in [(1_000, 1), (1_001, 0)] {
                let before = mirror.answeredFast
                let value = String(repeating: "x", count: padding) + ",10.1.2.3"
                #expect("X-Forwarded-For".utf8.count + value.utf8.count == padding + 24)
                for _ in 1...2 { expectHit(try await mirror.get(Self.target, [("X-Forwarded-For", value)]), "local/two") }
                // The first of all fills the table.
                #expect(mirror.answeredFast - before == fast)
            }
        }
    }

    @Test func `X-Forwarded-For of a stranger chooses nothing on the fast path either`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.byProxy { $0.trustedProxies = [] }) { mirror in
            for client in ["10.1.2.3", "192.0.2.1", "10.1.2.3"] {
                expectHit(try await mirror.get(Self.target, [("X-Forwarded-For", client)]), "local/dev")
            }
            #expect(mirror.answeredFast == 2)
        }
    }

    @Test func `a client that no pool serves goes to the origin at once, whatever others get for the same target`() async throws {
        let options = try Self.byProxy {
            $0.fallback = nil
            $0.maxWait = .seconds(28)
        }
        try await MirrorFixture.run(try await World.seeded(), options) { mirror in
            func expectOrigin(_ path: String) async throws {
                let target = World.target(path, route: "/v1/redirect/")
                let response = try await mirror.get(target, [("X-Forwarded-For", "192.0.2.1")])
                #expect(response["Location"] == World.origin + path)
                #expect(response.json["msg"]?.string == Fallback.noPool.message)
                #expect(!response.has("X-Cloud-Mirror-Pool"))
            }
            for _ in 1...3 {
                expectHit(try await mirror.get(Self.target, [("X-Forwarded-For", "10.1.2.3")]), "local/two")
                try await expectOrigin("/a.txt")
            }
            #expect(mirror.answeredFast == 2)
            let cold = World.target("/b.txt", route: "/v1/redirect/")
            let waiting = try await ask(mirror, from: Self.here, cold, "X-Forwarded-For: 10.1.2.3\r\n")
            await mirror.waiting(1)
            try await expectOrigin("/b.txt")
            #expect(mirror.services.waiters.count == 1)
            await waiting.close()
        }
    }

    // MARK: Coalescing

    @Test func `clients of different networks that ask for the same at once wait apart, each for the copy in its pool`() async throws {
        let world = World()
        try await MirrorFixture.run(world, try Self.byPeer { $0.maxWait = .seconds(28) }) { mirror in
            // Such a head is read by the full parser.
            let odd = "X-Padding: \(String(repeating: "x", count: 20_000))\r\n"
            var (here, there): ([RawConnection], [RawConnection]) = ([], [])
            for (number, fields) in ["", "", odd].enumerated() {
                here.append(try await ask(mirror, from: Self.here, Self.target, fields))
                await mirror.waiting(2 * number + 1)
                there.append(try await ask(mirror, from: Self.there, Self.target, fields))
                await mirror.waiting(2 * number + 2)
            }
            #expect(mirror.server.coalescing.count == 2)
            for (connections, pool) in [(there, World.otherPool), (here, World.pool)] {
                #expect(connections.allSatisfy { $0.unread == 0 })
                try await world.finishCopy("/a.txt", in: pool)
                for connection in connections {
                    let response = try await connection.response()
                    #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                    #expect(response["X-Cloud-Mirror-Pool"] == pool?.description)
                    #expect(response["Location"]?.hasPrefix("/\(pool?.description ?? "")/") == true)
                    await connection.close()
                }
            }
            // One answer was made for all clients of a pool.
            #expect(mirror.store.locations == 1)
            #expect(mirror.otherStore.locations == 1)
        }
    }

    @Test func `clients of one proxy that are of different networks wait apart`() async throws {
        let world = World()
        try await MirrorFixture.run(world, try Self.byProxy { $0.maxWait = .seconds(28) }) { mirror in
            var connections: [(RawConnection, String)] = []
            for (client, pool) in [
                ("10.1.2.3", "local/two"), ("192.0.2.1", "local/dev"), ("10.9.9.9", "local/two"), ("192.0.2.9", "local/dev"),
            ] {
                connections.append((try await ask(mirror, from: Self.here, Self.target, "X-Forwarded-For: \(client)\r\n"), pool))
                await mirror.waiting(connections.count)
            }
            #expect(mirror.server.coalescing.count == 2)
            for pool in [World.pool, World.otherPool] { try await world.finishCopy("/a.txt", in: pool) }
            for (connection, pool) in connections {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                #expect(response["X-Cloud-Mirror-Pool"] == pool)
                await connection.close()
            }
        }
    }

    @Test func `where the query names the pool, clients of all networks wait together`() async throws {
        let world = World()
        try await MirrorFixture.run(world, try Self.byPeer { $0.maxWait = .seconds(28) }) { mirror in
            var connections: [RawConnection] = []
            for source in [Self.here, Self.there] {
                connections.append(try await ask(mirror, from: source, Self.target + "?pool=local/two"))
                await mirror.waiting(connections.count)
            }
            #expect(mirror.server.coalescing.count == 1)
            try await world.finishCopy("/a.txt", in: World.otherPool)
            for connection in connections {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Pool"] == "local/two")
                await connection.close()
            }
        }
    }

    @Test func `a client behind a proxy that leaves is still answered for its own pool`() async throws {
        try await MirrorFixture.run(World(), try Self.byProxy { $0.maxWait = .seconds(28) }) { mirror in
            var connections: [RawConnection] = []
            for _ in 1...2 {
                connections.append(try await ask(mirror, from: Self.here, Self.target, "X-Forwarded-For: 10.1.2.3\r\n"))
                await mirror.waiting(connections.count)
            }
            #expect(mirror.server.coalescing.count == 1)
            await connections[1].finishSending()
            let response = try await connections[1].response()
            #expect(response["Location"] == World.origin + "/a.txt")
            #expect(response["X-Cloud-Mirror-Pool"] == "local/two")
            for connection in connections { await connection.close() }
        }
    }

    // MARK: Reloads

    @Test func `a connection follows a new selection with its next request`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.byPeer()) { mirror in
            let selector = mirror.services.selector
            let old = selector.value
            let new = PoolSelector(SelectionConfiguration(fallback: World.pool))
            let connection = try await RawConnection.open(port: mirror.port, from: Self.there)
            // Both answers are remembered, and no reload forgets them here.
            for (source, pool) in [(Self.here, "local/dev"), (Self.there, "local/two")] {
                let other = try await ask(mirror, from: source, Self.target)
                expectHit(try await other.response(), pool)
                await other.close()
            }
            for round in 1...3 {
                expectHit(try await connection.get(Self.target), "local/two")
                selector.replace(with: new)
                expectHit(try await connection.get(Self.target), "local/dev")
                selector.replace(with: old)
                #expect(mirror.answeredFast == 2 * round)
            }
            // As a reload does it.
            selector.replace(with: new)
            mirror.server.forgetAnswers()
            let before = mirror.answeredFast
            for _ in 1...2 { expectHit(try await connection.get(Self.target), "local/dev") }
            #expect(mirror.answeredFast == before + 1)
            await connection.close()
        }
    }

    @Test func `a connection follows a new list of trusted proxies with its next request`() async throws {
        try await MirrorFixture.run(try await World.seeded(), try Self.byProxy()) { mirror in
            let selector = mirror.services.selector
            let old = selector.value
            let new = PoolSelector(
                SelectionConfiguration(
                    networks: old.selection.networks.map { (network: $0.network, pool: $0.pool) }, fallback: old.selection.fallback))
            let connection = try await mirror.connection()
            for (value, pool) in [(old, "local/two"), (new, "local/dev"), (old, "local/two"), (new, "local/dev")] {
                selector.replace(with: value)
                expectHit(try await connection.get(Self.target, [("X-Forwarded-For", "10.1.2.3")]), pool)
            }
            #expect(mirror.answeredFast == 2)
            await connection.close()
        }
    }

    @Test(arguments: [true, false])
    func `a client that comes after a reload does not join those that wait for the pool of before`(isForgotten: Bool) async throws {
        let world = World()
        try await MirrorFixture.run(world, try Self.byPeer { $0.maxWait = .seconds(28) }) { mirror in
            let early = try await ask(mirror, from: Self.there, Self.target)
            await mirror.waiting(1)
            mirror.services.selector.replace(with: PoolSelector(SelectionConfiguration(fallback: World.pool)))
            if isForgotten { mirror.server.forgetAnswers() }
            let late = try await ask(mirror, from: Self.there, Self.target)
            await mirror.waiting(2)
            #expect(mirror.server.coalescing.count == (isForgotten ? 1 : 2))
            for (connection, pool) in [(late, World.pool), (early, World.otherPool)] {
                #expect(connection.unread == 0)
                try await world.finishCopy("/a.txt", in: pool)
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Pool"] == pool?.description)
                await connection.close()
            }
        }
    }

    @Test func `a request that began before a reload is not joined by those that come after it`() async throws {
        try await MirrorFixture.run { mirror in
            let coalescing = mirror.server.coalescing
            let pool = try #require(World.pool.flatMap { mirror.services.pools[$0] })
            let patience = Patience(hop: .seconds(8), hops: 0)
            let key = CoalescedRequests.Key(target: Array(Self.target.utf8), choice: .chosen(0, .fallback), isHead: false)
            let origin = try mirror.services.redirects.resolve(World.origin + "/a.txt")
            let wait = mirror.services.redirects.wait(asked: nil, hop: 0, patience: patience)
            let old = coalescing.epoch
            mirror.server.forgetAnswers()
            #expect(coalescing.open(key, patience, origin, in: pool, wait: wait, epoch: old) == nil)
            #expect(coalescing.open(key, patience, origin, in: pool, wait: wait, epoch: coalescing.epoch) != nil)
        }
    }
}
