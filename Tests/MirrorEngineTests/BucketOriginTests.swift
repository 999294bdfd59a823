import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import Testing

@testable import MirrorEngine

@Suite("Origins that are buckets of the mirror's own", .timeLimit(.minutes(1)))
struct BucketOriginTests {
    private static let bytes: [UInt8] = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    private static let service: StoreCapabilities.Features = [.parallelParts, .serverSideCopy, .conditionalWrites]

    private func run(
        _ objects: [String: FakeBucket.Object], features: StoreCapabilities.Features = service, maxBytes: Int64? = nil,
        _ body: @Sendable (EngineFixture, FakeBucket) async throws -> Void
    ) async throws {
        let bucket = FakeBucket(objects)
        try await EngineFixture.run({
            $0.buckets = [bucket]
            $0.bucket = bucket
            $0.features = features
            $0.maxBytes = maxBytes
        }) { engine async throws in
            try await body(engine, bucket)
        }
    }

    private func ask(_ engine: EngineFixture, _ url: String, wait: Duration? = nil) async throws -> RedirectAnswer {
        await engine.redirects.answer(try engine.redirects.artifact(url), in: engine.pool, wait: wait)
    }

    @Test("A pool of the same service copies by itself: no byte passes through here")
    func copiesInService() async throws {
        let object = FakeBucket.Object(bytes: Self.bytes, headers: [("Content-Type", "application/x-tar"), ("Content-Encoding", "gzip")])
        try await run(["a.tar": object]) { engine, bucket async throws in
            let answer = try await ask(engine, "bucket://private/a.tar")
            #expect(answer.outcome == .wait)
            #expect(answer.size == 200_000)
            #expect(bucket.requests == ["HEAD a.tar"])
            #expect(engine.store.count(.copy) == 1)
            #expect(engine.store.count(.beginUpload) == 0)
            #expect(engine.counters.total(EngineMetrics.Name.copyBytes) == 0)
            #expect(engine.counters.total(EngineMetrics.Name.serverSideCopyBytes) == 200_000)
            let content = try await engine.setup.store.get(
                ObjectKey(try ArtifactURL("https://bucket.example.org/private/a.tar")), range: nil)
            let bytes = try await content.body.collect(upTo: 1 << 20)
            #expect(Array(bytes.readableBytesView) == Self.bytes)
            #expect(content.info.metadata.contentType == "application/x-tar")
            #expect(content.info.metadata.contentEncoding == "gzip")
            #expect(content.info.metadata.upstreamETag == "\"v1\"")
            #expect(content.info.metadata.upstreamContentLength == 200_000)
        }
    }

    @Test("All spellings of an object are one artifact and one replica, and need no entry in the allow-list")
    func spellings() async throws {
        try await run(["a.tar": .init(bytes: Self.bytes)]) { engine, bucket async throws in
            #expect(try await ask(engine, "bucket://private/a.tar").outcome == .wait)
            #expect(try await ask(engine, "https://private.bucket.example.org/a.tar").outcome == .hit)
            #expect(try await ask(engine, "https://bucket.example.org/private/a.tar?signature=2").outcome == .hit)
            #expect(bucket.requests.count == 1)
            #expect(engine.origin.requests.isEmpty)
        }
    }

    @Test("A pool of another service gets the bytes in ranges")
    func ranges() async throws {
        try await run(["a.tar": .init(bytes: Self.bytes)], features: [.parallelParts]) { engine, bucket async throws in
            #expect(try await ask(engine, "bucket://private/a.tar").size == 200_000)
            #expect(
                Set(bucket.requests) == [
                    "GET a.tar 0-65535", "GET a.tar 65536-131071", "GET a.tar 131072-196607", "GET a.tar 196608-199999",
                ])
            #expect(engine.counters.total(EngineMetrics.Name.copyBytes) == 200_000)
        }
    }

    @Test("An empty object is copied")
    func empty() async throws {
        try await run(["a.tar": .init(bytes: [])], features: [.parallelParts]) { engine, bucket async throws in
            #expect(try await ask(engine, "bucket://private/a.tar").size == 0)
            #expect(bucket.requests == ["GET a.tar 0-65535", "GET a.tar"])
        }
    }

    @Test(
        "Where the pool may not read the origin's bucket the bytes pass through here, and the next copy does not ask again",
        arguments: [StorageError.Code.permissionDenied, .notFound, .invalidRequest, .unsupported])
    func refused(code: StorageError.Code) async throws {
        try await run(["a.tar": .init(bytes: Self.bytes), "b.tar": .init(bytes: Self.bytes)]) { engine, bucket async throws in
            engine.store.fail(.copy, code)
            #expect(try await ask(engine, "bucket://private/a.tar").size == 200_000)
            #expect(engine.counters.total(EngineMetrics.Name.copyBytes) == 200_000)
            #expect(try await ask(engine, "bucket://private/b.tar").size == 200_000)
            #expect(engine.store.count(.copy) == 1)
        }
    }

    @Test("A copy by the service that fails for a while is tried again")
    func tried() async throws {
        try await run(["a.tar": .init(bytes: Self.bytes)]) { engine, _ async throws in
            engine.store.before(.copy) {
                if engine.store.count(.copy) == 1 { throw StorageError(.unavailable, "scripted", operation: "scripted") }
            }
            #expect(try await ask(engine, "bucket://private/a.tar").size == 200_000)
            #expect(engine.store.count(.copy) == 2)
            #expect(engine.counters.total(EngineMetrics.Name.copyBytes) == 0)
        }
    }

    @Test(
        "What the bucket answers is passed on and remembered",
        arguments: [(403, ["HEAD a.tar", "GET a.tar 0-65535", "GET a.tar"]), (404, ["HEAD a.tar"])])
    func statuses(status: Int, requests: [String]) async throws {
        try await run(["a.tar": .init(bytes: [1], status: status)]) { engine, bucket async throws in
            #expect(try await ask(engine, "bucket://private/a.tar").status == status)
            #expect(try await ask(engine, "bucket://private/a.tar").status == status)
            #expect(bucket.requests == requests)
        }
    }

    @Test("An object larger than the pool is not copied")
    func tooLarge() async throws {
        try await run(["a.tar": .init(bytes: Self.bytes)], maxBytes: 1_000) { engine, _ async throws in
            #expect(try await ask(engine, "bucket://private/a.tar").fallback == .copyFailed)
            #expect(engine.store.count(.copy) == 0)
        }
    }

    @Test("Who is sent to the origin gets a location that works without credentials")
    func location() async throws {
        try await run([:]) { engine, _ async throws in
            let artifact = try engine.redirects.artifact("bucket://private/a.tar")
            #expect(await engine.redirects.originLocation(of: artifact) == "https://bucket.example.org/private/a.tar?signature=1")
            let other = try engine.redirects.artifact("https://artifacts.example.org/a?b=c")
            #expect(await engine.redirects.originLocation(of: other) == "https://artifacts.example.org/a?b=c")
        }
    }

    @Test("An object that somebody else published meanwhile is taken as it is")
    func adopts() async throws {
        try await run(["a.tar": .init(bytes: Self.bytes)], features: [.parallelParts, .conditionalWrites]) { engine, _ async throws in
            let artifact = try engine.redirects.artifact("bucket://private/a.tar")
            engine.store.before(.complete) {
                let upload = try await engine.setup.store.beginUpload(
                    ObjectKey(artifact), metadata: ObjectMetadata(upstreamURL: artifact.description, stored: engine.setup.clock.now),
                    expectedSize: 3)
                _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 3), from: ByteStream(.init(bytes: [1, 2, 3])))
                _ = try await upload.complete(size: 3, sha256: try #require(Digest(.sha256, bytes: Array(repeating: 7, count: 32))))
            }
            #expect(try await ask(engine, "bucket://private/a.tar").size == 3)
            #expect(engine.store.count(.abort) == 1)
        }
    }
}
