import MirrorCore
import MirrorNet
import MirrorState
import MirrorStorage
import NamedOrigins
import TestServers
import Testing

@testable import MirrorEngine

@Suite("What a pool's service fetches by itself", .timeLimit(.minutes(1)))
struct CopyPullTests {
    private static let bytes: [UInt8] = (0..<200_000).map { UInt8(truncatingIfNeeded: $0 &* 31) }
    private static let service: StoreCapabilities.Features = [.parallelParts, .pullsURLs, .conditionalWrites]

    /// Runs `body` with a pool whose service finds `bytes` at every URL that `reaches` lets through.
    private func run(
        features: StoreCapabilities.Features = service, reaches: @escaping @Sendable (URLSource) -> Bool = { _ in true },
        change: (inout EngineFixture.Setup) throws -> Void = { _ in },
        _ body: (EngineFixture, Watched<[URLSource]>) async throws -> Void
    ) async throws {
        let seen = Watched<[URLSource]>([])
        try await EngineFixture.run({
            $0.features = features
            $0.fetch = { source in
                seen.change { if $0.last != source { $0.append(source) } }
                return reaches(source) ? Self.bytes : nil
            }
            try change(&$0)
        }) { engine async throws in
            engine.origin.on("/a.tar", .body(Self.bytes, etag: "\"e\""))
            try await body(engine, seen)
        }
    }

    @Test("An artifact of several parts is fetched from where it was found, once the first part says what it is")
    func fetches() async throws {
        try await run { engine, seen async throws in
            engine.origin.on("/moved", .redirect(to: engine.origin.url("/a.tar?x=1")))
            #expect(try await engine.ask("/moved").size == 200_000)
            let source = try #require(seen.current.first)
            #expect(source.url.description == engine.origin.url("/a.tar?x=1"))
            #expect(source.size == 200_000)
            #expect(source.etag == "\"e\"")
            #expect(!source.isPublic, "an address of this machine")
            #expect(engine.store.count(.pull) == 1)
            #expect(engine.store.count(.beginUpload) == 0)
            // The look, and that nothing has changed since.
            #expect(engine.origin.requests(for: "/a.tar").map { $0.header("range") } == ["bytes=0-65535", "bytes=0-0"])
            #expect(engine.origin.requests(for: "/a.tar").last?.header("if-match") == "\"e\"")
            #expect(engine.counters.total(EngineMetrics.Name.copyBytes) == 0)
            #expect(engine.counters.total(EngineMetrics.Name.serverSideCopyBytes) == 200_000)
            #expect(try await engine.read("/moved").bytes == Self.bytes)
            #expect(try await engine.read("/moved").info.metadata.upstreamETag == "\"e\"")
        }
    }

    @Test("An artifact of one part, one without a strong entity tag, and one whose server knows no ranges pass through here")
    func carries() async throws {
        try await run { engine, seen async throws in
            engine.origin.on("/small", .body(Array(Self.bytes.prefix(1_000)), etag: "\"e\""))
            engine.origin.on("/weak", .body(Self.bytes, etag: "W/\"e\""))
            engine.origin.on("/whole", FakeBehavior.body(Self.bytes, etag: "\"e\"").with { $0.acceptsRanges = false })
            for path in ["/small", "/weak", "/whole"] {
                #expect(try await engine.ask(path).size == (path == "/small" ? 1_000 : 200_000))
            }
            #expect(seen.current.isEmpty)
            #expect(engine.store.count(.pull) == 0)
        }
        try await run(features: [.parallelParts]) { engine, seen async throws in
            #expect(try await engine.ask("/a.tar").size == 200_000)
            #expect(seen.current.isEmpty)
        }
    }

    @Test("An artifact whose URL has its digest passes through here, where the digest is checked")
    func digestInURL() async throws {
        let rule = OriginRule(try PathPattern("/blobs/{digest:hex64}"), .mirrored, digest: .path(.sha256))
        try await run(change: { $0.rules = [rule] }) { engine, seen async throws in
            let hex = try FakeBody.bytes(Self.bytes).sha256.hex
            let other = String(repeating: "ab", count: 32)
            for hex in [hex, other] { engine.origin.on("/blobs/\(hex)", .body(Self.bytes, etag: "\"e\"")) }
            #expect(try await engine.ask("/blobs/\(hex)").size == 200_000)
            #expect(try await engine.ask("/blobs/\(other)").fallback != nil)
            #expect(try await !engine.isInPool("/blobs/\(other)"))
            #expect(seen.current.isEmpty)
            #expect(engine.store.count(.pull) == 0)
        }
    }

    @Test("What is out of the service's reach passes through here, and so does what it fails to fetch, in the same attempt")
    func fails() async throws {
        try await run(reaches: { _ in false }) { engine, _ async throws in
            #expect(try await engine.ask("/a.tar").size == 200_000)
            #expect(engine.store.count(.pull) == 0)
            #expect(engine.base.results.count == 1)
        }
        for code in [StorageError.Code.permissionDenied, .unavailable, .checksumMismatch, .preconditionFailed] {
            try await run { engine, _ async throws in
                engine.store.fail(.pull, code)
                for _ in 0..<2 {
                    #expect(try await engine.ask("/a.tar").size == 200_000)
                    _ = try await engine.remover.purge(try engine.id("/a.tar"))
                }
                #expect(engine.store.count(.pull) == 1, "it is not asked for the same again")
                #expect(engine.counters.total(EngineMetrics.Name.copyBytes) == 400_000)
            }
        }
    }

    @Test("An artifact that changes while it is fetched is not published, and is fetched anew through here")
    func changes() async throws {
        try await run { engine, _ async throws in
            let newer = Array(Self.bytes.reversed())
            engine.store.before(.pull) { [origin = engine.origin] in origin.on("/a.tar", .body(newer, etag: "\"f\"")) }
            #expect(try await engine.ask("/a.tar").size == 200_000)
            #expect(engine.store.count(.pull) == 1)
            #expect(try await engine.read("/a.tar").bytes == newer)
        }
    }

    @Test("Three artifacts of a host in a row that cannot be fetched stand for the host")
    func severalInARow() async throws {
        try await run { engine, _ async throws in
            engine.store.fail(.pull, .permissionDenied)
            for number in 0..<5 {
                engine.origin.on("/\(number).tar", .body(Self.bytes, etag: "\"e\""))
                #expect(try await engine.ask("/\(number).tar").size == 200_000)
            }
            #expect(engine.store.count(.pull) == 3)
        }
    }

    @Test("A bucket of another service is fetched from by a signed URL, with what the bucket states of the whole")
    func bucket() async throws {
        let digest = ("x-amz-checksum-crc64nvme", "AAAAAAAAAAA=")
        let bucket = FakeBucket(["a.tar": .init(bytes: Self.bytes, headers: [digest])])
        try await run(
            change: {
                $0.buckets = [bucket]
                $0.resolver.names = ["bucket.example.org": [try #require(IPAddress("93.184.216.34"))]]
            }
        ) { engine, seen async throws in
            let answer = await engine.redirects.answer(try engine.redirects.artifact("bucket://private/a.tar"), in: engine.pool, wait: nil)
            #expect(answer.size == 200_000)
            let source = try #require(seen.current.first)
            #expect(source.url.description == "https://bucket.example.org/private/a.tar?signature=1")
            #expect(source.isPublic)
            #expect(source.digests == [try #require(Digest(.crc64nvme, base64: "AAAAAAAAAAA="))])
            #expect(!"\(source)".contains("signature"))
            #expect(bucket.requests == ["HEAD a.tar", "GET a.tar 0-65535", "GET a.tar 0-0"])
        }
    }

    @Test("A bucket whose host has no address passes through here")
    func unresolvable() async throws {
        let bucket = FakeBucket(["a.tar": .init(bytes: Self.bytes)])
        try await run(change: { $0.buckets = [bucket] }) { engine, seen async throws in
            let answer = await engine.redirects.answer(try engine.redirects.artifact("bucket://private/a.tar"), in: engine.pool, wait: nil)
            #expect(answer.size == 200_000)
            #expect(seen.current.isEmpty)
        }
    }
}
