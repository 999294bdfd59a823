import MirrorCore
import NIOCore
import TestServers
import Testing

@testable import MirrorNet

@Suite(.timeLimit(.minutes(5))) struct OutboundBodyTests {
    @Test("A body that ends early is truncated, never complete", arguments: [FakeBehavior.Framing.length, .chunked])
    func truncated(_ framing: FakeBehavior.Framing) async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on(
                "/a",
                .generated(size: 1 << 20).with {
                    $0.framing = framing
                    $0.truncateAfter = 300_000
                })
            #expect(try await fixture.failure("/a") == .truncated)
        }
    }

    @Test("A body that is shorter than stated is truncated", arguments: [1, 1_000_000])
    func shorterThanStated(_ missing: Int64) async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .generated(size: 100_000).with { $0.statedLength = 100_000 + missing })
            #expect(try await fixture.failure("/a") == .truncated)
        }
    }

    @Test func whatIsBeyondTheStatedLengthIsNotRead() async throws {
        try await NetFixture.run { fixture async throws in
            let behavior = FakeBehavior.generated(size: 100_000).with { $0.statedLength = 90_000 }
            fixture.origin.on("/a", behavior)
            fixture.origin.on("/b", .text("b"))
            for _ in 1...5 {
                #expect(try await fixture.get("/a").body.bytes() == behavior.body.bytes(0..<90_000))
                // The rest is nobody's answer.
                #expect(try await fixture.get("/b").body.text() == "b")
            }
        }
    }

    @Test func anHTTP10BodyEndsWithItsConnection() async throws {
        try await NetFixture.run { fixture async throws in
            let behavior = FakeBehavior.generated(size: 100_000).with {
                $0.framing = .untilClose
                $0.truncateAfter = 50_000
            }
            fixture.origin.on("/a", behavior)
            // Nothing tells that half of it is missing: that is why callers are told of the version.
            let response = try await fixture.get("/a")
            #expect(response.isHTTP1_0)
            #expect(response.contentLength == nil)
            #expect(try await response.body.bytes().count == 50_000)
        }
    }

    @Test func anOriginThatFallsSilentTimesOut() async throws {
        try await NetFixture.run(configuration: .testing { $0.idleTimeout = .seconds(5) }) { fixture async throws in
            let gate = FakeGate()
            fixture.origin.on("/head", .text("a").with { $0.gate = gate })
            fixture.origin.on("/body", .generated(size: 1 << 20).with { $0.stall = (after: 500_000, gate: gate) })
            #expect(try await fixture.failure("/head") == .timedOut)
            #expect(try await fixture.failure("/body") == .timedOut)
            for path in ["/head", "/body"] { _ = try await fixture.origin.request(for: path) }
            try await fixture.origin.connections(atMost: 0)
            #expect(fixture.origin.requests.count == 2, "it is not asked again")
            gate.open()
        }
    }

    /// Runs `body` with a client that waits for five seconds, and that may ask this server and an origin.
    private static func asking(
        _ server: PacedServer, and origin: FakeOrigin, _ body: (GuardedClient) async throws -> Void
    ) async throws {
        let policy = try EgressPolicy(
            allow: [.prefix(server.url), .prefix(try ArtifactURL(origin.url("/")))], requireHTTPS: false,
            allowAddresses: [try #require(IPNetwork("127.0.0.0/8"))])
        try await withClient(policy, StaticResolver([:]), .testing { $0.idleTimeout = .seconds(5) }, body)
    }

    @Test func anOriginThatDripsDoesNotTimeOut() async throws {
        // Twice the timeout as a whole, a twentieth of it between two pieces.
        let pieces = Array(repeating: ByteBuffer(string: "a"), count: 40)
        try await FakeOrigin.run { origin async throws in
            try await PacedServer.run(pieces, every: .milliseconds(250)) { server async throws in
                try await Self.asking(server, and: origin) { client async throws in
                    #expect(try await client.send(OutboundRequest(.get, server.url)).body.bytes().count == 40)
                }
            }
        }
    }

    @Test func aSlowReaderDoesNotTimeOut() async throws {
        let pieces = Array(repeating: ByteBuffer(repeating: 7, count: 1 << 20), count: 64)
        try await FakeOrigin.run { origin async throws in
            try await PacedServer.run(pieces) { server async throws in
                try await Self.asking(server, and: origin) { client async throws in
                    let gate = FakeGate()
                    origin.on("/silent", .text("a").with { $0.gate = gate })
                    let response = try await client.send(OutboundRequest(.get, server.url))
                    var iterator = response.body.makeAsyncIterator()
                    var count = try await iterator.next()?.readableBytes ?? 0
                    // Each of these takes one timeout, during which nobody reads the first body.
                    for _ in 1...2 {
                        let error = await #expect(throws: OutboundError.self) {
                            try await client.send(OutboundRequest(.get, try ArtifactURL(origin.url("/silent"))))
                        }
                        #expect(error?.code == .timedOut)
                    }
                    while let chunk = try await iterator.next() { count += chunk.readableBytes }
                    #expect(count == 64 << 20)
                    gate.open()
                }
            }
        }
    }

    @Test func nothingIsReadAheadOfTheReader() async throws {
        try await NetFixture.run { fixture async throws in
            let gate = FakeGate()
            // Far more than sockets hold. Should the client read ahead, the origin would come to the gate.
            fixture.origin.on("/a", .generated(size: 1 << 30).with { $0.stall = (after: 256 << 20, gate: gate) })
            fixture.origin.on("/b", .generated(size: 32 << 20))
            let response = try await fixture.get("/a")
            #expect(try await fixture.get("/b").body.bytes().count == 32 << 20)
            #expect(gate.waitingCount == 0)
            withExtendedLifetime(response) {}
        }
    }

    @Test func aBodyThatIsDroppedClosesItsConnection() async throws {
        try await NetFixture.run(configuration: .testing { $0.connectionsPerOrigin = 1 }) { fixture async throws in
            fixture.origin.on("/a", .generated(size: 1 << 40))
            fixture.origin.on("/b", .text("b"))
            // Unread.
            _ = try await fixture.get("/a")
            try await fixture.origin.connections(atMost: 0)
            // Partly read.
            do {
                var iterator = try await fixture.get("/a").body.makeAsyncIterator()
                _ = try await iterator.next()
            }
            try await fixture.origin.connections(atMost: 0)
            // Left in a loop.
            for try await _ in try await fixture.get("/a").body { break }
            try await fixture.origin.connections(atMost: 0)
            // Their slot is free again.
            #expect(try await fixture.get("/b").body.text() == "b")
        }
    }

    @Test func aBodyIsReadOnce() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", .text("a"))
            let body = try await fixture.get("/a").body
            #expect(try await body.text() == "a")
            await #expect(throws: OutboundError.self) { try await body.text() }
        }
    }

    @Test func anOriginThatHangsUpIsAskedOnceMore() async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/always", .hangUp)
            fixture.origin.on("/once", .hangUp, .text("here"))
            #expect(try await fixture.failure("/always") == .truncated)
            #expect(fixture.origin.requests(for: "/always").count == 2)
            #expect(try await fixture.get("/once").body.text() == "here")
        }
    }

    @Test func aHeadThatIsTooLargeIsRefused() async throws {
        try await NetFixture.run(configuration: .testing { $0.maxResponseHeadSize = 1_000 }) { fixture async throws in
            fixture.origin.on("/many", .text("a").with { $0.headers += (0..<100).map { ("X-\($0)", "0123456789") } })
            fixture.origin.on("/huge", .text("a").with { $0.headers.append(("X", String(repeating: "a", count: 200_000))) })
            fixture.origin.on("/fits", .text("a"))
            #expect(try await fixture.failure("/many") == .protocolError)
            #expect(try await fixture.failure("/huge") == .protocolError)
            #expect(try await fixture.failure("/fits") == nil)
        }
    }

    @Test(
        "What is not HTTP/1 is a protocol error",
        arguments: [
            "garbage\r\n\r\n", "HTTP/2.0 200 OK\r\n\r\n", "SSH-2.0-OpenSSH\r\n", "HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab", "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
            "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n", "HTTP/1.1 200 OK\r\nA: b\r\n\u{0}: c\r\n\r\n",
        ])
    func garbage(_ answer: String) async throws {
        try await NetFixture.run { fixture async throws in
            fixture.origin.on("/a", FakeBehavior().with { $0.raw = Array(answer.utf8) })
            let code = try await fixture.failure("/a")
            #expect(code == .protocolError, "\(String(describing: code))")
        }
    }
}
