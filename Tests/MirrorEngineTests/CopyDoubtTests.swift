import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import TestServers
import Testing

@testable import MirrorEngine

/// What an origin answers to a request with `Range`, although it gives all of the artifact to one without.
struct DoubtfulAnswer: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let behavior: FakeBehavior

    static let partSize: Int64 = 64 << 10
    static let whole = FakeBehavior.generated(size: 200_000, seed: 8)

    static let parts: [DoubtfulAnswer] = [
        part("a part with status 200 and Content-Range", status: 200, range: "bytes 0-65535/200000"),
        part("a part with status 203 and Content-Range", status: 203, range: "bytes 0-65535/200000"),
        part("a Content-Range that nobody can read, with status 200", status: 200, range: "first 64 KiB"),
        part("a part with status 200 that says nothing", status: 200, range: nil),
        part("a part with status 206 that says nothing", status: 206, range: nil),
        part("a part with status 206 of an unknown length", status: 206, range: "bytes 0-65535/*"),
        part("a part with status 206 of another place", status: 206, range: "bytes 1-65536/200000"),
        part("a part with status 206 that is shorter than asked for", status: 206, range: "bytes 0-65534/200000", length: 65_535),
        part("a part with status 206 that is longer than its whole", status: 206, range: "bytes 0-65535/65535"),
        part("a part whose length is not that of its range", status: 206, range: "bytes 0-65535/200000", length: 65_000),
        part("a part with two ranges", status: 206, range: "bytes 0-65535/200000").adding("Content-Range", "bytes 0-65535/65536"),
        part("several parts in one body", status: 206, range: nil).typed("multipart/byteranges; boundary=x"),
        part("several parts in one body, with a range", status: 206, range: "bytes 0-65535/200000")
            .typed("Multipart/Byteranges; boundary=x"),
        part("several parts in one body with status 200", status: 200, range: nil, length: 70_000)
            .typed("multipart/byteranges; boundary=x"),
    ]

    static let refusals: [DoubtfulAnswer] = [
        204, 304, 400, 401, 402, 403, 405, 406, 407, 409, 411, 412, 413, 414, 415, 416, 417, 421, 422, 428, 431, 451, 499, 500, 501, 505,
        599,
    ].map { DoubtfulAnswer(testDescription: "status \($0)", behavior: .status($0)) }

    private static func part(_ name: String, status: Int, range: String?, length: Int64 = partSize) -> DoubtfulAnswer {
        DoubtfulAnswer(
            testDescription: name,
            behavior: .body(whole.body.bytes(0..<length), etag: whole.etag).with {
                $0.status = status
                $0.acceptsRanges = false
                if let range { $0.headers.append(("Content-Range", range)) }
            })
    }

    private func adding(_ name: String, _ value: String) -> DoubtfulAnswer {
        DoubtfulAnswer(testDescription: testDescription, behavior: behavior.with { $0.headers.append((name, value)) })
    }

    private func typed(_ type: String) -> DoubtfulAnswer {
        DoubtfulAnswer(
            testDescription: testDescription,
            behavior: behavior.with {
                $0.headers.removeAll { $0.name == "Content-Type" }
                $0.headers.append(("Content-Type", type))
            })
    }
}

@Suite("The copy path: no answer is believed against what is known", .timeLimit(.minutes(1)))
struct CopyDoubtTests {
    /// Pools of both kinds: those that get parts as they come, and those that get them out of memory.
    static let features: [StoreCapabilities.Features] = [
        [.servedByMirror, .parallelParts, .readsUploads], [.servedByMirror, .parallelParts, .conditionalWrites],
    ]

    @Test(
        "What an origin answers because of Range is not believed: it is asked once more without, and all of the artifact is copied",
        arguments: DoubtfulAnswer.parts + DoubtfulAnswer.refusals, features)
    func asksAgain(_ answer: DoubtfulAnswer, features: StoreCapabilities.Features) async throws {
        let whole = DoubtfulAnswer.whole
        try await EngineFixture.run({ $0.features = features }) { engine async throws in
            engine.origin.on("/a.bin") { $0.header("Range") == nil ? whole : answer.behavior }
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(try await engine.read("/a.bin").bytes == whole.body.bytes(0..<200_000))
            #expect(engine.origin.requests.map { $0.header("Range") } == ["bytes=0-65535", nil])
            #expect(engine.base.results.count == 1)
        }
    }

    @Test("A part without a length that says nothing of itself is not taken for the whole")
    func unstatedPart() async throws {
        let whole = DoubtfulAnswer.whole
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin") { request in
                guard request.header("Range") != nil else { return whole }
                return .body(whole.body.bytes(0..<DoubtfulAnswer.partSize), etag: nil).with {
                    $0.acceptsRanges = false
                    $0.framing = .chunked
                }
            }
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(try await engine.read("/a.bin").bytes == whole.body.bytes(0..<200_000))
        }
    }

    @Test("An artifact that is just as long as a part is copied, however its origin answers", arguments: [true, false])
    func justAsLong(isChunked: Bool) async throws {
        let whole = FakeBehavior.generated(size: DoubtfulAnswer.partSize, seed: 8).with {
            $0.acceptsRanges = false
            $0.framing = isChunked ? .chunked : .length
        }
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", whole)
            #expect(try await engine.ask("/a.bin").size == DoubtfulAnswer.partSize)
            #expect(try await engine.read("/a.bin").bytes == whole.body.bytes(0..<DoubtfulAnswer.partSize))
            #expect(engine.origin.requests.count == 2)
        }
    }

    @Test("An origin that never gives anything but a part that it calls the whole leaves nothing in the pool", arguments: [200, 203, 206])
    func neverWhole(status: Int) async throws {
        let part = try #require(DoubtfulAnswer.parts.first).behavior.with { $0.status = status }
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin") { $0.header("Range") == nil ? part : .status(400) }
            #expect(try await engine.ask("/a.bin").fallback == .copyFailed)
            #expect(try await !engine.isInPool("/a.bin"))
            guard case .error(let failure) = try await engine.status("/a.bin") else {
                Issue.record("no error is remembered")
                return
            }
            #expect(failure.reason == .transfer)
        }
    }

    @Test("A later answer that states another size than the first one is refused, and the next attempt begins anew")
    func contradiction() async throws {
        let whole = DoubtfulAnswer.whole.with { $0.etag = nil }
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin") { request in
                // The first request without Range gets less than the one with it was told there is.
                request.number == 2 ? .generated(size: 100_000, seed: 8).with { $0.acceptsRanges = false } : whole
            }
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(engine.base.results.count == 2)
            #expect(try await engine.read("/a.bin").bytes == whole.body.bytes(0..<200_000))
        }
    }

    @Test("Parts whose encoding differs are not put together")
    func encodings() async throws {
        let whole = DoubtfulAnswer.whole
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin") { request in
                request.number == 2 ? whole.with { $0.headers.append(("Content-Encoding", "gzip")) } : whole
            }
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(engine.base.results.count == 2)
            #expect(try await engine.read("/a.bin").info.metadata.contentEncoding == nil)
        }
    }

    // MARK: Buckets

    private func withBucket(
        _ answer: @escaping FakeBucket.Script, _ body: @Sendable (EngineFixture, FakeBucket) async throws -> Void
    ) async throws {
        let bytes = DoubtfulAnswer.whole.body.bytes(0..<200_000)
        let bucket = FakeBucket(["a.bin": .init(bytes: bytes)], answer: answer)
        try await EngineFixture.run({
            $0.buckets = [bucket]
            $0.bucket = bucket
            $0.features = [.parallelParts, .serverSideCopy, .conditionalWrites]
        }) { engine async throws in
            // The pool's service may not read the bucket, so that the bytes pass through here.
            engine.store.fail(.copy, .permissionDenied)
            try await body(engine, bucket)
        }
    }

    private func ask(_ engine: EngineFixture) async throws -> RedirectAnswer {
        await engine.redirects.answer(try engine.redirects.artifact("bucket://private/a.bin"), in: engine.pool, wait: nil)
    }

    @Test("A bucket that answers a range with status 200 and its Content-Range is asked for the whole", arguments: ["Content-Range", nil])
    func bucketPart(field: String?) async throws {
        try await withBucket({ range, answer in
            guard range != nil else { return }
            answer.status = 200
            answer.headers.removeAll { $0.name == "Content-Range" && field == nil }
            answer.headers.append(("Content-Length", "65536"))
        }) { engine, bucket async throws in
            #expect(try await ask(engine).size == 200_000)
            #expect(bucket.requests == ["HEAD a.bin", "GET a.bin 0-65535", "GET a.bin"])
        }
    }

    @Test("What is stored has the size that HEAD stated, whatever later answers state", arguments: ["100000", nil])
    func bucketSize(stated: String?) async throws {
        try await withBucket({ _, answer in
            answer.status = 200
            answer.headers.removeAll { ["Content-Range", "Content-Length"].contains($0.name) }
            if let stated { answer.headers.append(("Content-Length", stated)) }
            answer.body = ByteStream(.init(bytes: Array(repeating: 7, count: 100_000)))
        }) { engine, _ async throws in
            #expect(try await ask(engine).fallback == .copyFailed)
            #expect(try await engine.setup.store.list(after: nil, limit: 10).isEmpty)
        }
    }

    @Test("A bucket that refuses HEAD is asked by GET", arguments: [400, 403, 405, 501])
    func bucketHead(status: Int) async throws {
        let bytes = DoubtfulAnswer.whole.body.bytes(0..<200_000)
        let bucket = FakeBucket(["a.bin": .init(bytes: bytes, headStatus: status)])
        try await EngineFixture.run({
            $0.buckets = [bucket]
            $0.bucket = bucket
            $0.features = [.parallelParts, .serverSideCopy, .conditionalWrites]
        }) { engine async throws in
            #expect(try await ask(engine).size == 200_000)
            #expect(engine.store.count(.copy) == 0)
        }
    }
}
