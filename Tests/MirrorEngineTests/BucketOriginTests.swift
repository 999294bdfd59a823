import Logging
import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import TestServers
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

    @Test("HEAD gets what the bucket says, also where GET is sent to the bucket: a signed URL works for GET alone")
    func head() async throws {
        let object = FakeBucket.Object(bytes: Self.bytes, headers: [("Content-Type", "application/x-tar")])
        try await run(["a.tar": object]) { engine, bucket async throws in
            for (pool, outcome) in [(engine.pool, Outcome.pending), (nil, .fallback)] as [(Pool?, Outcome)] {
                let answer = await engine.redirects.answer(
                    try engine.redirects.artifact("bucket://private/a.tar"), in: pool, wait: nil, isHead: true)
                guard case .description(let description) = answer else {
                    Issue.record("\(answer)")
                    continue
                }
                #expect(description.outcome == outcome)
                #expect(description.size == 200_000)
                #expect(description.contentType == "application/x-tar")
                #expect(description.acceptsRanges)
            }
            let missing = await engine.redirects.answer(
                try engine.redirects.artifact("bucket://private/b.tar"), in: engine.pool, wait: nil, isHead: true)
            #expect(missing.status == 404)
            #expect(bucket.requests.contains("HEAD a.tar"))
            #expect(!bucket.requests.contains("GET a.tar 0-0"))
        }
    }

    @Test(
        "A HEAD that the bucket has to be asked for costs a claim; beyond the budget it is not asked, and what it said a moment ago is free"
    )
    func headBudget() async throws {
        let bucket = FakeBucket(["a.tar": .init(bytes: Self.bytes), "b.tar": .init(bytes: Self.bytes)])
        try await EngineFixture.run({
            $0.buckets = [bucket]
            $0.hasWorkers = false
            $0.redirect.coldClaims = ColdClaimLimits(perSecond: 1, burst: 1, bytesPerMinute: 0)
            // Nothing comes back.
            $0.budgetClock = ManualClock()
        }) { engine async throws in
            func head(_ name: String, in pool: Pool?) async throws -> RedirectAnswer {
                await engine.redirects.answer(
                    try engine.redirects.artifact("bucket://private/\(name)"), in: pool, wait: nil, isHead: true,
                    from: ClientNetwork(IPAddress("192.0.2.1")))
            }
            guard case .description = try await head("a.tar", in: nil) else {
                Issue.record("no description")
                return
            }
            for pool in [nil, engine.pool] { #expect(try await head("b.tar", in: pool).fallback == .budget) }
            for pool in [nil, engine.pool] {
                guard case .description(let description) = try await head("a.tar", in: pool) else {
                    Issue.record("no description")
                    return
                }
                #expect(description.outcome == .fallback)
            }
            #expect(bucket.requests == ["HEAD a.tar"])
            // The look at b.tar without a pool, and the claims of both in one.
            #expect(engine.counters.total(EngineMetrics.Name.overBudget, "claims") == 3)
        }
    }

    @Test("HEAD that takes over from another one gets what the bucket says, too")
    func headTakesOver() async throws {
        try await run(["a.tar": .init(bytes: Self.bytes)]) { engine, bucket async throws in
            engine.store.fail(.head, .unavailable)
            let answer = await engine.redirects.wait(
                for: try engine.redirects.resolve("bucket://private/a.tar"), in: engine.pool,
                until: engine.setup.clock.instant + .seconds(60), wait: Wait(limit: .seconds(60)), isHead: true,
                isClaimed: true, from: ClientNetwork(IPAddress("192.0.2.1")))
            guard case .description(let description) = answer else {
                Issue.record("\(answer)")
                return
            }
            #expect(description.outcome == .fallback)
            #expect(bucket.requests == ["HEAD a.tar"])
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

    /// Failures that are not somebody else's object, nor a lack of room.
    private static let refusals = StorageError.Code.allCases.filter { $0 != .full && $0 != .preconditionFailed }

    @Test("What the service does not copy is carried through here at once, and that object is not asked for again", arguments: refusals)
    func carried(code: StorageError.Code) async throws {
        try await run(["a.tar": .init(bytes: Self.bytes)]) { engine, bucket async throws in
            engine.store.fail(.copy, code)
            for _ in 0..<2 {
                #expect(try await ask(engine, "bucket://private/a.tar").size == 200_000)
                let id = ReplicaID(artifact: try engine.redirects.artifact("bucket://private/a.tar"), pool: engine.pool.id)
                _ = try await engine.remover.purge(id)
            }
            #expect(engine.counters.total(EngineMetrics.Name.copyBytes) == 400_000)
            #expect(engine.store.count(.copy) == 1)
        }
    }

    private func copies(_ names: [String], refusing refused: Set<String>, _ code: StorageError.Code) async throws -> Int {
        let objects = Dictionary(uniqueKeysWithValues: names.map { ($0, FakeBucket.Object(bytes: Self.bytes)) })
        let counts = Watched(0)
        try await run(objects) { engine, _ async throws in
            for name in names {
                if refused.contains(name) { engine.store.fail(.copy, code) } else { engine.store.heal() }
                #expect(try await ask(engine, "bucket://private/\(name)").size == 200_000)
            }
            counts.change { $0 = engine.store.count(.copy) }
        }
        return counts.current
    }

    @Test(
        "One object that cannot be copied says nothing about its bucket; several in a row do",
        arguments: [StorageError.Code.permissionDenied, .invalidRequest, .unavailable, .throttled])
    func severalInARow(code: StorageError.Code) async throws {
        let names = (0..<6).map { "\($0).tar" }
        #expect(try await copies(names, refusing: ["0.tar"], code) == 6)
        #expect(try await copies(names, refusing: ["0.tar", "1.tar", "3.tar", "4.tar"], code) == 6)
        #expect(try await copies(names, refusing: Set(names), code) == 3)
    }

    @Test("Objects that are gone or changed never say anything about their bucket; a service that cannot copy says it once")
    func bucketsKind() async throws {
        let names = (0..<5).map { "\($0).tar" }
        #expect(try await copies(names, refusing: Set(names), .notFound) == 5)
        // With nothing in the pool, it is the origin's object that is not as it was.
        #expect(try await copies(names, refusing: Set(names), .preconditionFailed) == 5)
        #expect(try await copies(names, refusing: Set(names), .unsupported) == 1)
    }

    @Test("A pool that is full is not filled by another way")
    func full() async throws {
        try await run(["a.tar": .init(bytes: Self.bytes)]) { engine, bucket async throws in
            engine.store.fail(.copy, .full)
            #expect(try await ask(engine, "bucket://private/a.tar").fallback == .copyFailed)
            #expect(!bucket.requests.contains { $0.hasPrefix("GET") })
        }
    }

    @Test(
        "What the bucket's service holds against the mirror sends clients to the origin, is counted, and is in the log with its words",
        arguments: [StorageError.Code.permissionDenied, .invalidRequest, .notFound])
    func ownTrouble(code: StorageError.Code) async throws {
        let log = LogRecorder(.warning)
        let bucket = FakeBucket(["a.tar": .init(bytes: Self.bytes)])
        bucket.fail(StorageError(code, "the service does not know the key (InvalidAccessKeyId (403), request R1)", operation: "s3.head"))
        for features in [Self.service, [.parallelParts]] as [StoreCapabilities.Features] {
            try await EngineFixture.run({
                $0.buckets = [bucket]
                $0.bucket = bucket
                $0.features = features
                $0.logger = log.logger
            }) { engine async throws in
                let answer = try await ask(engine, "bucket://private/a.tar")
                #expect(answer.fallback == .copyFailed)
                #expect(answer.status == nil)
                #expect(engine.counters.total(EngineMetrics.Name.errors, "origin.\(code.rawValue)") == 1)
            }
        }
        let lines = log.all.filter { $0.contains("copy failed") }
        #expect(lines.count == 2)
        #expect(lines.allSatisfy { $0.contains("InvalidAccessKeyId (403), request R1") }, "\(log.all)")
    }

    @Test("The log of a copy that failed has the words of the pool's service")
    func poolsWords() async throws {
        let log = LogRecorder(.warning)
        try await EngineFixture.run({ $0.logger = log.logger }) { engine async throws in
            engine.origin.on("/a", .text("text"))
            engine.store.before(.complete) {
                throw StorageError(.permissionDenied, "not permitted (AccessDenied (403): no, request R7)", operation: "s3.put")
            }
            #expect(try await engine.ask("/a").fallback == .copyFailed)
        }
        #expect(log.all.contains { $0.contains("copy failed") && $0.contains("AccessDenied (403): no, request R7") }, "\(log.all)")
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
            #expect(await engine.redirects.location(of: artifact) == "https://bucket.example.org/private/a.tar?signature=1")
            let other = try engine.redirects.artifact("https://artifacts.example.org/a?b=c")
            #expect(await engine.redirects.location(of: other) == "https://artifacts.example.org/a?b=c")
        }
    }

    @Test(
        "An object that is there when the service is to copy is taken where it says the same of its origin, and replaced where it is older")
    func objectInTheWay() async throws {
        for age in [Duration.zero, .seconds(3_600)] {
            try await run(["a.tar": .init(bytes: Self.bytes)]) { engine, bucket async throws in
                let artifact = try engine.redirects.artifact("bucket://private/a.tar")
                let stored = engine.setup.clock.now - age
                engine.store.before(.copy) {
                    var metadata = ObjectMetadata(upstreamURL: artifact.description, stored: stored)
                    metadata.upstreamETag = "\"v1\""
                    let upload = try await engine.setup.store.beginUpload(ObjectKey(artifact), metadata: metadata, expectedSize: nil)
                    let part = UploadPart(number: 0, offset: 0, length: nil)
                    let size = try await upload.write(part, from: ByteStream(ByteBuffer(bytes: Self.bytes)))
                    _ = try await upload.complete(size: size, sha256: try FakeBody.bytes(Self.bytes).sha256)
                }
                let object = try #require(try await ask(engine, "bucket://private/a.tar").redirect?.object)
                #expect((object.storedAt == stored) == (age == .zero))
                #expect(engine.store.count(.copy) == (age == .zero ? 1 : 2))
                #expect(!bucket.requests.contains { $0.hasPrefix("GET") })
            }
        }
    }
}
