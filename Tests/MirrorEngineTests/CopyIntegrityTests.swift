import MirrorCore
import MirrorNet
import MirrorState
import MirrorStorage
import TestServers
import Testing

@testable import MirrorEngine

/// A way in which an origin's answers are worth nothing.
struct BrokenOrigin: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let behavior: FakeBehavior

    static let all: [BrokenOrigin] = [
        BrokenOrigin(
            testDescription: "one answer, cut off",
            behavior: .generated(size: 200_000).with {
                $0.acceptsRanges = false
                $0.truncateAfter = 150_000
            }),
        BrokenOrigin(
            testDescription: "chunks, cut off",
            behavior: .generated(size: 200_000).with {
                $0.acceptsRanges = false
                $0.framing = .chunked
                $0.truncateAfter = 150_000
            }),
        BrokenOrigin(testDescription: "parts, cut off", behavior: .generated(size: 200_000).with { $0.truncateAfter = 30_000 }),
        BrokenOrigin(
            testDescription: "more stated than sent",
            behavior: .generated(size: 200_000).with {
                $0.acceptsRanges = false
                $0.statedLength = 200_001
            }),
        BrokenOrigin(testDescription: "parts shorter than their Content-Range", behavior: partial("bytes 0-65535/65536", 65_000)),
        BrokenOrigin(testDescription: "parts longer than their Content-Range", behavior: partial("bytes 0-9/10", 11)),
        BrokenOrigin(testDescription: "another range than asked for", behavior: partial("bytes 10-65545/200000", 65_536)),
        BrokenOrigin(testDescription: "a range of unknown length", behavior: partial("bytes 0-65535/*", 65_536)),
        BrokenOrigin(testDescription: "a range that is none", behavior: partial("bytes 0-99999999999999999999/5", 65_536)),
        BrokenOrigin(testDescription: "no Content-Range", behavior: partial(nil, 65_536)),
        BrokenOrigin(testDescription: "hanging up", behavior: .hangUp),
    ]

    /// A 206 of the origin's own making, whatever is asked for.
    static func partial(_ contentRange: String?, _ length: Int64) -> FakeBehavior {
        .generated(size: length).with {
            $0.status = 206
            if let contentRange { $0.headers.append(("Content-Range", contentRange)) }
        }
    }
}

@Suite("The copy path: what is incomplete or changes never becomes present", .timeLimit(.minutes(1)))
struct CopyIntegrityTests {
    /// A store in which a leak of one byte is seen.
    private static let capacity: Int64 = 1 << 20

    private func expectNothing(of path: String, in engine: EngineFixture) async throws {
        #expect(try await !engine.isInPool(path))
        #expect(try await engine.setup.store.list(after: nil, limit: 10).isEmpty)
        #expect(engine.store.count(.complete) == 0)
        #expect(engine.store.count(.abort) == engine.store.count(.beginUpload))
        guard case .error(let failure) = try await engine.status(path) else {
            Issue.record("no error is remembered")
            return
        }
        #expect(failure.reason == .transfer)
        let upload = try await engine.setup.store.beginUpload(
            try engine.key("/probe"), metadata: ObjectMetadata(upstreamURL: "", stored: engine.setup.clock.now), expectedSize: Self.capacity
        )
        await upload.abort()
    }

    @Test("Attempts are bounded, then the client goes to the origin, and the pool holds nothing", arguments: BrokenOrigin.all)
    func broken(origin: BrokenOrigin) async throws {
        try await EngineFixture.run({ $0.store = MemoryStore(capacity: Self.capacity) }) { engine async throws in
            engine.origin.on("/a.bin", origin.behavior)
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(engine.base.results.count == 3)
            try await expectNothing(of: "/a.bin", in: engine)
        }
    }

    @Test("An origin that stalls is given up after the idle time-out", arguments: [true, false])
    func stalls(acceptsRanges: Bool) async throws {
        let gate = FakeGate()
        try await EngineFixture.run({
            $0.store = MemoryStore(capacity: Self.capacity)
            $0.outbound.idleTimeout = .milliseconds(50)
        }) { engine async throws in
            engine.origin.on(
                "/a.bin",
                .generated(size: 200_000).with {
                    $0.acceptsRanges = acceptsRanges
                    $0.stall = (1_000, gate)
                })
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(engine.base.results.count == 3)
            try await expectNothing(of: "/a.bin", in: engine)
        }
    }

    @Test("An origin that recovers in the middle of the attempts is copied whole")
    func recovers() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on(
                "/a.bin", .hangUp, .hangUp, .generated(size: 200_000).with { $0.truncateAfter = 10 }, .generated(size: 200_000))
            let answer = try await engine.ask("/a.bin")
            #expect(answer.size == 200_000)
            #expect(try await engine.read("/a.bin").bytes == FakeBody.generated(size: 200_000, seed: 1).bytes(0..<200_000))
        }
    }

    @Test("An artifact that changes between two ranges is copied anew, as one stream, and is the new one as a whole")
    func changesBetweenRanges() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin") { .generated(size: 200_000, seed: $0.number == 1 ? 1 : 2) }
            let answer = try await engine.ask("/a.bin")
            #expect(answer.outcome == .wait)
            let (info, bytes) = try await engine.read("/a.bin")
            #expect(bytes == FakeBody.generated(size: 200_000, seed: 2).bytes(0..<200_000))
            #expect(info.metadata.upstreamETag == "\"200000-2\"")
            #expect(engine.base.results.count == 2)
            #expect(engine.origin.requests.last?.header("Range") == nil)
            #expect(engine.store.count(.abort) == 1)
        }
    }

    @Test(
        "A part of another version is refused also where the origin does not heed If-Match",
        arguments: [
            ("\"v2\"", "bytes 65536-131071/131072"), ("\"v1\"", "bytes 65536-131071/131073"), ("\"v1\"", "bytes 65536-131070/131072"),
            ("W/\"v1\"", "bytes 65536-131071/131072"),
        ])
    func ignoresIfMatch(etag: String, contentRange: String) async throws {
        try await EngineFixture.run { engine async throws in
            let whole = FakeBehavior.generated(size: 131_072, seed: 3).with { $0.etag = "\"v1\"" }
            engine.origin.on("/a.bin") { request in
                guard request.number == 2 else { return whole }
                return BrokenOrigin.partial(contentRange, 65_536).with { $0.etag = etag }
            }
            let answer = try await engine.ask("/a.bin")
            #expect(answer.outcome == .wait)
            #expect(try await engine.read("/a.bin").bytes == whole.body.bytes(0..<131_072))
            #expect(engine.base.results.count == 2)
        }
    }

    @Test("A part that fails ends the attempt at once, whatever the other parts wait for")
    func failsFast() async throws {
        try await EngineFixture.run { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.bin") { request in
                switch request.header("Range") {
                case nil, "bytes=0-65535": .generated(size: 40 * 65_536)
                case "bytes=65536-131071": .generated(size: 40 * 65_536).with { $0.gate = gate }
                default: .generated(size: 40 * 65_536, seed: 2)
                }
            }
            let answer = try await engine.ask("/a.bin")
            #expect(answer.size == 40 * 65_536)
            #expect(engine.origin.requests.count < 20)
        }
    }

    @Test("What the origin says of a part is not said of the artifact")
    func partIsGone() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin") { $0.number == 2 ? .status(404) : .generated(size: 131_072) }
            let answer = try await engine.ask("/a.bin")
            #expect(answer.size == 131_072)
        }
    }
}
