import MirrorCore
import MirrorEngine
import MirrorNet
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct RedirectRouteTests {
    @Test func `a hit is a 302 with the original's body, the pool, the outcome and the digest`() async throws {
        let world = World()
        let id = try await world.seed("/dir/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.get(World.target("/dir/a.txt"))
            let location = "/local/dev/\(ObjectKey(id.artifact))"
            #expect(response.statusLine == "HTTP/1.1 302 Found")
            #expect(response["Location"] == location)
            #expect(response["Cache-Control"] == "no-store")
            #expect(response["X-Cloud-Mirror-Pool"] == "local/dev")
            #expect(response["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(response["Repr-Digest"] == "sha-256=:x8XB1wxd7EQWq2FYr9CyI+9Awpsdwfl+2UKLlNTK2xw=:")
            #expect(response["X-Content-Type-Options"] == "nosniff")
            #expect(response.has("Date"))
            #expect(response.json == .object(["status": .string("present"), "url": .string(location)]))
            // The location leads to the artifact.
            let object = try await mirror.get(location)
            #expect(object.status == 200)
            #expect(object.text == "artifact")
        }
    }

    @Test func `HEAD has the fields of GET and no body`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world, .with { $0.usesFastPath = false }) { mirror in
            for target in [World.target("/a.txt"), World.target("/missing"), "/v1/redirect/local/nowhere/x", "/v1/redirect/x"] {
                let get = try await mirror.get(target)
                let head = try await mirror.request("HEAD", target)
                #expect(head.statusLine == get.statusLine)
                #expect(head.fields.filter { $0.name != "Date" }.map(\.name) == get.fields.filter { $0.name != "Date" }.map(\.name))
                #expect(head["Location"] == get["Location"])
                if get.status == 302 { #expect(head["Content-Length"] == get["Content-Length"]) }
                #expect(head.body.isEmpty)
            }
        }
    }

    @Test func `locations of local objects begin with the public URL, and 307 is answered where it is configured`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        let options = MirrorOptions.with {
            $0.publicURL = "https://mirror.example"
            $0.redirectStatus = 307
        }
        try await MirrorFixture.run(world, options) { mirror in
            for _ in 0..<2 {
                let response = try await mirror.get(World.target("/a.txt"))
                #expect(response.statusLine == "HTTP/1.1 307 Temporary Redirect")
                #expect(response["Location"] == "https://mirror.example/local/dev/\(ObjectKey(id.artifact))")
                #expect(response.json["status"]?.string == "present")
            }
            #expect(mirror.answeredFast == 1)
        }
    }

    @Test(arguments: [
        "https%3A%2F%2Fartifacts.example.org%2Fa.txt", "https%3a%2f%2fartifacts.example.org%2fa.txt",
        "HTTPS%3A%2F%2FARTIFACTS.example.org%2Fa.txt",
        "https%3A%2F%2Fartifacts.example.org%3A443%2Fa.txt", "https%3A%2F%2Fartifacts.example.org%2Fb%2F..%2Fa.txt",
        "https%3A%2F%2Fartifacts.example.org%2F%2561.txt", "https%3A%2F%2Fartifacts.example.org%2Fa.txt%23part",
        "aHR0cHM6Ly9hcnRpZmFjdHMuZXhhbXBsZS5vcmcvYS50eHQ", "aHR0cHM6Ly9hcnRpZmFjdHMuZXhhbXBsZS5vcmcvYS50eHQ%3D",
    ])
    func `every way to write an artifact's URL leads to the same replica`(segment: String) async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            for _ in 0..<2 {
                let response = try await mirror.get("/v1/redirect/local/dev/\(segment)")
                #expect(response.status == 302)
                #expect(response["X-Cloud-Mirror-Outcome"] == "hit")
            }
        }
    }

    @Test(arguments: [
        "/v1/redirect", "/v1/redirect/", "/v1/redirect/local/dev/", "/v1/redirect/local/dev", "/v1/redirect//dev/x",
        "/v1/redirect/local/dev/x/y",
        "/v1/redirect/https://artifacts.example.org/a.txt", "/v1/redirect/local/dev/https://artifacts.example.org/a.txt",
        "/v1/redirect/local/dev/%", "/v1/redirect/local/dev/%zz", "/v1/redirect/local/dev/%ff", "/v1/redirect/%zz/dev/x",
        "/v1/redirect/local/dev/hello", "/v1/redirect/local/dev/ftp%3A%2F%2Fx%2Fa", "/v1/redirect/local/dev/https%3A%2F%2Fu:p@x%2Fa",
        "/v1/redirect/local/dev/https%3A%2F%2F0x7f.1%2Fa", "/v1/redirect/local/dev/https%3A%2F%2Fx%2Fa%0D%0AX-Injected:%20y",
        "/v1/redirect/local/dev/https%3A%2F%2Fx%2F" + String(repeating: "a", count: 8_192),
    ])
    func `what is no URL in one segment is a 400 that says how to write it`(target: String) async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.get(target)
            #expect(response.status == 400)
            let json = response.json
            #expect(json["code"]?.string == "InputError")
            #expect(json["message"]?.string?.isEmpty == false)
            #expect(!response.has("Location"))
            #expect(!response.has("X-Injected"))
        }
    }

    @Test(arguments: ["/v1/redirect/s3/dev/", "/v1/redirect/local/nowhere/", "/v1/redirect/local/DEV/", "/v1/redirect/local%2Fdev/x/"])
    func `an unknown pool is a 404 that names those there are`(route: String) async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.get(World.target("/a.txt", route: route))
            #expect(response.status == 404)
            #expect(response["X-Cloud-Mirror-Outcome"] == "refused")
            #expect(response.json["code"]?.string == "ResourceNotFound")
            #expect(response.json["message"]?.string?.contains("local/dev, local/two") == true)
            #expect(response.json["url"]?.string == World.origin + "/a.txt")
        }
    }

    @Test func `an origin that is not allowed is a 403, also when its replica is present`() async throws {
        try await MirrorFixture.run { mirror in
            for url in ["https://other.example/a.txt", "http://artifacts.example.org/a.txt", "https://artifacts.example.org:8443/a.txt"] {
                let response = try await mirror.get("/v1/redirect/local/dev/\(PercentCoding.encode(url))")
                #expect(response.status == 403)
                #expect(response.json["code"]?.string == "Forbidden")
                #expect(response.json["err"]?.string == "InvalidUrl")
                #expect(response.json["url"]?.string == url)
                #expect(response["X-Cloud-Mirror-Outcome"] == "refused")
                #expect(!response.has("Location"))
            }
        }
    }

    @Test(arguments: [
        400: "InputError", 401: "AuthenticationFailed", 403: "Forbidden", 404: "ResourceNotFound", 410: "OriginError", 500: "OriginError",
        503: "OriginError",
    ])
    func `what the origin answered is passed on while it is remembered`(status: Int, code: String) async throws {
        let world = World()
        try await world.fail("/a.txt", .origin(status: status), message: "the origin answers so", for: .seconds(30))
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.get(World.target("/a.txt"))
            #expect(response.status == status)
            #expect(response["X-Cloud-Mirror-Outcome"] == "error")
            #expect(response["X-Cloud-Mirror-Pool"] == "local/dev")
            #expect(response["Cache-Control"] == "no-store")
            #expect(response.json["code"]?.string == code)
            #expect(response.json["message"]?.string == "the origin answers so")
            #expect(response.json["err"]?.string == "BadHTTPStatus")
            #expect(response.json["url"]?.string == World.origin + "/a.txt")
            world.clock.advance(by: .seconds(30))
            let later = try await mirror.get(World.target("/a.txt"))
            #expect(later.status == 302)
            #expect(later["X-Cloud-Mirror-Outcome"] == "fallback")
        }
    }

    @Test(arguments: [CopyFailure.Reason.transfer, .redirect, .content, .storage, .tooLarge, .noRoom])
    func `a copy that failed for a reason of ours or of the way leads to the origin`(reason: CopyFailure.Reason) async throws {
        let world = World()
        try await world.fail("/a.txt", reason)
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.get(World.target("/a.txt"))
            #expect(response.status == 302)
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(response["Location"] == World.origin + "/a.txt")
            #expect(response.json.names == ["url", "msg"])
            #expect(response.json["msg"]?.string == "the artifact could not be copied; this is the origin")
        }
    }

    @Test func `a hop that the egress policy refused is a 403`() async throws {
        let world = World()
        try await world.fail("/a.txt", .refused, message: "a hop is not allowed")
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.get(World.target("/a.txt"))
            #expect(response.status == 403)
            #expect(response["X-Cloud-Mirror-Outcome"] == "refused")
        }
    }

    @Test func `a miss is queued and leads to the origin when the wait is over`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let response = try await mirror.get(World.target("/b/../a.txt?x=1"))
            #expect(response.status == 302)
            #expect(response["Location"] == World.origin + "/a.txt?x=1")
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(response["X-Cloud-Mirror-Pool"] == "local/dev")
            #expect(!response.has("Repr-Digest"))
            let replica = try await world.state.replica(world.id("/a.txt?x=1"))
            #expect(replica?.state == .pending)
        }
    }

    @Test func `an object that only the pool knows is a backfill, and then a hit`() async throws {
        let world = World()
        try await world.store("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let outcomes = [try await mirror.get(World.target("/a.txt")), try await mirror.get(World.target("/a.txt"))]
            #expect(outcomes.map { $0["X-Cloud-Mirror-Outcome"] } == ["backfill", "hit"])
            #expect(outcomes.allSatisfy { $0.status == 302 && $0.has("Repr-Digest") })
        }
    }

    @Test func `a pool that is broken leads to the origin`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            mirror.store.breakDown()
            for path in ["/a.txt", "/b.txt"] {
                let response = try await mirror.get(World.target(path))
                #expect(response.status == 302)
                #expect(response["Location"] == World.origin + path)
                #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            }
        }
    }

    // MARK: Waiting

    @Test func `who waits is redirected to the replica as soon as it is there`() async throws {
        let world = World()
        try await MirrorFixture.run(world, .with { $0.maxWait = .seconds(28) }) { mirror in
            async let waiting = mirror.get(World.target("/a.txt"))
            await mirror.waiting(1)
            try await world.finishCopy("/a.txt")
            let response = try await waiting
            #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
            let artifact = try world.id("/a.txt").artifact
            #expect(response["Location"] == "/local/dev/\(ObjectKey(artifact))")
        }
    }

    @Test(arguments: [("", 28), ("?wait=3", 3), ("?wait=0.5", 1), ("?wait=10000", 300)])
    func `a wait ends after maxWait, or what the request asked for, and never after the limit`(query: String, seconds: Int) async throws {
        let world = World()
        try await MirrorFixture.run(world, .with { $0.maxWait = .seconds(28) }) { mirror in
            async let waiting = mirror.get(World.target("/a.txt") + query)
            await mirror.waiting(1)
            world.clock.advance(by: .milliseconds(seconds * 1_000 - 501))
            #expect(mirror.services.waiters.count == 1)
            world.clock.advance(by: .milliseconds(501))
            let response = try await waiting
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(response["Location"] == World.origin + "/a.txt")
        }
    }

    @Test(arguments: ["x", "-1", "86401", "nan", "inf", "", "1s", "%20", "1,5"])
    func `a wait that is no number from 0 to 86400 is a 400`(wait: String) async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.get(World.target("/a.txt") + "?wait=\(wait)")
            #expect(response.status == 400)
            #expect(response.json["code"]?.string == "InputError")
        }
    }

    // MARK: Choosing the pool

    @Test func `the pool is taken from the query, the network or the default, in this order`() async throws {
        let options = try MirrorOptions.with {
            $0.networks = [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))]
            $0.trustedProxies = [try require(IPNetwork("127.0.0.0/8"))]
            $0.fallback = World.pool
        }
        let target = World.target("/a.txt", route: "/v1/redirect/")
        try await MirrorFixture.run(World(), options) { mirror in
            func pool(_ target: String, _ forwarded: String...) async throws -> String? {
                try await mirror.get(target, forwarded.map { ("X-Forwarded-For", $0) })["X-Cloud-Mirror-Pool"]
            }
            let chosen = [
                try await pool(target), try await pool(target, "10.1.2.3"), try await pool(target, "10.1.2.3, 192.0.2.1"),
                try await pool(target, "192.0.2.1", "10.1.2.3"),
                try await pool(target, "192.0.2.1, 10.1.2.3:51234"), try await pool(target, "10.1.2.3:51234, 192.0.2.1:443"),
                try await pool(target, "10.1.2.3", "unknown"), try await pool(target, "10.1.2.3, ,", ""),
                try await pool(target + "?pool=local/dev", "10.1.2.3"),
                try await pool(target + "?pool=local%2Ftwo"),
            ]
            #expect(
                chosen == [
                    "local/dev", "local/two", "local/dev", "local/two", "local/two", "local/dev", "local/dev", "local/two", "local/dev",
                    "local/two",
                ])
            for name in ["local/nowhere", "", "local", "local/dev/x"] {
                let unknown = try await mirror.get(target + "?pool=\(name)")
                #expect(unknown.status == 404)
            }
        }
    }

    @Test func `X-Forwarded-For of a stranger does not choose the pool`() async throws {
        let options = try MirrorOptions.with {
            $0.networks = [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))]
            $0.fallback = World.pool
        }
        try await MirrorFixture.run(World(), options) { mirror in
            let response = try await mirror.get(World.target("/a.txt", route: "/v1/redirect/"), [("X-Forwarded-For", "10.1.2.3")])
            #expect(response["X-Cloud-Mirror-Pool"] == "local/dev")
        }
    }

    @Test func `a client that no pool serves is sent to the origin, if that is allowed`() async throws {
        try await MirrorFixture.run { mirror in
            let response = try await mirror.get(World.target("/a.txt", route: "/v1/redirect/"))
            #expect(response.status == 302)
            #expect(response["Location"] == World.origin + "/a.txt")
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(!response.has("X-Cloud-Mirror-Pool"))
            let refused = try await mirror.get("/v1/redirect/https%3A%2F%2Fother.example%2Fa")
            #expect(refused.status == 403)
        }
    }

    @Test func `the fast path answers where the client's address chooses the pool, for that pool`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        let options = try MirrorOptions.with {
            $0.networks = [(try require(IPNetwork("10.0.0.0/8")), try require(World.otherPool))]
            $0.trustedProxies = [try require(IPNetwork("127.0.0.0/8"))]
            $0.fallback = World.pool
        }
        try await MirrorFixture.run(world, options) { mirror in
            let target = World.target("/a.txt", route: "/v1/redirect/")
            for _ in 0..<3 {
                let here = try await mirror.get(target)
                #expect(here["X-Cloud-Mirror-Outcome"] == "hit")
                let there = try await mirror.get(target, [("X-Forwarded-For", "10.1.2.3")])
                #expect(there["X-Cloud-Mirror-Pool"] == "local/two")
            }
            #expect(mirror.answeredFast == 2)
            // Where the route names the pool the address does not matter.
            for _ in 0..<3 { _ = try await mirror.get(World.target("/a.txt"), [("X-Forwarded-For", "10.1.2.3")]) }
            #expect(mirror.answeredFast == 4)
        }
    }

    // MARK: With a real copy

    @Test func `the first client waits for the copy, and the second is answered at once`() async throws {
        try await FakeOrigin.run { origin in
            origin.on("/a.bin", .text("the artifact"))
            let options = try MirrorOptions.with {
                $0.allow = [.prefix(try ArtifactURL(origin.url("/")))]
                $0.copies = true
                $0.maxWait = .seconds(28)
            }
            try await MirrorFixture.run(World(), options) { mirror in
                let target = "/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/a.bin")))"
                let first = try await mirror.get(target)
                #expect(first["X-Cloud-Mirror-Outcome"] == "wait")
                let second = try await mirror.get(target)
                #expect(second["X-Cloud-Mirror-Outcome"] == "hit")
                let object = try await mirror.get(try require(second["Location"]))
                #expect(object.text == "the artifact")
                #expect(object["Content-Type"] == "text/plain")
                #expect(origin.requests(for: "/a.bin").count == 1)
                let missing = try await mirror.get("/v1/redirect/local/dev/\(PercentCoding.encode(origin.url("/missing")))")
                #expect(missing.status == 404)
                #expect(missing["X-Cloud-Mirror-Outcome"] == "error")
            }
        }
    }
}
