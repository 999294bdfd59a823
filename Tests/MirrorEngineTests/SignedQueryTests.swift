import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Artifacts whose URLs are signed", .timeLimit(.minutes(1)))
struct SignedQueryTests {
    private static func isSigned(_ request: FakeOrigin.Request, _ signature: Int) -> Bool {
        request.uri.hasSuffix("?X-Amz-Date=\(signature)&X-Amz-Signature=s\(signature)")
    }

    @Test("URLs with other signatures are one artifact, which is fetched with the first and handed out for all")
    func isOneArtifact() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            let first = try #require(try await engine.ask("/a.txt", signature: 1).redirect)
            #expect(first.outcome == .wait)
            for answer in [try await engine.ask("/a.txt", signature: 2), try await engine.ask("/a.txt")] {
                let redirect = try #require(answer.redirect)
                #expect(redirect.outcome == .hit)
                #expect(redirect.object == first.object)
            }
            #expect(engine.origin.requests.count == 1)
            #expect(engine.origin.requests.allSatisfy { Self.isSigned($0, 1) })
            #expect(try await engine.state.query(for: try engine.id("/a.txt")) == nil)
            let metadata = try await engine.read("/a.txt").info.metadata
            #expect(metadata.upstreamURL == engine.origin.url("/a.txt"))
            #expect(!metadata.addresses.joined().contains("Signature"))
        }
    }

    @Test("Every part is fetched with the signature")
    func fetchesPartsSigned() async throws {
        try await EngineFixture.run { engine async throws in
            let body = FakeBehavior.generated(size: 1 << 20)
            engine.origin.on("/a.bin") { Self.isSigned($0, 1) ? body : .status(403) }
            #expect(try await engine.ask("/a.bin", signature: 1).size == 1 << 20)
            #expect(engine.origin.requests.count > 4)
            #expect(try await engine.read("/a.bin").bytes == body.body.bytes(0..<(1 << 20)))
        }
    }

    @Test("The newest signature is used when the copy's turn comes")
    func usesTheNewest() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            for signature in 1...3 { #expect(try await engine.ask("/a.txt", signature: signature, wait: .zero).fallback == .timedOut) }
            // One without a signature takes none away.
            #expect(try await engine.ask("/a.txt", wait: .zero).fallback == .timedOut)
            try await engine.running(engine.makeWorkers()) { () async throws in
                #expect(try await engine.ask("/a.txt").size == 5)
            }
            #expect(engine.origin.requests.count == 1)
            #expect(engine.origin.requests.allSatisfy { Self.isSigned($0, 3) })
        }
    }

    @Test("A signature that is refused gives way to one that was brought meanwhile, for all who wait", arguments: [400, 401, 403, 404])
    func triesTheNewer(_ status: Int) async throws {
        try await EngineFixture.run { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt") { Self.isSigned($0, 1) ? FakeBehavior.status(status).with { $0.gate = gate } : .text("hello") }
            async let first = engine.ask("/a.txt", signature: 1)
            try await gate.waiting()
            async let second = engine.ask("/a.txt", signature: 2)
            try await engine.base.calls(.keepQuery, 2)
            gate.open()
            #expect(try await first.size == 5)
            #expect(try await second.size == 5)
            #expect(engine.base.results.count == 1)
        }
    }

    @Test("What the origin thinks of one signature is told to nobody and remembered for nobody", arguments: [400, 401, 403, 404])
    func tellsNobody(_ status: Int) async throws {
        try await EngineFixture.run { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt") { $0.uri.contains("?") ? FakeBehavior.status(status).with { $0.gate = gate } : .text("hello") }
            async let signed = engine.ask("/a.txt", signature: 1)
            try await gate.waiting()
            async let plain = engine.ask("/a.txt")
            try await eventually("two wait") { engine.waiters.count == 2 }
            gate.open()
            // Each goes to the origin with its own URL.
            #expect(try await signed.fallback == .copyFailed)
            #expect(try await plain.fallback == .copyFailed)
            #expect(try await engine.ask("/a.txt").size == 5)
        }
    }

    @Test("After a signature that the origin refuses, the next one is tried at once")
    func triesTheNext() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt") { Self.isSigned($0, 2) ? .text("hello") : .status(403) }
            #expect(try await engine.ask("/a.txt", signature: 1).fallback == .copyFailed)
            #expect(try await engine.ask("/a.txt", signature: 2).size == 5)
            #expect(engine.origin.requests.count { Self.isSigned($0, 2) } == 1)
        }
    }

    @Test(
        "A refusal of the bare URL is told to those who ask for that, and keeps no signature from being tried", arguments: [401, 403, 404])
    func claimsOverRefusals(_ status: Int) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt") { Self.isSigned($0, 2) ? .text("hello") : .status(status) }
            #expect(try await engine.ask("/a.txt").status == status)
            let asked = engine.origin.requests.count
            #expect(try await engine.ask("/a.txt").status == status)
            #expect(engine.origin.requests.count == asked)
            #expect(try await engine.ask("/a.txt", signature: 1).fallback == .copyFailed)
            #expect(try await engine.ask("/a.txt", signature: 2).size == 5)
            #expect(try await engine.ask("/a.txt").size == 5)
        }
    }

    @Test("An origin that is out of order is that for all signatures", arguments: [429, 503])
    func passesOnFailures(_ status: Int) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .status(status))
            #expect(try await engine.ask("/a.txt", signature: 1).status == status)
            #expect(try await engine.ask("/a.txt", signature: 2).status == status)
            #expect(engine.origin.requests.count == 3)
        }
    }

    @Test("Who is sent to the origin gets the URL that it came with")
    func fallsBackToItsOwnURL() async throws {
        try await EngineFixture.run { engine async throws in
            for signature in 1...2 {
                let origin = try engine.signed("/a.txt", signature)
                #expect(await engine.redirects.location(of: origin) == origin.source.url.description)
                #expect(origin.source.url.description.hasSuffix("s\(signature)"))
            }
        }
    }

    @Test("Warming with a signed URL fetches with its signature")
    func warms() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt") { Self.isSigned($0, 1) ? .text("hello") : .status(403) }
            #expect(await engine.redirects.warm(try engine.signed("/a.txt", 1), in: engine.pool).state == .pending)
            #expect(try await engine.ask("/a.txt").size == 5)
        }
    }

    @Test("One attempt asks with no more than a few signatures, however many are brought")
    func endsSometime() async throws {
        let state = MemoryStateStore()
        let id = ReplicaID(artifact: try ArtifactURL("https://a.example/a"), pool: try #require(PoolID("local/dev")))
        try await state.keepQuery(FetchQuery("0"), for: id)
        let asked = Watched([String?]())
        let error = try await requireThrows(CopyError.self) {
            try await NewestQuery(state: state).withNewest(for: id) { source in
                let count = asked.change { asked in
                    asked.append(source.query?.text)
                    return asked.count
                }
                try await state.keepQuery(FetchQuery("\(count)"), for: id)
                throw CopyError(.origin(status: 403), isTransient: false, "no")
            }
        }
        #expect(asked.current == ["0", "1", "2", "3"])
        #expect(error.reason == .transfer)
        #expect(!error.isTransient)
        #expect(!error.isRemembered)
        #expect(error.message.contains("403"))
    }
}

extension EngineFixture {
    /// What a client means whose URL has its own signature.
    fileprivate func signed(_ path: String, _ signature: Int) throws -> any Origin {
        try redirects.resolve(origin.url("\(path)?X-Amz-Date=\(signature)&X-Amz-Signature=s\(signature)"))
    }

    fileprivate func ask(_ path: String, signature: Int, wait: Duration? = nil) async throws -> RedirectAnswer {
        await redirects.answer(try signed(path, signature), in: pool, wait: wait)
    }
}
