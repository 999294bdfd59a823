import MirrorCore
import NIOCore
import NIOHTTP1
import TestServers
import Testing

@testable import MirrorNet

@Suite(.timeLimit(.minutes(5))) struct GuardedClientTests {
    @Test func anArtifactArrives() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a.txt", .text("hello"))
            let response = try await fixture.get("/a.txt?x=1", headers: [("If-Match", "\"v1\"")])
            #expect(response.status == 200)
            #expect(response.headers.first(name: "etag") == "\"v1\"")
            #expect(response.contentLength == 5)
            #expect(!response.isHTTP1_0)
            #expect(response.url == (try fixture.url("/a.txt?x=1")))
            #expect(response.addresses == [try fixture.url("/a.txt?x=1")])
            #expect(try await response.body.text() == "hello")

            let request = try await fixture.origin.request(for: "/a.txt")
            #expect(request.method == "GET")
            #expect(request.uri == "/a.txt?x=1")
            #expect(request.header("Host") == "origin.example:\(fixture.origin.port)")
            #expect(request.header("User-Agent") == "cloud-mirror/test")
            #expect(request.header("Accept-Encoding") == "identity")
            #expect(request.header("If-Match") == "\"v1\"")
            #expect(request.header("Cookie") == nil)
            #expect(request.headers.count == 5, "nothing else is sent: \(request.headers)")
        }
    }

    /// The client below parses the URL again; what it makes of it must be what was checked.
    @Test(
        "The request line is the canonical URL's, byte for byte",
        arguments: [
            "/", "/a/b.c?d=e&f", "//a//b", "/a%2Fb%2fc?d%2Fe%2fe", "/a%252e", "/a;b=c,d!$&'()*+@:~", "/%5Ba%5D?a[]=b[]", "/a?b|c", "/a?",
            "/?", "/?a?b/c:@",
            "/%C3%A9?%C3%A9", "/a%20b?c%20d+e", "/...", "/%00%0A%FF", "/a?X-Amz-Signature=a%2Fb%7Ec==&d=%zz", "/a?%", "/a?x=%7Bb%7D",
            "/a%3Fb%23c",
        ])
    func requestLine(_ path: String) async throws {
        try await NetFixture.run { fixture async throws in
            let url = try fixture.url(path)
            _ = try await fixture.client.send(OutboundRequest(.get, url))
            #expect(fixture.origin.requests.map(\.uri) == [url.path + (url.query.map { "?\($0)" } ?? "")])
        }
    }

    @Test(
        "A name reaches the address that was checked, however it is spelt",
        arguments: [
            "xn--bcher-kva.example", "a_b.example", "xn--80ak6aa92e.example", "a--b.example", "0xg", "a.b-c.1d.example", "xn--a.example",
            "-a.example",
        ])
    func names(_ name: String) async throws {
        let resolver = StaticResolver([name: [["127.0.0.1"]]])
        try await FakeOrigin.run { origin async throws in
            origin.on("/a", .text("a"))
            let url = try ArtifactURL("http://\(name):\(origin.port)/a")
            let policy = try EgressPolicy(
                allow: [.prefix(url)], requireHTTPS: false, allowAddresses: [try #require(IPNetwork("127.0.0.1"))])
            try await withClient(policy, resolver) { client async throws in
                #expect(try await client.send(OutboundRequest(.get, url)).body.text() == "a")
            }
            #expect(try await origin.request(for: "/a").header("Host") == "\(name):\(origin.port)")
        }
    }

    @Test func headHasNoBody() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .generated(size: 1 << 40))
            let response = try await fixture.client.send(OutboundRequest(.head, try fixture.url("/a")))
            #expect(response.status == 200)
            #expect(response.contentLength == 1 << 40)
            #expect(try await response.body.bytes().isEmpty)
            #expect(try await fixture.origin.request(for: "/a").method == "HEAD")
        }
    }

    @Test("A status is an answer, whatever it says", arguments: [204, 206, 300, 304, 305, 306, 400, 403, 404, 410, 416, 429, 500, 503])
    func status(_ status: Int) async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .status(status, "words"))
            let response = try await fixture.get("/a")
            #expect(response.status == status)
            #expect(try await response.body.text() == (status == 204 || status == 304 ? "" : "words"))
        }
    }

    @Test func rangesAndConditionsReachTheOrigin() async throws {
        try await NetFixture.run { fixture async throws in
            let body = FakeBody.generated(size: 200_000, seed: 7)
            fixture.origin.on("/a", .generated(size: 200_000, seed: 7))
            let part = try await fixture.get("/a", headers: [("Range", "bytes=65530-131090"), ("If-Match", "\"200000-7\"")])
            #expect(part.status == 206)
            #expect(part.headers.first(name: "content-range") == "bytes 65530-131090/200000")
            #expect(try await part.body.bytes() == body.bytes(65_530..<131_091))
            #expect(try await fixture.get("/a", headers: [("If-Match", "\"other\"")]).status == 412)
            #expect(try await fixture.get("/a", headers: [("If-None-Match", "\"200000-7\"")]).status == 304)
        }
    }

    @Test func anEncodedBodyStaysEncoded() async throws {
        try await NetFixture.run { fixture async throws in
            let bytes: [UInt8] = [0x1F, 0x8B, 8, 0, 1, 2, 3]
            fixture.origin.on("/a", .body(bytes).with { $0.headers.append(("Content-Encoding", "gzip")) })
            let response = try await fixture.get("/a")
            #expect(response.headers.first(name: "content-encoding") == "gzip")
            #expect(try await response.body.bytes() == bytes)
        }
    }

    @Test("Every framing gives the same bytes", arguments: [FakeBehavior.Framing.length, .chunked, .untilClose])
    func framing(_ framing: FakeBehavior.Framing) async throws {
        try await NetFixture.run { fixture async throws in
            let behavior = FakeBehavior.generated(size: 3 << 20, seed: 3).with { $0.framing = framing }
            fixture.origin.on("/a", behavior)
            let response = try await fixture.get("/a")
            #expect(response.isHTTP1_0 == (framing == .untilClose))
            #expect(response.contentLength == (framing == .length ? 3 << 20 : nil))
            #expect(try await response.body.bytes() == behavior.body.bytes(0..<3 << 20))
        }
    }

    @Test func aConnectionIsUsedAgain() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .text("a"))
            fixture.origin.on("/empty", .status(404))
            fixture.origin.on("/redirect", .redirect(to: "/a").with { $0.body = .bytes(Array("moved".utf8)) })
            for _ in 1...3 {
                _ = try await fixture.get("/a").body.bytes()
                _ = try await fixture.get("/redirect").body.bytes()
                _ = try await fixture.get("/empty")
                _ = try await fixture.client.send(OutboundRequest(.head, try fixture.url("/a")))
            }
            #expect(fixture.origin.requests.count == 15)
            #expect(fixture.origin.connectionCount == 1)
            #expect(fixture.client.pinnedHostCount == 1)
        }
    }

    @Test func twoHundredRequestsAtOnce() async throws {
        try await NetFixture.run { fixture async throws in
            let gate = FakeGate()
            for number in 0..<200 {
                fixture.origin.on("/\(number)", .generated(size: 100_000, seed: UInt64(number)).with { $0.gate = gate })
            }
            try await withThrowingTaskGroup(of: Void.self) { group in
                for number in 0..<200 {
                    group.addTask {
                        let bytes = try await fixture.get("/\(number)").body.bytes()
                        #expect(bytes == FakeBody.generated(size: 100_000, seed: UInt64(number)).bytes(0..<100_000))
                    }
                }
                // As many as may be under way are, and not one more.
                try await gate.waiting(64)
                #expect(fixture.origin.activeRequests == 64)
                gate.open()
                try await group.waitForAll()
            }
            #expect(fixture.origin.maxActiveRequests == 64)
            #expect(fixture.origin.requests.count == 200)
        }
    }

    @Test func whoWaitsForASlotCanBeCancelled() async throws {
        try await NetFixture.run(configuration: .testing { $0.connectionsPerOrigin = 1 }) { fixture async throws in
            let gate = FakeGate()
            fixture.origin.on("/a", .text("a").with { $0.gate = gate })
            try await withThrowingTaskGroup(of: String.self) { group in
                group.addTask { try await fixture.get("/a").body.text() }
                try await gate.waiting()
                let waiting = Task { try await fixture.get("/b").status }
                waiting.cancel()
                await #expect(throws: CancellationError.self) { try await waiting.value }
                gate.open()
                #expect(try await group.next() == "a")
            }
            #expect(fixture.origin.requests(for: "/b").isEmpty)
            #expect(try await fixture.get("/c").status == 404)
        }
    }

    @Test func cancellingTheTaskCancelsTheRequest() async throws {
        try await NetFixture.run { fixture async throws in
            let (head, body) = (FakeGate(), FakeGate())
            fixture.origin.on("/head", .text("a").with { $0.gate = head })
            fixture.origin.on("/body", .generated(size: 1 << 30).with { $0.stall = (after: 1_000, gate: body) })
            for (path, gate) in [("/head", head), ("/body", body)] {
                let task = Task { try await fixture.get(path).body.bytes().count }
                try await gate.waiting()
                task.cancel()
                await #expect(throws: CancellationError.self) { try await task.value }
                try await fixture.origin.connections(atMost: 0)
                gate.open()
            }
        }
    }

    @Test func afterTheShutdownNothingIsSent() async throws {
        try await NetFixture.run { fixture async throws in
            let gate = FakeGate()
            fixture.origin.on("/a", .generated(size: 1 << 30).with { $0.stall = (after: 1_000, gate: gate) })
            let response = try await fixture.get("/a")
            try await gate.waiting()
            await fixture.client.shutdown()
            await #expect(throws: OutboundError.self) { try await response.body.bytes() }
            try await fixture.origin.connections(atMost: 0)
            #expect(try await fixture.failure("/b") == .connectFailed)
            await fixture.client.shutdown()
        }
    }

    @Test func aClientThatIsForgottenClosesItsConnections() async throws {
        try await FakeOrigin.run { origin async throws in
            let policy = try EgressPolicy(
                allow: [.prefix(try ArtifactURL(origin.url("/")))], requireHTTPS: false,
                allowAddresses: [try #require(IPNetwork("127.0.0.0/8"))])
            do {
                let client = makeClient(policy, StaticResolver([:]))
                _ = try await client.send(OutboundRequest(.get, try ArtifactURL(origin.url("/a")))).body.bytes()
                #expect(origin.openConnections == 1)
            }
            try await origin.connections(atMost: 0)
        }
    }

    @Test func thereAreNoMorePinsThanAllowed() async throws {
        let names = (0..<10).map { "n\($0).example" }
        let resolver = StaticResolver(Dictionary(uniqueKeysWithValues: names.map { ($0, [["127.0.0.1"]]) }))
        try await FakeOrigin.run { origin async throws in
            let rules = try names.map { EgressPolicy.AllowRule.prefix(try ArtifactURL("http://\($0):\(origin.port)/")) }
            let policy = try EgressPolicy(allow: rules, requireHTTPS: false, allowAddresses: [try #require(IPNetwork("127.0.0.0/8"))])
            var configuration = OutboundConfiguration()
            configuration.maxPinnedHosts = 3
            try await withClient(policy, resolver, configuration) { client async throws in
                for name in names + names {
                    _ = try await client.send(OutboundRequest(.get, try ArtifactURL("http://\(name):\(origin.port)/"))).body.bytes()
                    #expect(client.pinnedHostCount <= 3)
                }
                try await origin.connections(atMost: 3)
            }
            #expect(origin.requests.count == 20)
        }
    }
}
