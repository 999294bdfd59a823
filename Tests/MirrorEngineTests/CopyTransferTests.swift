import MirrorCore
import MirrorNet
import MirrorStorage
import StorageLocal
import TestServers
import Testing

@testable import MirrorEngine
@testable import StorageLocal

/// One way for bytes to come from an origin, and what it must take to fetch them.
struct Transfer: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let behavior: FakeBehavior
    /// The `Range` fields of the requests in the order of the parts; `nil` for a request for the whole.
    let ranges: [String?]
    /// `nil` where the origin states no length.
    var statesLength = true
    var features: StoreCapabilities.Features?

    static let partSize: Int64 = 65_536

    static let all: [Transfer] = [
        Transfer(testDescription: "less than a part", behavior: .generated(size: 1_000), ranges: ["bytes=0-65535"]),
        Transfer(testDescription: "exactly one part", behavior: .generated(size: 65_536), ranges: ["bytes=0-65535"]),
        Transfer(
            testDescription: "one byte more than a part", behavior: .generated(size: 65_537),
            ranges: ["bytes=0-65535", "bytes=65536-65536"]),
        Transfer(
            testDescription: "exactly three parts", behavior: .generated(size: 3 * 65_536),
            ranges: ["bytes=0-65535", "bytes=65536-131071", "bytes=131072-196607"]),
        Transfer(testDescription: "forty parts", behavior: .generated(size: 40 * 65_536 - 7), ranges: parts(of: 40 * 65_536 - 7)),
        Transfer(
            testDescription: "parts in chunked answers", behavior: .generated(size: 200_000).with { $0.framing = .chunked },
            ranges: parts(of: 200_000)),
        Transfer(
            testDescription: "a weak ETag, which ties no parts together",
            behavior: .generated(size: 200_000).with { $0.etag = "W/\"1\"" }, ranges: ["bytes=0-65535", nil]),
        Transfer(
            testDescription: "no ETag", behavior: .generated(size: 200_000).with { $0.etag = nil }, ranges: ["bytes=0-65535", nil]),
        Transfer(
            testDescription: "an ETag without quotes", behavior: .generated(size: 200_000).with { $0.etag = "abc" },
            ranges: ["bytes=0-65535", nil]),
        Transfer(
            testDescription: "an origin that ignores Range", behavior: .generated(size: 200_000).with { $0.acceptsRanges = false },
            ranges: ["bytes=0-65535"]),
        Transfer(
            testDescription: "chunked, of unknown length",
            behavior: .generated(size: 200_000).with {
                $0.acceptsRanges = false
                $0.framing = .chunked
            }, ranges: ["bytes=0-65535"], statesLength: false),
        Transfer(
            testDescription: "HTTP/1.0 until the connection closes",
            behavior: .generated(size: 200_000).with {
                $0.acceptsRanges = false
                $0.framing = .untilClose
            }, ranges: ["bytes=0-65535"], statesLength: false),
        Transfer(testDescription: "empty, 416 to a range", behavior: .body([]), ranges: ["bytes=0-65535", nil]),
        Transfer(
            testDescription: "empty, ignoring Range", behavior: .body([]).with { $0.acceptsRanges = false }, ranges: ["bytes=0-65535"]),
        Transfer(
            testDescription: "empty and chunked",
            behavior: .body([]).with {
                $0.acceptsRanges = false
                $0.framing = .chunked
            }, ranges: ["bytes=0-65535"], statesLength: false),
        Transfer(
            testDescription: "a pool that takes no parts in parallel", behavior: .generated(size: 200_000), ranges: [nil],
            features: [.servedByMirror]),
        Transfer(
            testDescription: "a pool that reads back but takes no parts in parallel", behavior: .generated(size: 200_000), ranges: [nil],
            features: [.servedByMirror, .readsUploads]),
    ]

    /// The same into a pool that cannot read back what is uploaded, as object storage.
    static let intoParts: [Transfer] = all.filter { $0.features == nil }.map { transfer in
        var transfer = transfer
        transfer.features = [.servedByMirror, .parallelParts, .conditionalWrites]
        return transfer
    }

    private static func parts(of size: Int64) -> [String?] {
        stride(from: 0, to: size, by: Int64.Stride(partSize)).map { "bytes=\($0)-\(min($0 + partSize, size) - 1)" }
    }
}

@Suite("The copy path: bytes arrive as they are at the origin", .timeLimit(.minutes(1)))
struct CopyTransferTests {
    private func check(_ transfer: Transfer, into store: any ObjectStore) async throws {
        try await EngineFixture.run({
            $0.store = store
            $0.features = transfer.features
        }) { engine async throws in
            engine.origin.on("/a.bin", transfer.behavior)
            let answer = try await engine.ask("/a.bin")
            #expect(answer.outcome == .wait)
            let body = transfer.behavior.body
            let (info, bytes) = try await engine.read("/a.bin")
            #expect(bytes == body.bytes(0..<body.size))
            #expect(info.size == body.size)
            #expect(try info.metadata.sha256 == body.sha256)
            #expect(answer.size == body.size)
            #expect(try answer.redirect?.object.sha256 == body.sha256)
            #expect(info.metadata.upstreamContentLength == (transfer.statesLength ? body.size : nil))
            #expect(info.metadata.upstreamETag == transfer.behavior.etag)
            #expect(engine.counters.total(EngineMetrics.Name.copyBytes) == body.size)

            let requests = engine.origin.requests
            #expect(requests.count == transfer.ranges.count)
            #expect(Set(requests.map { $0.header("Range") }) == Set(transfer.ranges))
            // Every part but the first says which version it belongs to.
            for request in requests.dropFirst() where request.header("Range") != nil {
                #expect(request.header("If-Match") == transfer.behavior.etag)
            }
            #expect(engine.store.count(.beginUpload) == 1)
            #expect(engine.store.count(.abort) == 0)
        }
    }

    @Test("Into memory", arguments: Transfer.all)
    func intoMemory(transfer: Transfer) async throws {
        try await check(transfer, into: MemoryStore())
    }

    @Test("Into a directory", arguments: Transfer.all)
    func intoDirectory(transfer: Transfer) async throws {
        let directory = try TemporaryDirectory()
        try await check(transfer, into: try await LocalStore.open(directory: directory.path, region: "dev", minFreeBytes: 0))
    }

    @Test("Into parts that are in memory", arguments: Transfer.intoParts)
    func intoParts(transfer: Transfer) async throws {
        try await check(transfer, into: MemoryStore())
    }

    @Test("Into parts, with memory for no more than one of them")
    func littleMemory() async throws {
        try await EngineFixture.run({
            $0.features = [.servedByMirror, .parallelParts]
            $0.copy.memory = 8 * 65_536
            $0.copy.partSize = 1 << 20
            $0.copy.concurrency = 4
            $0.copy.partConcurrency = 16
        }) { engine async throws in
            for number in 0..<4 {
                let behavior = FakeBehavior.generated(size: 40 * 65_536 - 7, seed: UInt64(number))
                engine.origin.on("/\(number)", number == 3 ? behavior.with { $0.etag = nil } : behavior)
            }
            await withTaskGroup(of: Void.self) { group in
                for number in 0..<4 {
                    group.addTask {
                        let size = try? await engine.ask("/\(number)").size
                        #expect(size == Int64(40 * 65_536 - 7))
                    }
                }
            }
            for number in 0..<4 {
                let (info, bytes) = try await engine.read("/\(number)")
                let body = FakeBehavior.generated(size: 40 * 65_536 - 7, seed: UInt64(number)).body
                #expect(bytes == body.bytes(0..<body.size))
                #expect(try info.metadata.sha256 == body.sha256)
            }
            // An eighth of the memory for each part.
            #expect(engine.store.maxWriting <= 8)
            #expect(Set(engine.store.written.compactMap(\.length)) == [65_536, 65_529])
        }
    }

    @Test("Parts that are too large for memory are read one after the other")
    func inOrder() async throws {
        try await EngineFixture.run({
            $0.store = NarrowStore(maxParts: 10)
            $0.copy.memory = 65_536
        }) { engine async throws in
            let behavior = FakeBehavior.generated(size: 12 << 20)
            engine.origin.on("/a.bin", behavior)
            #expect(try await engine.ask("/a.bin").size == 12 << 20)
            let (info, _) = try await engine.read("/a.bin")
            #expect(try info.metadata.sha256 == behavior.body.sha256)
            #expect(engine.store.written.map(\.number) == Array(0..<6))
            #expect(engine.store.maxWriting == 1)
            // The first small one is asked for to learn the size.
            #expect(engine.origin.requests.map { $0.header("Range") }.prefix(2) == ["bytes=0-8191", "bytes=0-2097151"])
        }
    }

    @Test("What is too large for one answer is read in parts by the second attempt, too")
    func inOrderAgain() async throws {
        try await EngineFixture.run({
            $0.store = NarrowStore(maxParts: 10)
            $0.copy.memory = 65_536
        }) { engine async throws in
            engine.origin.on("/a.bin", .generated(size: 12 << 20))
            engine.store.before(.write) {
                if engine.store.count(.write) == 1 { throw StorageError(.unavailable, "sent again without", operation: "scripted") }
            }
            #expect(try await engine.ask("/a.bin").size == 12 << 20)
        }
    }

    @Test("Parts of one copy are on their way at the same time, as many as configured")
    func parallelParts() async throws {
        try await EngineFixture.run({ $0.copy.partConcurrency = 4 }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.bin") { request in
                .generated(size: 20 * 65_536).with { $0.gate = request.number == 1 ? nil : gate }
            }
            async let answer = engine.ask("/a.bin")
            try await gate.waiting(4)
            #expect(engine.origin.activeRequests == 4)
            gate.open()
            #expect(try await answer.size == 20 * 65_536)
            #expect(engine.origin.maxActiveRequests <= 5)
            #expect(engine.origin.requests.count == 20)
            #expect(engine.store.written.map(\.number).sorted() == Array(0..<20))
        }
    }

    @Test("Many artifacts are copied at the same time, no more than configured")
    func parallelCopies() async throws {
        try await EngineFixture.run({ $0.copy.concurrency = 3 }) { engine async throws in
            let gate = FakeGate()
            for number in 0..<10 { engine.origin.on("/\(number)", .generated(size: 100, seed: UInt64(number)).with { $0.gate = gate }) }
            for number in 0..<10 { #expect(try await engine.ask("/\(number)", wait: .zero).fallback == .timedOut) }
            try await gate.waiting(3)
            #expect(engine.origin.requests.count == 3)
            gate.open()
            for number in 0..<10 { #expect(try await engine.ask("/\(number)").size == 100) }
            #expect(engine.origin.maxActiveRequests <= 3)
        }
    }

    @Test(
        "A copy needs one connection at a time where the origin is given no more",
        arguments: [
            FakeBehavior.generated(size: 200_000), .generated(size: 200_000).with { $0.etag = "W/\"1\"" }, .body([]),
        ])
    func oneConnection(behavior: FakeBehavior) async throws {
        try await EngineFixture.run({
            $0.outbound.connectionsPerOrigin = 1
            $0.copy.partConcurrency = 1
        }) { engine async throws in
            engine.origin.on("/a.bin", behavior)
            #expect(try await engine.ask("/a.bin").size == behavior.body.size)
        }
    }
}
