import MirrorCore
import MirrorEngine
import MirrorState
import MirrorTesting
import NamedOrigins
import TestServers
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct ServiceRouteTests {
    @Test func `ping tells that the process lives, and for how long`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            world.clock.advance(by: .milliseconds(1_500))
            let response = try await mirror.get("/v1/ping")
            #expect(response.status == 200)
            #expect(response.json == .object(["alive": .bool(true), "uptime": .number(1.5)]))
        }
    }

    @Test func `healthz is a 200 while the process answers, whatever is broken`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            mirror.store.breakDown()
            await world.base.close()
            let response = try await mirror.get("/healthz")
            #expect(response.status == 200)
            #expect(response.json["status"]?.string == "ok")
        }
    }

    @Test func `readyz is a 200 while the state and one pool work`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let good = try await mirror.get("/readyz")
            #expect(good.status == 200)
            #expect(good.json["status"]?.string == "ok")
            #expect(
                good.json["checks"] == .object(["pool local/dev": .string("ok"), "pool local/two": .string("ok"), "state": .string("ok")]))
            mirror.store.breakDown()
            world.clock.advance(by: PoolHealth.interval)
            let half = try await mirror.get("/readyz")
            #expect(half.status == 200)
            #expect(half.json["checks"]?["pool local/dev"]?.string == "unavailable: it cannot be reached")
            #expect(half.json["checks"]?["pool local/two"]?.string == "ok")
        }
    }

    @Test func `readyz is a 503 when the only pool does not work`() async throws {
        let world = World()
        try await MirrorFixture.run(world, .with { $0.hasOtherPool = false }) { mirror in
            mirror.store.breakDown()
            let response = try await mirror.get("/readyz")
            #expect(response.status == 503)
            #expect(response.json["status"]?.string == "unavailable")
            #expect(
                response.json["checks"]
                    == .object(["pool local/dev": .string("unavailable: it cannot be reached"), "state": .string("ok")]))
        }
    }

    @Test func `once a pool is known to be away its hits go to the origin, on both paths, until it is back`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        for usesFastPath in [true, false] {
            try await MirrorFixture.run(
                world,
                .with {
                    $0.hasOtherPool = false
                    $0.usesFastPath = usesFastPath
                }
            ) { mirror in
                func ask() async throws -> (outcome: String?, location: String?) {
                    let answer = try await mirror.get(World.target("/a.txt"))
                    return (answer["X-Cloud-Mirror-Outcome"], answer["Location"])
                }
                for _ in 0..<3 { #expect(try await ask().outcome == "hit") }
                mirror.store.breakDown()
                world.clock.advance(by: PoolHealth.interval)
                #expect(try await mirror.get("/readyz").status == 503)
                for _ in 0..<3 {
                    let away = try await ask()
                    #expect(away.outcome == "fallback")
                    #expect(away.location == World.origin + "/a.txt")
                }
                mirror.store.repair()
                world.clock.advance(by: PoolHealth.interval)
                #expect(try await mirror.get("/readyz").status == 200)
                for _ in 0..<3 { #expect(try await ask().outcome == "hit") }
            }
        }
    }

    @Test func `readyz is a 503 when the state does not work`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            await world.base.close()
            let response = try await mirror.get("/readyz")
            #expect(response.status == 503)
            #expect(response.json["checks"]?["state"]?.string == "unavailable: it cannot be reached")
        }
    }

    @Test func `readyz is degraded, and not out of service, when a state that others share does not work`() async throws {
        let world = World()
        try await MirrorFixture.run(world, .with { $0.isStateShared = true }) { mirror in
            await world.base.close()
            let response = try await mirror.get("/readyz")
            #expect(response.status == 200)
            #expect(response.json["status"]?.string == "degraded")
            #expect(response.json["checks"]?["state"]?.string == "unavailable: it cannot be reached")
        }
    }

    @Test func `however many ask whether it is ready, a pool is asked once in some seconds, and never when nobody wants to know`()
        async throws
    {
        let world = World()
        try await MirrorFixture.run(world) { mirror async throws in
            #expect(mirror.store.healthChecks == 0)
            for round in 1...3 {
                try await withThrowingTaskGroup(of: Int.self) { group in
                    for _ in 0..<50 { group.addTask { try await mirror.get("/readyz").status } }
                    for try await status in group { #expect(status == 200) }
                }
                #expect(try await mirror.admin("GET", "/v1/pools").status == 200)
                #expect(mirror.store.healthChecks == round)
                world.clock.advance(by: PoolHealth.interval)
            }
            // A clock that is set back makes no answer last longer.
            #expect(try await mirror.get("/readyz").status == 200)
            world.clock.setTime(by: .seconds(-3_600))
            world.clock.advance(by: PoolHealth.interval)
            #expect(try await mirror.get("/readyz").status == 200)
            #expect(mirror.store.healthChecks == 5)
        }
    }

    @Test func `a pool that hangs keeps readiness waiting for two seconds, and is not asked again beside that`() async throws {
        let world = World()
        try await MirrorFixture.run(world, .with { $0.hasOtherPool = false }) { mirror async throws in
            mirror.store.hang(true)
            let given = WatchedState<RawResponse?>(nil)
            let first = Task {
                let response = try await mirror.get("/readyz")
                given.change { $0 = response }
            }
            try await eventually("it is answered") {
                world.clock.advance(by: PoolHealth.patience)
                return given.current != nil
            }
            try await first.value
            // At once, and without another call.
            for _ in 0..<3 {
                let answer = try await mirror.get("/readyz")
                #expect(answer.status == 503)
                #expect(answer.json["checks"]?["pool local/dev"]?.string == "unavailable: it does not answer in time")
            }
            #expect(given.current?.status == 503)
            #expect(mirror.store.healthChecks == 1)
            mirror.store.hang(false)
            try await eventually("the pool is well again") {
                try await mirror.get("/readyz").json["checks"]?["pool local/dev"]?.string == "ok"
            }
            #expect(mirror.store.healthChecks == 1)
        }
    }

    @Test func `a process that only copies answers about itself, and redirects nobody`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world, .with { $0.servesArtifacts = false }) { mirror in
            for target in ["/healthz", "/readyz", "/metrics", "/v1/ping"] {
                #expect(try await mirror.get(target).status == 200, "\(target)")
            }
            let key = ObjectKey(try world.id("/a.txt").artifact)
            for target in [World.target("/a.txt"), "/local/dev/\(key)", "/v1/pools"] {
                #expect(try await mirror.get(target).status == 404, "\(target)")
            }
            #expect(try await mirror.admin("DELETE", World.target("/a.txt", route: "/v1/purge/local/dev/")).status == 404)
        }
    }

    // MARK: Errors

    @Test(arguments: [
        "/nothing", "/v1", "/v1/", "/v2/ping", "/v1/pings", "/v1/ping/x", "/local", "/local/dev", "/local/dev/x/y/z", "/o/x/y",
    ])
    func `an unknown route is a 404 in the one shape of errors`(target: String) async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.get(target + "?token=secret")
            #expect(response.status == 404)
            #expect(response["Cache-Control"] == "no-store")
            #expect(response["X-Content-Type-Options"] == "nosniff")
            let json = response.json
            #expect(json.names == ["code", "message", "msg", "requestInfo"])
            #expect(json["code"]?.string == "ResourceNotFound")
            #expect(json["message"]?.string?.isEmpty == false)
            #expect(json["msg"] == json["message"])
            let info = try require(json["requestInfo"])
            #expect(info.names == ["method", "params", "time"])
            #expect(info["method"]?.string == "GET")
            #expect(info["params"]?["path"]?.string == target)
            #expect(info["time"]?.string == world.clock.now.iso8601)
            #expect(!response.text.contains("secret"))
        }
    }

    @Test(arguments: [
        ("POST /v1/ping", "GET"), ("DELETE /v1/redirect/local/dev/x", "GET, HEAD"), ("POST /v1/redirect/x", "GET, HEAD"),
        ("POST /v1/redirect", "GET, HEAD"), ("PUT /local/dev/x/y", "GET, HEAD"), ("GET /v1/purge/x", "DELETE"), ("GET /v1/warm", "POST"),
        ("PATCH /healthz?x=y", "GET"), ("OPTIONS /v1/ping", "GET"), ("PROPFIND /metrics", "GET"), ("POST /v1/replicas/x", "GET"),
    ])
    func `another method than a route's is a 405 that says which there are, in the one shape of errors`(
        request: String, methods: String
    ) async throws {
        let words = request.split(separator: " ").map(String.init)
        try await MirrorFixture.run { mirror in
            let response = try await mirror.request(words[0], words[1])
            #expect(response.status == 405)
            #expect(response["Allow"] == methods)
            #expect(response.json.names == ["code", "message", "msg", "requestInfo"])
            #expect(response.json["code"]?.string == "MethodNotAllowed")
            #expect(response.json["message"]?.string?.contains(methods) == true)
            #expect(response.json["requestInfo"]?["method"]?.string == words[0])
        }
    }

    @Test func `a HEAD of what has only GET is a 405 without a body`() async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.request("HEAD", "/healthz")
            #expect(response.status == 405)
            #expect(response["Allow"] == "GET")
            #expect(response.body.isEmpty)
        }
    }

    @Test(arguments: ["POST /v1/purge", "GET /v1/ping/x", "DELETE /local/dev/x", "POST /v1", "POST /v1/pinga"])
    func `an address that no method answers is a 404`(request: String) async throws {
        let words = request.split(separator: " ").map(String.init)
        try await MirrorFixture.run { mirror in
            let response = try await mirror.request(words[0], words[1])
            #expect(response.status == 404)
            #expect(response["Allow"] == nil)
        }
    }

    @Test func `an error shows nothing of what is inside`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            await world.base.close()
            mirror.store.breakDown()
            for target in ["/v1/replicas", "/v1/pools", World.target("/x", route: "/v1/replicas/")] {
                let response = try await mirror.admin("GET", target)
                #expect(response.status >= 500)
                for word in ["broken", "StateError", "StorageError", "closed", "Swift", "Optional"] {
                    #expect(!response.text.contains(word))
                }
            }
            let object = try await mirror.get("/local/dev/\(ObjectKey(try world.id("/a.txt").artifact))")
            #expect(object.status >= 500)
            #expect(!object.text.contains("broken"))
        }
    }

    // MARK: The references

    @Test func `the API reference has the original's shape and names every route below v1`() async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.get("/v1/api-reference")
            #expect(response.status == 200)
            let reference = response.json
            #expect(reference["version"]?.number == 0)
            #expect(reference["$schema"]?.string == "http://schemas.taskcluster.net/base/v1/api-reference.json#")
            #expect(reference["serviceName"]?.string == "cloud-mirror")
            let base = try require(reference["baseUrl"]?.string)
            #expect(base == "http://mirror.example/v1")
            let entries = try require(reference["entries"]?.array)
            #expect(entries.count == APIReference.Route.all.filter { $0.path.hasPrefix("/v1/") }.count)
            for entry in entries {
                #expect(
                    entry.names == [
                        "type", "method", "route", "args", "query", "name", "title", "description", "stability", "admin",
                    ])
                #expect(entry["type"]?.string == "function")
                #expect(["stable", "experimental"].contains(entry["stability"]?.string))
                // What is in brackets in the route is what the arguments name.
                let route = try require(entry["route"]?.string)
                let args = try require(entry["args"]?.array).compactMap(\.string)
                #expect(route.split(separator: "/").filter { $0.hasPrefix("<") } == args.map { "<\($0)>" }, "\(route)")
                #expect(!route.contains("{"))
            }
            #expect(Set(entries.map { $0["name"]?.string }).count == entries.count)
            let redirect = try require(entries.first { $0["name"]?.string == "redirect" })
            #expect(redirect["route"]?.string == "/redirect/<service>/<region>/<url>")
            #expect(redirect["args"]?.array?.compactMap(\.string) == ["service", "region", "url"])
            #expect(redirect["stability"]?.string == "stable")
        }
    }

    @Test func `the API reference's base URL is the public one where there is one`() async throws {
        try await MirrorFixture.run(World(), .with { $0.publicURL = "https://mirror.example/cache" }) { mirror in
            let response = try await mirror.get("/v1/api-reference")
            #expect(response.json["baseUrl"]?.string == "https://mirror.example/cache/v1")
        }
    }

    /// What is posted below `/o/` is the origin's to answer, and there is none here.
    private static let routes = APIReference.Route.all.filter { !($0.method == "post" && $0.path.hasPrefix("/o/")) }

    @Test(arguments: routes.map { [$0.method, $0.path] })
    func `every route of the API reference is there`(entry: [String]) async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        let url = try ArtifactURL(World.origin + "/")
        let options = MirrorOptions.with {
            $0.named = [NamedOrigin(name: "files", url: url, rules: [OriginRule(.everything, .mirrored)])]
        }
        try await MirrorFixture.run(world, options) { mirror in
            let artifact = PercentCoding.encode(id.artifact.description)
            var target = entry[1].replacing("{service}", with: "local").replacing("{url}", with: artifact)
            target = target.replacing("{region}", with: "dev").replacing("{hash}/{name}", with: ObjectKey(id.artifact).description)
            target = target.replacing("{name}/{path}", with: "files/a.txt")
            #expect(!target.contains("{"))
            if entry[1] == "/v1/which" { target += "?address=192.0.2.1" }
            let body = entry[0] == "post" ? #"{"urls":[]}"# : nil
            let response = try await mirror.admin(entry[0].uppercased(), target, body: body)
            #expect((200..<400).contains(response.status), "\(entry)")
            // Those that say so need the token, and the others do not.
            let open = try await mirror.request(entry[0].uppercased(), target, body: body)
            let needsToken = APIReference.Route.all.first { [$0.method, $0.path] == entry }?.isAdmin
            #expect((open.status == 401) == needsToken, "\(entry)")
        }
    }
}
