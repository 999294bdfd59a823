import MirrorCore
import MirrorState
import MirrorStorage
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct AdminRouteTests {
    // MARK: Purge

    @Test func `a purge takes away the replica and its object, and is a 204 also the second time`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        let kept = try await world.seed("/b.txt")
        try await MirrorFixture.run(world) { mirror in
            for _ in 0..<2 {
                let response = try await mirror.admin("DELETE", World.target("/a.txt", route: "/v1/purge/local/dev/"))
                #expect(response.statusLine == "HTTP/1.1 204 No Content")
                #expect(!response.has("Content-Length"))
                let replica = try await world.state.replica(id)
                #expect(replica == nil)
                await #expect(throws: StorageError.self) { try await world.memory.head(ObjectKey(id.artifact)) }
            }
            let other = try await world.state.replica(kept)
            #expect(other?.state == .present)
        }
    }

    @Test func `a purge takes away an object that the state does not know`() async throws {
        let world = World()
        let info = try await world.store("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.admin("DELETE", World.target("/a.txt", route: "/v1/purge/local/dev/"))
            #expect(response.status == 204)
            await #expect(throws: StorageError.self) { try await world.memory.head(info.key) }
        }
    }

    @Test func `a purge without a pool takes away the replicas in all of them`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await world.fail("/b.txt", .transfer)
        let other = ReplicaID(artifact: id.artifact, pool: try require(World.otherPool))
        _ = try await world.state.claim(other)
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.admin("DELETE", World.target("/a.txt", route: "/v1/purge/"))
            #expect(response.status == 204)
            let left = try await world.state.replicas(in: nil, after: nil, limit: 10)
            #expect(left.map(\.state) == [.error])
            let pending = try await world.state.lease(pools: [other.pool], worker: "test", duration: .seconds(1))
            #expect(pending == nil)
        }
    }

    @Test(arguments: ["return=representation", "respond-async, Return=Representation", "return = representation"])
    func `a purge tells a client that prefers it what was there`(preference: String) async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        let other = ReplicaID(artifact: id.artifact, pool: try require(World.otherPool))
        _ = try await world.state.claim(other)
        try await world.store("/forgotten.txt")
        try await MirrorFixture.run(world) { mirror in
            func purge(_ path: String) async throws -> (url: String?, removed: [[String?]]) {
                let response = try await mirror.request(
                    "DELETE", World.target(path, route: "/v1/purge/"),
                    [("Authorization", "Bearer \(MirrorFixture.token)"), ("Prefer", preference)])
                #expect(response.status == 200)
                #expect(response["Preference-Applied"] == "return=representation")
                let removed = try require(response.json["removed"]?.array)
                return (response.json["url"]?.string, removed.map { [$0["pool"]?.string, $0["state"]?.string] })
            }
            let first = try await purge("/a.txt")
            #expect(first.url == "\(World.origin)/a.txt")
            #expect(first.removed == [["local/dev", "present"], ["local/two", "pending"]])
            #expect(try await purge("/a.txt").removed == [])
            #expect(try await purge("/forgotten.txt").removed == [["local/dev", "forgotten"]])
            #expect(try await purge("/never.txt").removed == [])
        }
    }

    @Test func `a purge whose client prefers something else is a 204`() async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.request(
                "DELETE", World.target("/a.txt", route: "/v1/purge/"),
                [("Authorization", "Bearer \(MirrorFixture.token)"), ("Prefer", "return=minimal")])
            #expect(response.status == 204)
        }
    }

    @Test func `a purge of what is no URL, or in an unknown pool, is refused`() async throws {
        try await MirrorFixture.run { mirror in
            let unencoded = try await mirror.admin("DELETE", "/v1/purge/local/dev/https://artifacts.example.org/a.txt")
            #expect(unencoded.status == 400)
            let unknown = try await mirror.admin("DELETE", World.target("/a.txt", route: "/v1/purge/s3/dev/"))
            #expect(unknown.status == 404)
        }
    }

    @Test func `a purge that the pool cannot do is a 503, and can be done again`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            mirror.store.breakDown()
            let target = World.target("/a.txt", route: "/v1/purge/local/dev/")
            let failed = try await mirror.admin("DELETE", target)
            #expect(failed.status == 503)
            #expect(failed.json["code"]?.string == "ServiceUnavailable")
            // Nothing is handed out of a removal that was begun.
            let redirect = try await mirror.get(World.target("/a.txt"))
            #expect(redirect["X-Cloud-Mirror-Outcome"] == "fallback")
        }
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.admin("DELETE", World.target("/a.txt", route: "/v1/purge/local/dev/"))
            #expect(response.status == 204)
            let replica = try await world.state.replica(id)
            #expect(replica == nil)
        }
    }

    // MARK: Warm

    @Test func `warming is a 202 that tells what became of each artifact in each pool`() async throws {
        let world = World()
        try await world.seed("/present.txt")
        try await MirrorFixture.run(world) { mirror in
            let body =
                #"{"urls":["\#(World.origin)/present.txt","\#(World.origin)/new.txt","https://other.example/a"],"pools":["local/dev"]}"#
            let response = try await mirror.admin("POST", "/v1/warm", body: body)
            #expect(response.status == 202)
            let items = try require(response.json["replicas"]?.array)
            #expect(
                items.map { $0["url"]?.string } == [World.origin + "/present.txt", World.origin + "/new.txt", "https://other.example/a"])
            #expect(items.map { $0["pool"]?.string } == ["local/dev", "local/dev", "local/dev"])
            #expect(items.map { $0["state"]?.string } == ["present", "pending", "refused"])
            #expect(items[2]["error"]?.string?.isEmpty == false)
            let again = try await mirror.admin("POST", "/v1/warm", body: body)
            #expect(again.json == response.json)
        }
    }

    @Test func `warming tells of a failure that is remembered why it is one`() async throws {
        let world = World()
        try await world.fail("/gone.txt", .origin(status: 404), message: "the origin has none")
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.admin(
                "POST", "/v1/warm", body: #"{"urls":["\#(World.origin)/gone.txt"],"pools":["local/dev"]}"#)
            let item = try require(response.json["replicas"]?.array?.first)
            #expect(item["state"]?.string == "error")
            #expect(item["error"]?.string == "the origin has none")
        }
    }

    @Test func `warming without pools means all of them`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.admin("POST", "/v1/warm", body: #"{"urls":["\#(World.origin)/a"]}"#)
            let items = try require(response.json["replicas"]?.array)
            #expect(items.map { $0["pool"]?.string } == ["local/dev", "local/two"])
            let totals = try await world.state.totals(of: try require(World.otherPool))
            #expect(totals.pending == 1)
        }
    }

    @Test(arguments: [
        "", "{", "[]", "null", #"{"urls":"x"}"#, #"{"urls":[1]}"#, "{}", #"{"urls":["no url"]}"#, #"{"urls":[],"pools":"local/dev"}"#,
        #"{"urls":["https://artifacts.example.org/a","ftp://x/y"]}"#, "\u{0}", String(repeating: "[", count: 100_000),
    ])
    func `a body that is not understood is a 400, and nothing is queued`(body: String) async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.admin("POST", "/v1/warm", body: body)
            #expect(response.status == 400)
            #expect(response.json["code"]?.string == "InputError")
            let replicas = try await world.state.replicas(in: nil, after: nil, limit: 10)
            #expect(replicas.isEmpty)
        }
    }

    @Test func `an unknown pool is a 404, too many artifacts are a 400, too large a body is a 413`() async throws {
        try await MirrorFixture.run { mirror in
            let unknown = try await mirror.admin("POST", "/v1/warm", body: #"{"urls":["\#(World.origin)/a"],"pools":["local/nowhere"]}"#)
            #expect(unknown.status == 404)
            let many = #"{"urls":[\#(repeatElement(#""https://x/y""#, count: 10_001).joined(separator: ","))]}"#
            let tooMany = try await mirror.admin("POST", "/v1/warm", body: many)
            #expect(tooMany.status == 400)
            let large = #"{"urls":["\#(String(repeating: "x", count: 1 << 20))"]}"#
            let tooLarge = try await mirror.admin("POST", "/v1/warm", body: large)
            #expect(tooLarge.status == 413)
            #expect(tooLarge.json["code"]?.string == "RequestTooLarge")
        }
    }
}
