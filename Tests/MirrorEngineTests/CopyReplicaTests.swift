import Logging
import MirrorCore
import MirrorState
import MirrorStorage
import NIOCore
import NamedOrigins
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The copy path: from a replica in another pool", .timeLimit(.minutes(1)))
struct CopyReplicaTests {
    private static let whole = FakeBehavior.generated(size: 200_000, seed: 4)
    private static let metric = EngineMetrics.Name.serverSideCopyBytes

    /// A pool in the region `here`, and others of the same service.
    ///
    /// - Parameter others: The regions of the other pools by their names, which are those of their buckets too.
    private func run(
        _ others: [String: String] = ["bucket/b": "there"], keepsDigests: Bool = true, logger: Logger = EngineFixture.logger,
        origin: FakeBucket? = nil, rules: [OriginRule] = [], _ body: @Sendable (EngineFixture, BucketService) async throws -> Void
    ) async throws {
        let service = BucketService(keepsDigests: keepsDigests)
        try await EngineFixture.run({
            $0.store = service.makeBucket("main", region: "here")
            for (name, region) in others { $0.otherPools[name] = service.makeBucket(name, region: region) }
            $0.logger = logger
            if let origin { $0.buckets = [origin] }
            $0.bucket = origin
            $0.rules = rules
        }) { engine async throws in
            engine.origin.on("/a.bin", Self.whole)
            try await body(engine, service)
        }
    }

    private func replica(_ engine: EngineFixture, _ artifact: ArtifactURL? = nil, in pool: String = "bucket/b") throws -> ReplicaID {
        ReplicaID(artifact: try artifact ?? engine.artifact("/a.bin"), pool: try #require(PoolID(pool)))
    }

    /// Has an artifact copied into another pool.
    private func fill(_ engine: EngineFixture, _ artifact: ArtifactURL? = nil, in pool: String = "bucket/b") async throws {
        let id = try replica(engine, artifact, in: pool)
        #expect(await engine.redirects.answer(id.artifact, in: engine.pools[id.pool], wait: nil).outcome == .wait)
    }

    @Test("An artifact that another pool of the service has is copied from there, and its origin is not asked", arguments: [true, false])
    func copies(keepsDigests: Bool) async throws {
        let log = LogRecorder(.info)
        try await run(keepsDigests: keepsDigests, logger: log.logger) { engine, service async throws in
            try await fill(engine)
            let requests = engine.origin.requests.count
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(engine.origin.requests.count == requests)
            #expect(service.copies == ["bucket/b"])
            #expect(engine.store.count(.copy) == 1)
            #expect(engine.store.count(.beginUpload) == 0)
            let (info, bytes) = try await engine.read("/a.bin")
            #expect(bytes == Self.whole.body.bytes(0..<200_000))
            #expect(info.metadata.upstreamETag == Self.whole.etag)
            #expect(info.metadata.upstreamContentLength == 200_000)
            #expect(info.metadata.upstreamURL == (try engine.artifact("/a.bin").description))
            #expect(try await engine.object("/a.bin").sha256 == Self.whole.body.sha256)
            try await engine.counters.reach(200_000, Self.metric, "replica")
            #expect(engine.counters.total(Self.metric) == 200_000)
        }
        let lines = log.all.filter { $0.contains("copied") }
        #expect(lines.count == 2)
        #expect(lines.first?.contains("source") == true && lines.first?.contains("replica") == false, "\(lines)")
        #expect(lines.last?.contains("replica") == true && lines.last?.contains("bucket/b") == true, "\(lines)")
    }

    @Test("A copy is not a use of the replica that it is made from")
    func noUse() async throws {
        try await run { engine, service async throws in
            try await fill(engine)
            let before = try await engine.state.replica(try replica(engine))
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(service.copies.count == 1)
            #expect(try await engine.state.replica(try replica(engine)) == before)
        }
    }

    enum Unfit: CaseIterable, Sendable {
        case marked, removing, absent
    }

    @Test("A replica that is marked, about to go or gone is not copied from", arguments: Unfit.allCases)
    func unfit(_ unfit: Unfit) async throws {
        try await run { engine, service async throws in
            try await fill(engine)
            let id = try replica(engine)
            switch unfit {
            case .marked: #expect(try await engine.state.mark([id], unusedSince: SystemClock().now + .seconds(60)) == [id])
            case .removing: #expect(try await engine.state.beginRemoval(id) != nil)
            case .absent: #expect(try await engine.state.remove(id))
            }
            let requests = engine.origin.requests.count
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(service.copies.isEmpty)
            #expect(engine.origin.requests.count > requests)
        }
    }

    @Test("A replica that does not have the digest in the artifact's URL is not copied from")
    func otherDigest() async throws {
        let rule = OriginRule(try PathPattern("/blobs/{digest:hex64}"), .mirrored, digest: .path(.sha256))
        try await run(rules: [rule]) { engine, service async throws in
            let hex = try Self.whole.body.sha256.hex
            let path = "/blobs/\(hex)"
            engine.origin.on(path, Self.whole)
            let (artifact, now) = (try engine.artifact(path), engine.setup.clock.now)
            let bucket = try #require(service["bucket/b"])
            let upload = try await bucket.beginUpload(
                ObjectKey(artifact), metadata: ObjectMetadata(upstreamURL: artifact.description, stored: now), expectedSize: 3)
            let part = UploadPart(number: 0, offset: 0, length: 3)
            _ = try await upload.write(part, from: ByteStream(ByteBuffer(bytes: [1, 2, 3])))
            let info = try await upload.complete(size: 3, sha256: try FakeBody.bytes([1, 2, 3]).sha256)
            _ = try await engine.state.recordPresent(try replica(engine, artifact), StoredObject(info, lastUsed: now))
            #expect(try await engine.ask(path).size == 200_000)
            #expect(service.copies.isEmpty)
        }
    }

    @Test("A pool does not have what its state says: the origin has")
    func lost() async throws {
        try await run { engine, service async throws in
            try await fill(engine)
            try await service["bucket/b"]?.delete(try engine.key("/a.bin"))
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(service.copies.isEmpty)
        }
    }

    @Test("The replica in the pool's own region is copied, and another where there is none")
    func nearest() async throws {
        try await run(["bucket/a": "there", "bucket/b": "here"]) { engine, service async throws in
            try await fill(engine, in: "bucket/a")
            #expect(try await engine.ask("/a.bin").size == 200_000)
            // This one has two to choose from, and takes the one of its own region.
            try await fill(engine, in: "bucket/b")
            _ = try await engine.remover.purge(try engine.id("/a.bin"))
            // And so does the first one.
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(service.copies == ["bucket/a", "main", "bucket/b"])
        }
    }

    @Test("A replica that changes before it is copied is left alone, and the origin asked at once; it is not tried again")
    func changes() async throws {
        try await run { engine, service async throws in
            try await fill(engine)
            let key = try engine.key("/a.bin")
            engine.store.before(.copy) { try await service["bucket/b"]?.replace(key, with: "another object") }
            for _ in 0..<2 {
                let requests = engine.origin.requests.count
                #expect(try await engine.ask("/a.bin").size == 200_000)
                #expect(try await engine.read("/a.bin").bytes == Self.whole.body.bytes(0..<200_000))
                #expect(engine.origin.requests.count > requests)
                _ = try await engine.remover.purge(try engine.id("/a.bin"))
            }
            #expect(engine.store.count(.copy) == 1)
            #expect(service.copies.isEmpty)
            #expect(engine.counters.total(Self.metric) == 0)
        }
    }

    @Test("A pool that the service may not read is not tried for long")
    func refused() async throws {
        try await run { engine, _ async throws in
            let paths = (0..<5).map { "/\($0).bin" }
            for path in paths {
                engine.origin.on(path, Self.whole)
                try await fill(engine, try engine.artifact(path))
            }
            engine.store.fail(.copy, .permissionDenied)
            for path in paths { #expect(try await engine.ask(path).size == 200_000) }
            #expect(engine.store.count(.copy) == 3)
        }
    }

    @Test("A copy that is not what it was made from is replaced by the origin's artifact", arguments: [199_999, 200_000])
    func damaged(size: Int) async throws {
        try await run { engine, service async throws in
            try await fill(engine)
            service.damageCopies { _ in ByteBuffer(repeating: 7, count: size) }
            // Where it cannot even be deleted.
            engine.store.fail(.delete, .unavailable)
            #expect(try await engine.ask("/a.bin").size == 200_000)
            #expect(service.copies == ["bucket/b"])
            #expect(engine.store.count(.delete) == 1)
            #expect(try await engine.read("/a.bin").bytes == Self.whole.body.bytes(0..<200_000))
            #expect(try await engine.object("/a.bin").sha256 == Self.whole.body.sha256)
        }
    }

    // MARK: Origins that are buckets

    private static let url = "bucket://private/a.tar"

    private func runPrivate(
        _ region: String, _ replicaRegion: String, _ body: @Sendable (EngineFixture, BucketService, FakeBucket) async throws -> Void
    ) async throws {
        let bucket = FakeBucket(["a.tar": .init(bytes: Self.whole.body.bytes(0..<200_000))], region: region)
        try await run(["bucket/b": replicaRegion], origin: bucket) { engine, service async throws in
            try await fill(engine, try engine.redirects.artifact(Self.url))
            try await body(engine, service, bucket)
        }
    }

    @Test(
        "The origin's bucket is copied from unless the replica is nearer",
        arguments: [("here", "here", false), ("here", "there", false), ("there", "there", false), ("there", "here", true)])
    func originOrReplica(region: String, replicaRegion: String, isReplica: Bool) async throws {
        try await runPrivate(region, replicaRegion) { engine, service, _ in
            let answer = await engine.redirects.answer(try engine.redirects.artifact(Self.url), in: engine.pool, wait: nil)
            #expect(answer.size == 200_000)
            #expect(service.copies == (isReplica ? ["bucket/b"] : []))
            try await engine.counters.reach(200_000, Self.metric, isReplica ? "replica" : "origin")
        }
    }

    @Test("An origin's bucket that does not answer is not missed where there is a replica")
    func originAway() async throws {
        try await runPrivate("here", "there") { engine, service, bucket in
            bucket.fail(StorageError(.unavailable, "scripted", operation: "scripted"))
            let answer = await engine.redirects.answer(try engine.redirects.artifact(Self.url), in: engine.pool, wait: nil)
            #expect(answer.size == 200_000)
            #expect(service.copies == ["bucket/b"])
        }
    }
}
