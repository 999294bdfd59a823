import MirrorCore
import MirrorEngine
import MirrorStorage
import MirrorTesting
import NamedOrigins
import Testing

@testable import MirrorServer

/// `/o/…`: how the bytes of artifacts reach clients, and what is said with them.
@Suite(.timeLimit(.minutes(5)))
struct NamedDeliveryTests {
    @Test
    func `fields of the origin that clients look for are in the answer to HEAD, beside the bytes, and where a rule says so in redirects`()
        async throws
    {
        let world = World()
        let sha1 = "2fd4e1c67a2d28fced849ee1bb76e7391b93eb12"
        for path in ["/base/a.pom", "/base/a.jar", "/base/a.bin"] {
            try await world.seed(path)
            try await world.store(path) {
                $0.upstreamETag = "\"origin\""
                $0.originFields[.checksumSHA1] = sha1
                $0.originFields[.repoCommit] = "c0ffee"
            }
        }
        let rules = [
            try NamedRouteTests.rule("**/*.pom") { $0.inlineLimit = 99 },
            try NamedRouteTests.rule("**/*.bin") { $0.digest = .field("X-Linked-ETag") },
            try NamedRouteTests.rule("**"),
        ]
        try await MirrorFixture.run(world, try NamedRouteTests.options(rules)) { mirror async throws in
            for _ in 0..<2 {
                for (method, name) in [("GET", "a.pom"), ("HEAD", "a.pom"), ("HEAD", "a.jar")] {
                    let answer = try await mirror.request(method, "/o/files/\(name)")
                    #expect(answer.status == 200 && answer["X-Checksum-Sha1"] == sha1, "\(method) \(name)")
                }
                let redirect = try await mirror.get("/o/files/a.jar")
                #expect(redirect.status == 302 && !redirect.has("X-Checksum-Sha1"))
                #expect(try await mirror.get(try #require(redirect["Location"]))["X-Checksum-Sha1"] == sha1)
                let told = try await mirror.get("/o/files/a.bin")
                #expect(told.status == 302 && told["X-Repo-Commit"] == "c0ffee" && told["ETag"] == "\"origin\"")
            }
        }
    }

    @Test func `how the bytes are delivered is said by a field, by the network or by the origin, in this order`() async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        let field = "X-Cloud-Mirror-Delivery"
        let allowed = try NamedRouteTests.options([try NamedRouteTests.rule("**")]) { $0.deliveryHeader = true }
        try await MirrorFixture.run(world, allowed) { mirror async throws in
            #expect(try await mirror.get("/o/files/a.txt").status == 302)
            // Not from the memory of the answer before.
            let inline = try await mirror.get("/o/files/a.txt", [(field, "inline")])
            #expect(inline.status == 200 && inline.text == "artifact")
            let origin = try await mirror.get("/o/files/a.txt", [(field, "origin")])
            #expect(origin.status == 302 && origin["Location"] == World.origin + "/base/a.txt")
            #expect(origin["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(try await mirror.get("/o/files/a.txt", [(field, "fast")]).status == 400)
            #expect(try await mirror.get("/o/files/a.txt")["X-Cloud-Mirror-Outcome"] == "hit")
        }
        let rules = [try NamedRouteTests.rule("**")]
        let network = try NamedRouteTests.options(rules) {
            $0.deliveries = ["127.0.0.0/8"].compactMap { IPNetwork($0) }.map { .init(network: $0, delivery: .inline) }
        }
        try await MirrorFixture.run(world, network) { mirror async throws in
            for _ in 0..<2 { #expect(try await mirror.get("/o/files/a.txt").status == 200) }
            #expect(try await mirror.get("/o/files/a.txt", [(field, "redirect")]).status == 302)
            // Only artifacts of named origins.
            #expect(try await mirror.get(World.target("/base/a.txt")).status == 302)
        }
        try await MirrorFixture.run(world, try NamedRouteTests.options(rules, delivery: .inline)) { mirror async throws in
            for _ in 0..<2 { #expect(try await mirror.get("/o/files/a.txt").status == 200) }
        }
    }

    @Test func `a client has the mirror send a file only where that is configured, and may always ask for a redirect`() async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        let field = "X-Cloud-Mirror-Delivery"
        try await MirrorFixture.run(world, try NamedRouteTests.options([try NamedRouteTests.rule("**")])) { mirror async throws in
            for method in ["GET", "HEAD"] {
                #expect(try await mirror.request(method, "/o/files/a.txt", [(field, "inline")]).status == 403)
            }
            #expect(try await mirror.get("/o/files/a.txt", [(field, "redirect")])["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(try await mirror.get("/o/files/a.txt", [(field, "origin")])["X-Cloud-Mirror-Outcome"] == "fallback")
        }
        try await MirrorFixture.run(world, try NamedRouteTests.options([try NamedRouteTests.rule("**")], delivery: .inline)) {
            mirror async throws in
            #expect(try await mirror.get("/o/files/a.txt", [(field, "inline")]).text == "artifact")
        }
    }

    @Test(arguments: ["10.0.0.0/8 inline", "127.0.0.0/8 redirect"])
    func `clients whose network changes nothing about redirects are answered from memory`(rule: String) async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        let words = rule.split(separator: " ").map(String.init)
        let options = try NamedRouteTests.options([try NamedRouteTests.rule("**")]) {
            $0.deliveries = [.init(network: try require(IPNetwork(words[0])), delivery: try require(Delivery(rawValue: words[1])))]
            $0.trustedProxies = ["127.0.0.9/32"].compactMap { IPNetwork($0) }
        }
        try await MirrorFixture.run(world, options) { mirror async throws in
            for _ in 0..<3 { #expect(try await mirror.get("/o/files/a.txt").status == 302) }
            #expect(mirror.store.locations == 1)
        }
    }

    @Test func `behind a proxy, only the clients of a network with a delivery of its own are not answered from memory`() async throws {
        let world = World()
        try await world.seed("/base/a.txt")
        let options = try NamedRouteTests.options([try NamedRouteTests.rule("**")]) {
            $0.deliveries = [.init(network: try require(IPNetwork("10.0.0.0/8")), delivery: .inline)]
            $0.trustedProxies = ["127.0.0.0/8"].compactMap { IPNetwork($0) }
        }
        try await MirrorFixture.run(world, options) { mirror async throws in
            for _ in 0..<3 {
                #expect(try await mirror.get("/o/files/a.txt", [("X-Forwarded-For", "192.0.2.1")]).status == 302)
                let inline = try await mirror.get("/o/files/a.txt", [("X-Forwarded-For", "10.1.2.3")])
                #expect(inline.status == 200 && inline.text == "artifact")
            }
            // One for the redirect that memory has since, and one for each of the others.
            #expect(mirror.store.locations == 4)
        }
    }

    @Test func `what the mirror sends is charged to the network, and then files are left to the pool or to the origin`() async throws {
        let world = World()
        try await world.seed("/base/a.txt", Array(repeating: 1, count: 1_000))
        try await world.seed("/base/a.small", Array(repeating: 1, count: 10))
        let rules = [try NamedRouteTests.rule("**/*.small") { $0.inlineLimit = 100 }, try NamedRouteTests.rule("**")]
        let options = try NamedRouteTests.options(rules) {
            $0.deliveryHeader = true
            $0.coldClaims = .none
            $0.coldClaims.bytesPerMinute = 600
        }
        try await MirrorFixture.run(world, options) { mirror async throws in
            let inline = [("X-Cloud-Mirror-Delivery", "inline")]
            #expect(try await mirror.get("/o/files/a.small").status == 200)
            // HEAD sends nothing.
            for _ in 0..<3 { #expect(try await mirror.request("HEAD", "/o/files/a.txt", inline).status == 200) }
            #expect(try await mirror.get("/o/files/a.txt", inline).body.count == 1_000)
            let spent = try await mirror.get("/o/files/a.txt", inline)
            #expect(spent.status == 302 && spent["Location"] == World.origin + "/base/a.txt")
            #expect(spent.json["msg"]?.string == Fallback.budget.message)
            // Redirects to what is there cost nothing.
            #expect(try await mirror.get("/o/files/a.small")["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(try await mirror.get("/o/files/a.small").status == 302)
            #expect(try await mirror.get("/o/files/a.txt")["X-Cloud-Mirror-Outcome"] == "hit")
            world.clock.advance(by: .seconds(60))
            #expect(try await mirror.get("/o/files/a.small").status == 200)
        }
    }

    @Test func `nobody waits long for a pool that does not give the bytes, and gets to the origin`() async throws {
        let world = World()
        try await world.seed("/base/a.small")
        let options = try NamedRouteTests.options([try NamedRouteTests.rule("**") { $0.inlineLimit = 100 }])
        try await MirrorFixture.run(world, options) { mirror async throws in
            mirror.store.hangReads(true)
            defer { mirror.store.hangReads(false) }
            let waiting = Task { try await mirror.get("/o/files/a.small") }
            try await mirror.store.reading()
            await world.clock.sleepers(1)
            world.clock.advance(by: .seconds(3))
            let answer = try await waiting.value
            #expect(answer.status == 302 && answer["Location"] == World.origin + "/base/a.small")
            #expect(answer["X-Cloud-Mirror-Outcome"] == "fallback")
        }
    }

    @Test func `while the state is away, what is not copied is left to the origin, or refused for now`() async throws {
        let world = World()
        let rules = [
            try NamedRouteTests.rule("**/*.leave") { $0.miss = .redirect }, try NamedRouteTests.rule("**") { $0.miss = .refuse },
        ]
        try await MirrorFixture.run(world, try NamedRouteTests.options(rules)) { mirror async throws in
            await world.base.close()
            let answer = try await mirror.get("/o/files/a.leave")
            #expect(answer.status == 302 && answer["Location"] == World.origin + "/base/a.leave")
            #expect(try await mirror.get("/o/files/a.refuse").status == 503)
        }
    }

    @Test func `a part that a condition may make the whole of a large file is redirected to`() async throws {
        let world = World()
        try await world.seed("/base/large.txt", Array(repeating: 1, count: 1_000))
        let options = try NamedRouteTests.options([try NamedRouteTests.rule("**") { $0.inlineLimit = 99 }])
        try await MirrorFixture.run(world, options) { mirror async throws in
            #expect(try await mirror.get("/o/files/large.txt", [("Range", "bytes=0-9")]).status == 206)
            #expect(try await mirror.get("/o/files/large.txt", [("Range", "bytes=0-9"), ("If-Range", "\"other\"")]).status == 302)
        }
    }
}
