import HTTPTypes
import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine
@testable import MirrorServer

/// Identical requests that wait for one copy.
@Suite(.timeLimit(.minutes(1)))
struct CoalescingTests {
    private static let waiting = MirrorOptions.with { $0.maxWait = .seconds(28) }
    private static let target = World.target("/a.txt")

    /// Sends identical requests on connections of their own. The first of them is on the slow path.
    private func coalesced(_ count: Int, _ mirror: MirrorFixture) async throws -> [RawConnection] {
        var connections: [RawConnection] = []
        for number in 1...count {
            let connection = try await mirror.connection()
            await connection.send(RequestStream.request("GET", Self.target))
            await mirror.waiting(number)
            connections.append(connection)
        }
        return connections
    }

    private func outcomes(_ mirror: MirrorFixture, _ outcome: String) -> Int {
        mirror.services.registry.values(of: "cloud_mirror_redirects_total").reduce(0) {
            $0 + ($1.labels["outcome"] == outcome ? Int($1.value) : 0)
        }
    }

    /// All but the time, of which Hummingbird has its own.
    private func shown(_ response: RawResponse) -> String {
        let fields = response.fields.filter { $0.name.lowercased() != "date" }.map { "\($0.name): \($0.value)" }
        return ([response.statusLine] + fields + ["", response.text]).joined(separator: "\n")
    }

    @Test func `coalesced requests get one answer, each the bytes that the slow path gives`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await coalesced(5, mirror)
            #expect(mirror.server.coalescing.count == 1)
            try await world.finishCopy("/a.txt")
            let first = try await connections[0].response()
            #expect(first.status == 302)
            #expect(first["X-Cloud-Mirror-Outcome"] == "wait")
            for connection in connections.dropFirst() {
                let response = try await connection.response()
                #expect(shown(response) == shown(first))
                #expect(connection.unread == 0)
            }
            // One made for all of them.
            #expect(mirror.store.locations == 1)
            #expect(outcomes(mirror, "wait") == 5)
            #expect(mirror.services.waiters.count == 0)
            #expect(mirror.server.coalescing.count == 0)
            for connection in connections {
                let next = try await connection.get(Self.target)
                #expect(next["X-Cloud-Mirror-Outcome"] == "hit")
                await connection.close()
            }
        }
    }

    @Test func `coalesced requests get the answer to a failed copy that each would get alone`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await coalesced(3, mirror)
            let id = try world.id("/a.txt")
            let lease = try require(try await world.state.lease(pools: [id.pool], worker: "test", duration: .seconds(60)))
            let failure = CopyFailure(reason: .origin(status: 410), message: "it is gone", retryAt: world.clock.now + .seconds(30))
            try await world.state.finish(lease, .failed(failure))
            let first = try await connections[0].response()
            #expect(first.status == 410)
            #expect(first["X-Cloud-Mirror-Outcome"] == "error")
            for connection in connections.dropFirst() {
                let response = try await connection.response()
                #expect(shown(response) == shown(first))
            }
            #expect(outcomes(mirror, "error") == 3)
            for connection in connections { await connection.close() }
        }
    }

    @Test func `each coalesced request waits as long as if it were alone, and then goes to the origin`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let early = try await coalesced(2, mirror)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(20))
            let late = try await mirror.connection()
            await late.send(RequestStream.request("GET", Self.target))
            await mirror.waiting(3)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(8))
            for connection in early {
                let response = try await connection.response()
                #expect(response["Location"] == World.origin + "/a.txt")
                #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            }
            #expect(mirror.services.waiters.count == 1)
            // Who comes now still joins.
            let last = try await mirror.connection()
            await last.send(RequestStream.request("GET", Self.target))
            await mirror.waiting(2)
            #expect(mirror.server.coalescing.count == 1)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(20))
            let response = try await late.response()
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(last.unread == 0)
            try await world.finishCopy("/a.txt")
            let answer = try await last.response()
            #expect(answer["X-Cloud-Mirror-Outcome"] == "wait")
            #expect(mirror.services.waiters.count == 0)
            for connection in early + [late, last] { await connection.close() }
        }
    }

    @Test func `requests that say how long they wait are coalesced, and others do not join them`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            var connections: [RawConnection] = []
            for (number, query) in ["?wait=5", "?wait=5", "", "?missing=1"].enumerated() {
                let connection = try await mirror.connection()
                await connection.send(RequestStream.request("GET", Self.target + query))
                await mirror.waiting(number + 1)
                connections.append(connection)
            }
            #expect(mirror.server.coalescing.count == 2)
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(5))
            for connection in connections[..<2] {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            }
            #expect(mirror.services.waiters.count == 2)
            #expect(mirror.server.coalescing.count == 1)
            try await world.finishCopy("/a.txt")
            for connection in connections[2...] {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
            }
            // What has a query is not remembered.
            for _ in 1...2 { _ = try await mirror.get(Self.target + "?wait=5") }
            #expect(mirror.store.locations == 4)
            for connection in connections { await connection.close() }
        }
    }

    @Test func `a request with a head that only the parser reads joins, too, and keeps its connection`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await coalesced(1, mirror)
            let odd = "Accept: a\tb\r\nX-Padding: \(String(repeating: "x", count: 20_000))\r\n"
            var others: [RawConnection] = []
            for (number, fields) in [odd, "Connection: close\r\n" + odd, "Content-Length: 1\r\n" + odd].enumerated() {
                others.append(try await mirror.connection())
                await others[number].send(RequestStream.request("GET", Self.target, fields) + (number == 2 ? "x" : ""))
                await mirror.waiting(number + 2)
            }
            try await world.finishCopy("/a.txt")
            let first = try await connections[0].response()
            for (number, connection) in others.enumerated() {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                #expect(response["Connection"] == (number == 1 ? "close" : nil))
                if number != 1 { #expect(shown(response) == shown(first)) }
            }
            // The first of all, and those of whom the answer or the rest of the request says more.
            #expect(mirror.store.locations == 3)
            for connection in [others[0], others[2]] {
                let next = try await connection.get("/v1/ping", [("Accept", "a\tb")])
                #expect(next.status == 200)
            }
            for connection in connections + others { await connection.close() }
        }
    }

    @Test func `a client that hangs up leaves the coalesced requests`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await coalesced(3, mirror)
            try await connections[1].reset()
            try await eventually("it waits no more") { mirror.services.waiters.count <= 2 }
            try await world.finishCopy("/a.txt")
            for connection in [connections[0], connections[2]] {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                await connection.close()
            }
            #expect(outcomes(mirror, "wait") == 2)
        }
    }

    @Test func `who asks for more while it waits is answered in order`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await coalesced(2, mirror)
            await connections[1].send(RequestStream.request("GET", "/v1/ping"))
            try await mirror.readWhatCame()
            #expect(mirror.services.waiters.count == 2)
            #expect(connections[1].unread == 0)
            try await world.finishCopy("/a.txt")
            let redirect = try await connections[1].response()
            #expect(redirect["X-Cloud-Mirror-Outcome"] == "wait")
            let ping = try await connections[1].response()
            #expect(ping.status == 200)
            for connection in connections { await connection.close() }
        }
    }

    @Test func `who asks after a purge does not join those who asked before`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await coalesced(2, mirror)
            let id = try world.id("/a.txt")
            mirror.server.coalescing.invalidate(.replica(id))
            let late = try await mirror.connection()
            await late.send(RequestStream.request("GET", Self.target))
            await mirror.waiting(3)
            // By itself: the others are no longer in the table.
            #expect(mirror.server.coalescing.count == 1)
            try await world.finishCopy("/a.txt")
            for connection in connections + [late] {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                await connection.close()
            }
            #expect(mirror.store.locations == 2)
        }
    }

    @Test func `no more requests wait than may, coalesced or not`() async throws {
        let world = World()
        let options = MirrorOptions.with {
            $0.maxWait = .seconds(28)
            $0.maxWaiting = 3
        }
        try await MirrorFixture.run(world, options) { mirror in
            let connections = try await coalesced(3, mirror)
            let response = try await mirror.get(Self.target)
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            try await world.finishCopy("/a.txt")
            for connection in connections {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                await connection.close()
            }
        }
    }

    @Test func `a client behind a trusted proxy has its share of the waits, coalesced or not, and others wait on`() async throws {
        let world = World()
        let options = MirrorOptions.with {
            $0.maxWait = .seconds(28)
            $0.maxWaiting = 8
            $0.trustedProxies = ["127.0.0.0/8"].compactMap { IPNetwork($0) }
        }
        try await MirrorFixture.run(world, options) { mirror in
            func ask(_ path: String, from client: String) async throws -> RawConnection {
                let connection = try await mirror.connection()
                await connection.send(RequestStream.request("GET", World.target(path), "X-Forwarded-For: \(client)\r\n"))
                return connection
            }
            func isRefused(_ path: String, from client: String) async throws -> Bool {
                let response = try await mirror.get(World.target(path), [("X-Forwarded-For", client)])
                #expect(response["Location"] == World.origin + path)
                return response.json["msg"]?.string == Fallback.share.message
            }
            var waiting: [RawConnection] = []
            for client in ["192.0.2.7", "203.0.113.9, 192.0.2.7", "192.0.2.8"] {
                waiting.append(try await ask("/a.txt", from: client))
                await mirror.waiting(waiting.count)
            }
            #expect(mirror.server.coalescing.count == 1)
            #expect(try await isRefused("/a.txt", from: "192.0.2.7"))
            #expect(try await isRefused("/b.txt", from: "192.0.2.7"))
            #expect(mirror.server.coalescing.count == 1)
            waiting.append(try await ask("/b.txt", from: "192.0.2.8"))
            await mirror.waiting(4)
            for path in ["/a.txt", "/b.txt"] { try await world.finishCopy(path) }
            for connection in waiting {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                await connection.close()
            }
            let again = try await ask("/c.txt", from: "192.0.2.7")
            await mirror.waiting(1)
            await again.close()
        }
    }

    @Test func `who is refused for the share of its network does not take those along who wait with it`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await coalesced(2, mirror)
            let pool = try #require(World.pool.flatMap { mirror.services.pools[$0] })
            let patience = Patience(hop: .seconds(3_600), hops: 0)
            let key = CoalescedRequests.Key(target: Array(Self.target.utf8), choice: .named, isHead: false)
            mirror.server.coalescing.invalidate(.everything)
            let wait = mirror.services.redirects.wait(asked: nil, hop: 0, patience: patience)
            let origin = try mirror.services.redirects.resolve(World.origin + "/a.txt")
            let epoch = mirror.server.coalescing.epoch
            let opened = try #require(mirror.server.coalescing.open(key, patience, origin, in: pool, wait: wait, epoch: epoch))
            let late = try await mirror.connection()
            await late.send(RequestStream.request("GET", Self.target))
            await mirror.waiting(3)
            let refusal = WholeResponse.redirect(
                .found, to: World.origin + "/a.txt", pool: World.pool, outcome: .fallback, digest: nil, message: Fallback.share.message)
            mirror.server.coalescing.end(opened, from: ClientNetwork(nil), as: .origin(.share), with: refusal)
            #expect(mirror.services.waiters.count == 3)
            try await world.finishCopy("/a.txt")
            for connection in connections + [late] {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                await connection.close()
            }
        }
    }

    @Test func `how long a client waits is asked only where there is something to join`() async throws {
        try await MirrorFixture.run(World(), Self.waiting) { mirror in
            let coalescing = mirror.server.coalescing
            let pool = try #require(World.pool.flatMap { mirror.services.pools[$0] })
            let origin = try mirror.services.redirects.resolve(World.origin + "/a.txt")
            func key(_ target: String, isHead: Bool = false) -> CoalescedRequests.Key {
                CoalescedRequests.Key(target: Array(target.utf8), choice: .named, isHead: isHead)
            }
            let (brief, long) = (Patience(hop: .seconds(1), hops: 0), Patience(hop: .seconds(2), hops: 0))
            for patience in [brief, long] {
                let wait = mirror.services.redirects.wait(asked: nil, hop: 0, patience: patience)
                _ = try #require(coalescing.open(key("/a"), patience, origin, in: pool, wait: wait, epoch: coalescing.epoch))
            }
            #expect(coalescing.count == 2)
            var asked = 0
            func find(_ key: CoalescedRequests.Key, _ patience: Patience) -> CoalescedRequests? {
                coalescing.find(key, or: .origin) {
                    asked += 1
                    return patience
                }
            }
            for other in [key("/b"), key("/a", isHead: true)] { #expect(find(other, brief) == nil) }
            #expect(asked == 0)
            for patience in [brief, long] { #expect(find(key("/a"), patience)?.patience == patience) }
            #expect(find(key("/a"), Patience(hop: .seconds(3), hops: 0)) == nil)
            #expect(asked == 3)
            coalescing.invalidate(.replica(try mirror.world.id("/a.txt")))
            #expect(coalescing.isEmpty)
        }
    }

    @Test func `who is refused for its budget takes along only those of its network, and another one claims`() async throws {
        let world = World()
        let options = MirrorOptions.with {
            $0.maxWait = .seconds(28)
            $0.trustedProxies = ["127.0.0.0/8"].compactMap { IPNetwork($0) }
            $0.coldClaims = ColdClaimLimits(perSecond: 1, burst: 1, bytesPerMinute: 0)
        }
        try await MirrorFixture.run(world, options) { mirror in
            let pool = try #require(World.pool.flatMap { mirror.services.pools[$0] })
            let patience = Patience(hop: .seconds(3_600), hops: 0)
            let key = CoalescedRequests.Key(target: Array(Self.target.utf8), choice: .named, isHead: false)
            let wait = mirror.services.redirects.wait(asked: nil, hop: 0, patience: patience)
            let origin = try mirror.services.redirects.resolve(World.origin + "/a.txt")
            let epoch = mirror.server.coalescing.epoch
            let opened = try #require(mirror.server.coalescing.open(key, patience, origin, in: pool, wait: wait, epoch: epoch))
            var connections: [RawConnection] = []
            for client in ["192.0.2.7", "192.0.2.8", "192.0.2.9"] {
                let connection = try await mirror.connection()
                await connection.send(RequestStream.request("GET", Self.target, "X-Forwarded-For: \(client)\r\n"))
                connections.append(connection)
                await mirror.waiting(connections.count)
            }
            let refusal = WholeResponse.redirect(
                .found, to: World.origin + "/a.txt", pool: World.pool, outcome: .fallback, digest: nil, message: Fallback.budget.message)
            let poor = ClientNetwork(IPAddress("192.0.2.7"))
            mirror.server.coalescing.end(opened, from: poor, as: .origin(.budget), with: refusal)
            let refused = try await connections[0].response()
            #expect(refused.json["msg"]?.string == Fallback.budget.message)
            let id = try world.id("/a.txt")
            while try await world.state.replica(id)?.state != .pending, !Task.isCancelled { await Task.yield() }
            try await world.finishCopy("/a.txt")
            for connection in connections[1...] {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
            }
            let spent = mirror.services.redirects.coldClaims.spent
            #expect(spent.count == 1)
            #expect(!spent.contains(poor))
            for connection in connections { await connection.close() }
        }
    }
}
