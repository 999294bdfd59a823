import MirrorCore
import MirrorEngine
import MirrorState
import MirrorTesting
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct StatusRouteTests {
    /// Three in one pool, present, failed and pending; one in the other.
    private func world() async throws -> World {
        let world = World()
        try await world.seed("/a.txt")
        try await world.fail("/b.txt", .origin(status: 404), message: "there is none", for: .seconds(30))
        _ = try await world.state.claim(try world.id("/c.txt"))
        _ = try await world.state.claim(ReplicaID(artifact: try world.id("/a.txt").artifact, pool: try require(World.otherPool)))
        return world
    }

    private func paths(_ response: RawResponse) throws -> [String] {
        try require(response.json["replicas"]?.array).compactMap { item in
            item["url"]?.string.map { "\(item["pool"]?.string ?? "") \($0.dropFirst(World.origin.count))" }
        }
    }

    // MARK: Replicas

    @Test func `a page of replicas tells the state of each, and what belongs to it`() async throws {
        let world = try await world()
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.admin("GET", "/v1/replicas")
            #expect(response.status == 200)
            #expect(response.json["next"] == nil)
            let items = try require(response.json["replicas"]?.array)
            #expect(items.count == 4)
            // In the order of pools, and in a pool of the hashes of names.
            #expect(items.map { $0["pool"]?.string } == ["local/dev", "local/dev", "local/dev", "local/two"])
            func item(_ state: String) throws -> JSONValue { try require(items.first { $0["state"]?.string == state }) }
            #expect(items.count { $0["state"]?.string == "pending" } == 2)
            let present = try item("present")
            let time = world.clock.now.iso8601
            let artifact = try world.id("/a.txt").artifact
            #expect(present["url"]?.string == World.origin + "/a.txt")
            #expect(present["pool"]?.string == "local/dev")
            #expect(present["size"]?.number == 8)
            #expect(present["sha256"]?.string == "c7c5c1d70c5dec4416ab6158afd0b223ef40c29b1dc1f97ed9428b94d4cadb1c")
            #expect(present["key"]?.string == ObjectKey(artifact).description)
            #expect(present["stored"]?.string == time)
            #expect(present["lastUsed"]?.string == time)
            #expect(present["expiring"] == nil)
            let error = try require(try item("error")["error"])
            #expect(error["reason"]?.string == "origin")
            #expect(error["status"]?.number == 404)
            #expect(error["message"]?.string == "there is none")
            #expect(error["retryAt"]?.string == (world.clock.now + .seconds(30)).iso8601)
            #expect(try item("pending").names == ["url", "pool", "state"])
        }
    }

    @Test func `a replica that is marked is shown as expiring`() async throws {
        let world = try await world()
        _ = try await world.state.mark([try world.id("/a.txt")], unusedSince: world.clock.now)
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.admin("GET", "/v1/replicas?state=present")
            #expect(response.json["replicas"]?.array?.map { $0["expiring"] } == [.bool(true)])
        }
    }

    @Test func `following next shows every replica once, whatever the limit`() async throws {
        let world = World()
        for number in 0..<7 { try await world.seed("/\(number).txt") }
        try await MirrorFixture.run(world) { mirror in
            for limit in 1...8 {
                var seen: [String] = []
                var next: String?
                repeat {
                    let after = next.map { "&after=\($0)" } ?? ""
                    let page = try await mirror.admin("GET", "/v1/replicas?limit=\(limit)\(after)")
                    seen += try paths(page)
                    next = page.json["next"]?.string
                } while next != nil && seen.count < 100
                #expect(seen.sorted() == (0..<7).map { "local/dev /\($0).txt" })
            }
        }
    }

    @Test func `a page of one state is full while there are more, whatever is in between`() async throws {
        let world = World()
        for number in 0..<6 {
            try await world.seed("/present-\(number).txt")
            _ = try await world.state.claim(try world.id("/pending-\(number).txt"))
        }
        try await MirrorFixture.run(world) { mirror in
            var seen: [String] = []
            var next: String?
            repeat {
                let after = next.map { "&after=\($0)" } ?? ""
                let page = try await mirror.admin("GET", "/v1/replicas?state=pending&limit=2\(after)")
                let shown = try paths(page)
                #expect(shown.count == min(2, 6 - seen.count))
                seen += shown
                next = page.json["next"]?.string
            } while next != nil && seen.count < 100
            #expect(seen.sorted() == (0..<6).map { "local/dev /pending-\($0).txt" })
        }
    }

    @Test func `replicas are shown by pool and by state`() async throws {
        let world = try await world()
        try await MirrorFixture.run(world) { mirror in
            let expected = [
                "pool=local/dev": ["local/dev /a.txt", "local/dev /b.txt", "local/dev /c.txt"], "pool=local%2Ftwo": ["local/two /a.txt"],
                "state=pending": ["local/dev /c.txt", "local/two /a.txt"], "state=error": ["local/dev /b.txt"],
                "state=present&pool=local/two": [], "state=pending&pool=local/dev": ["local/dev /c.txt"], "state=absent": [],
            ]
            for (query, replicas) in expected {
                let response = try await mirror.admin("GET", "/v1/replicas?\(query)")
                #expect(response.status == 200)
                #expect(try paths(response).sorted() == replicas, "\(query)")
            }
        }
    }

    @Test(arguments: [
        "limit=0": 400, "limit=1001": 400, "limit=x": 400, "limit=-1": 400, "limit=": 400, "state=x": 400, "state=": 400, "after=x": 400,
        "after=": 400,
        "after=aGVsbG8": 400, "pool=local/nowhere": 404, "pool=x": 404,
    ])
    func `a parameter that is not understood is refused`(query: String, status: Int) async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.admin("GET", "/v1/replicas?\(query)")
            #expect(response.status == status)
            #expect(response.json["code"]?.string == (status == 400 ? "InputError" : "ResourceNotFound"))
        }
    }

    @Test func `an artifact's replicas are shown in one pool or in all, and asking starts no copy`() async throws {
        let world = try await world()
        try await MirrorFixture.run(world) { mirror in
            let all = try await mirror.admin("GET", World.target("/a.txt", route: "/v1/replicas/"))
            #expect(try paths(all) == ["local/dev /a.txt", "local/two /a.txt"])
            let one = try await mirror.admin("GET", World.target("/a.txt", route: "/v1/replicas/local/two/"))
            #expect(try paths(one) == ["local/two /a.txt"])
            for route in ["/v1/replicas/", "/v1/replicas/local/dev/"] {
                let none = try await mirror.admin("GET", World.target("/none.txt", route: route))
                #expect(none.status == 404)
                #expect(none.json["code"]?.string == "ResourceNotFound")
            }
            let none = try await world.state.replica(try world.id("/none.txt"))
            #expect(none == nil)
            let unknown = try await mirror.admin("GET", World.target("/a.txt", route: "/v1/replicas/s3/dev/"))
            #expect(unknown.status == 404)
            let unencoded = try await mirror.admin("GET", "/v1/replicas/https://x/y")
            #expect(unencoded.status == 400)
        }
    }

    // MARK: Pools and statistics

    @Test func `pools are shown with what they hold and whether they work`() async throws {
        let world = try await world()
        try await MirrorFixture.run(world) { mirror in
            mirror.store.breakDown()
            let response = try await mirror.admin("GET", "/v1/pools")
            let pools = try require(response.json["pools"]?.array)
            #expect(pools.map { $0["pool"]?.string } == ["local/dev", "local/two"])
            #expect(pools.map { $0["objects"]?.number } == [1, 0])
            #expect(pools.map { $0["bytes"]?.number } == [8, 0])
            #expect(pools.map { $0["pending"]?.number } == [1, 1])
            #expect(pools.map { $0["errors"]?.number } == [1, 0])
            #expect(pools.map { $0["healthy"] } == [.bool(false), .bool(true)])
            // Here the operator asks, who is told what the store says.
            #expect(pools.map { $0["reason"]?.string } == ["unavailable: broken on purpose", nil])
            #expect(pools.allSatisfy { $0["maxBytes"]?.number == Double(1 << 30) && $0["retention"]?.string?.isEmpty == false })
        }
    }

    @Test func `statistics count redirects by outcome on both paths, and the bytes that hits saved`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            for path in ["/a.txt", "/a.txt", "/a.txt", "/b.txt"] { _ = try await mirror.get(World.target(path)) }
            _ = try await mirror.get("/v1/redirect/local/dev/https%3A%2F%2Fother.example%2F")
            #expect(mirror.answeredFast == 2)
            world.clock.advance(by: .seconds(90))
            let stats = try await mirror.admin("GET", "/v1/stats").json
            #expect(stats["redirects"]?["hit"]?.number == 3)
            #expect(stats["redirects"]?["fallback"]?.number == 1)
            #expect(stats["redirects"]?["refused"]?.number == 1)
            #expect(stats["egressAvoidedBytes"]?.number == 24)
            #expect(stats["copiedBytes"]?.number == 0)
            #expect(stats["evictions"]?.number == 0)
            #expect(stats["waiting"]?.number == 0)
            #expect(stats["uptimeSeconds"]?.number == 90)
            #expect(stats["copies"]?.names == ["present", "error", "set-aside"])
            let origins = try require(stats["origins"]?.array)
            #expect(origins.map { $0["origin"]?.string } == [World.origin])
            #expect(origins[0]["queued"]?.number == 1)
            #expect(origins[0]["running"]?.number == 0)
            #expect(stats["coldClaims"]?["spentNetworks"]?.number == 0)
            #expect(stats["coldClaims"]?["networks"]?.array?.isEmpty == true)
        }
    }

    @Test func `statistics are shown however large the objects are that pools speak of`() async throws {
        let world = World()
        for pool in [World.pool, World.otherPool] {
            let id = try world.id("/a.txt", in: pool)
            let object = StoredObject(
                key: ObjectKey(id.artifact), size: .max, sha256: nil, storedAt: world.clock.now, lastUsed: world.clock.now)
            _ = try await world.state.recordPresent(id, object)
        }
        try await MirrorFixture.run(world) { mirror in
            for pool in ["local/dev", "local/two"] {
                let answer = try await mirror.get(World.target("/a.txt", route: "/v1/redirect/\(pool)/"))
                #expect(answer["X-Cloud-Mirror-Outcome"] == "hit")
            }
            let stats = try await mirror.admin("GET", "/v1/stats")
            #expect(stats.status == 200)
            #expect(stats.json["egressAvoidedBytes"]?.number == Double(Int64.max))
        }
    }

    @Test func `statistics say what hits saved and cost, at list prices and of which day`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        let options = MirrorOptions.with { options in
            options.isByCost = true
            options.prices = World.prices
        }
        try await MirrorFixture.run(world, options) { mirror in
            for _ in 0..<4 { _ = try await mirror.get(World.target("/a.txt")) }
            // What was priced once is not priced again.
            for _ in 0..<2 {
                let savings = try require(try await mirror.admin("GET", "/v1/stats").json["savings"])
                #expect(savings["pricesAsOf"]?.string == "2026-01-01")
                #expect(savings["savedDollars"]?.number == 4 - 4 * 0.25)
                #expect(savings["costDollars"]?["egress"]?.number == 0)
                #expect(savings["costDollars"]?["requests"]?.number == 1)
                #expect(savings["counterfactualDollars"]?["never"]?.number == 4)
                #expect(savings["counterfactualDollars"]?["tstar"]?.number == 1)
            }
        }
    }

    @Test func `statistics say nothing of dollars where nobody knows what the pools cost`() async throws {
        try await MirrorFixture.run { mirror in
            let stats = try await mirror.admin("GET", "/v1/stats").json
            #expect(stats["savings"] == nil)
            #expect(stats["uptimeSeconds"] != nil)
        }
    }

    @Test func `what pools hold is noted every minute, also while nobody looks`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            func held() -> Double { mirror.services.registry.values(of: EngineMetrics.Name.poolBytes).reduce(0) { $0 + $1.value } }
            let savings = Task { await mirror.services.runSavings() }
            await world.clock.sleepers(1)
            #expect(held() == 8)
            try await world.seed("/b.txt")
            world.clock.advance(by: .seconds(60))
            while held() < 16, !Task.isCancelled { await Task.yield() }
            #expect(held() == 16)
            savings.cancel()
            await savings.value
        }
    }
}
