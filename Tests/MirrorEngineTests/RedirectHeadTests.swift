import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The redirect path: HEAD", .timeLimit(.minutes(1)))
struct RedirectHeadTests {
    private static let text = FakeBehavior.text("hello").with {
        $0.headers = [("Content-Type", "text/plain"), ("Content-Encoding", "gzip"), ("Content-Disposition", "attachment")]
    }

    private func head(_ engine: EngineFixture, _ path: String = "/a.txt", wait: Duration? = nil) async throws -> RedirectAnswer {
        await engine.redirects.answer(try engine.artifact(path), in: engine.pool, wait: wait, isHead: true)
    }

    private func sign(_ setup: inout EngineFixture.Setup) {
        setup.features = MemoryStore().capabilities.features.union(.presignedLocations)
    }

    private func described(_ answer: RedirectAnswer) -> ArtifactDescription? {
        if case .description(let description) = answer { description } else { nil }
    }

    /// How often the origin was asked for the header alone.
    private func looks(_ engine: EngineFixture) -> Int {
        engine.origin.requests.count { $0.headers.contains { $0.name.lowercased() == "range" && $0.value == "bytes=0-0" } }
    }

    // MARK: A copy

    @Test("Of a copy with a signed location it says what the pool says, by one look for all, which the record keeps")
    func signed() async throws {
        try await EngineFixture.run(sign) { engine async throws in
            engine.origin.on("/a.txt", Self.text)
            #expect(try await engine.ask("/a.txt").outcome == .wait)
            let before = engine.store.count(.head)
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for _ in 0..<10 { group.addTask { try await head(engine) } }
                let info = try await engine.setup.store.head(try engine.key("/a.txt"))
                for try await answer in group {
                    let description = try #require(described(answer))
                    #expect(description.outcome == .hit)
                    #expect(description.size == 5)
                    #expect(description.sha256 == info.metadata.sha256)
                    #expect(description.etag == info.etag)
                    #expect(description.lastModified == info.lastModified)
                    #expect(description.contentType == "text/plain")
                    #expect(description.contentEncoding == "gzip")
                    #expect(description.contentDisposition == "attachment")
                    #expect(description.acceptsRanges)
                }
            }
            _ = try await head(engine)
            #expect(engine.store.count(.head) == before + 1)
            #expect(try await engine.base.replica(try engine.id("/a.txt"))?.status == .present(try await engine.object("/a.txt")))
            #expect(try await engine.object("/a.txt").representation != nil)
            #expect(try await engine.ask("/a.txt").redirect?.location.expires != nil)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "hit") == 12)
            #expect(engine.counters.total(EngineMetrics.Name.egressAvoided) == 5)
        }
    }

    @Test("What cannot be kept is said all the same, and a pool that cannot be reached is the origin's turn")
    func broken() async throws {
        try await EngineFixture.run(sign) { engine async throws in
            engine.origin.on("/a.txt", Self.text)
            _ = try await engine.ask("/a.txt")
            engine.store.fail(.head, .unavailable)
            #expect(try await head(engine).fallback == .unavailable)
            engine.store.heal()
            engine.base.before(.describe) { throw StateError(.unavailable, "scripted") }
            #expect(described(try await head(engine))?.size == 5)
        }
    }

    @Test("Those who wait on for a header get it, and do not wait for the copy")
    func waitsOn() async throws {
        try await EngineFixture.run({
            sign(&$0)
            $0.hasWorkers = false
        }) { engine async throws in
            engine.origin.on("/a.txt", Self.text)
            let answer = await engine.redirects.wait(
                for: try engine.redirects.resolve(engine.origin.url("/a.txt")), in: engine.pool,
                until: engine.setup.clock.instant + .seconds(60), wait: Wait(limit: .seconds(60)), isHead: true,
                isClaimed: true, from: ClientNetwork(nil))
            #expect(described(answer)?.outcome == .pending)
        }
    }

    @Test("A copy that the pool does not have any more is made anew")
    func missing() async throws {
        try await EngineFixture.run(sign) { engine async throws in
            engine.origin.on("/a.txt", Self.text)
            _ = try await engine.ask("/a.txt")
            try await engine.setup.store.delete(try engine.key("/a.txt"))
            #expect(described(try await head(engine))?.outcome == .pending)
            #expect(try await engine.ask("/a.txt").size == 5)
            #expect(try await engine.isInPool("/a.txt"))
        }
    }

    @Test("What is found in a pool with signed locations is recorded with what the pool says")
    func backfilled() async throws {
        try await EngineFixture.run(sign) { engine async throws in
            try await engine.put("/a.txt", Array("hello".utf8))
            #expect(described(try await head(engine))?.outcome == .backfill)
            #expect(engine.store.count(.head) == 1)
            #expect(described(try await head(engine))?.outcome == .hit)
            #expect(engine.store.count(.head) == 1)
        }
    }

    @Test("Of a copy whose location works for HEAD too it is a redirect, and no avoided egress")
    func unsigned() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", Self.text)
            _ = try await engine.ask("/a.txt")
            let before = engine.store.count(.head)
            #expect(try await head(engine).redirect?.outcome == .hit)
            #expect(engine.store.count(.head) == before)
            #expect(try await engine.object("/a.txt").representation == nil)
            #expect(engine.counters.total(EngineMetrics.Name.egressAvoided) == 0)
        }
    }

    // MARK: No copy yet

    @Test("Of what is not there it starts the copy and says what the origin says, asked once for all, without waiting for the copy")
    func pending() async throws {
        try await EngineFixture.run { engine async throws in
            let gate = FakeGate()
            let behavior = FakeBehavior.generated(size: 40_000).with {
                $0.headers = [("Content-Type", "application/wasm"), ("Last-Modified", "Sun, 06 Nov 1994 08:49:37 GMT")]
                $0.stall = (10_000, gate)
            }
            engine.origin.on("/a.txt", behavior)
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for _ in 0..<10 { group.addTask { try await head(engine) } }
                for try await answer in group {
                    let description = try #require(described(answer), "\(answer)")
                    #expect(description.outcome == .pending)
                    #expect(description.size == 40_000)
                    #expect(description.contentType == "application/wasm")
                    #expect(description.acceptsRanges)
                    // Those of the copy will be others: a tag on which no condition holds.
                    #expect(description.etag == behavior.etag.map { "W/\($0)" })
                    #expect(description.lastModified?.httpDate == "Sun, 06 Nov 1994 08:49:37 GMT")
                }
            }
            #expect(try await engine.status("/a.txt") == .pending)
            #expect(described(try await head(engine, wait: .zero))?.size == 40_000)
            #expect(looks(engine) == 1)
            gate.open()
            #expect(try await engine.ask("/a.txt").size == 40_000)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "pending") == 11)
        }
    }

    @Test("An origin without ranges is not said to have them, and one that states no length is left to the client")
    func oddOrigins() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            engine.origin.on("/whole.txt", Self.text.with { $0.acceptsRanges = false })
            let whole = try #require(described(try await head(engine, "/whole.txt")))
            #expect(!whole.acceptsRanges)
            #expect(whole.size == 5)
            engine.origin.on(
                "/chunked.txt",
                Self.text.with {
                    $0.acceptsRanges = false
                    $0.framing = .chunked
                })
            #expect(try await head(engine, "/chunked.txt").fallback == .timedOut)
            engine.origin.on("/empty.txt", .body([]))
            #expect(described(try await head(engine, "/empty.txt"))?.size == 0)
        }
    }

    @Test("What the origin refuses is passed on, now and while it is remembered", arguments: [401, 403, 404, 410])
    func refusals(status: Int) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .status(status))
            #expect(try await head(engine).status == status)
            #expect(try await engine.ask("/a.txt").status == status)
            let asked = engine.origin.requests.count
            #expect(try await head(engine).status == status)
            #expect(engine.origin.requests.count == asked)
        }
    }

    @Test("An origin that fails in passing, or cannot be understood, is left to the client")
    func failures() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            engine.origin.on("/busy.txt", .status(503))
            engine.origin.on("/gone.txt", .hangUp)
            engine.origin.on("/odd.txt", .status(204))
            for path in ["/busy.txt", "/gone.txt", "/odd.txt"] {
                #expect(try await head(engine, path).fallback == .copyFailed, "\(path)")
                #expect(try await engine.status(path) == .pending)
            }
        }
    }

    @Test("An origin that does not answer in the client's time is left to the client, and one that does not wait asks nobody")
    func slow() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
        }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", Self.text.with { $0.gate = gate })
            #expect(try await head(engine, wait: .zero).fallback == .timedOut)
            #expect(engine.origin.requests.isEmpty)
            async let answer = head(engine, wait: .seconds(9))
            // By then the look into the pool, which has a limit too, is over.
            _ = try await engine.origin.request(for: "/a.txt")
            // The look at the origin has a limit of its own, which is rounded down.
            await clock.sleepers(2)
            clock.advance(by: .seconds(8))
            #expect(try await answer.fallback == .timedOut)
            gate.open()
        }
    }

    @Test("What the egress policy refuses is refused, and nobody is asked")
    func refused() async throws {
        try await EngineFixture.run({ $0.requireHTTPS = true }) { engine async throws in
            #expect(try await head(engine).outcome == .refused)
            #expect(engine.origin.requests.isEmpty)
        }
    }
}
