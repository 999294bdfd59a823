import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

/// A call of a store, and how many requests a service gets for it that fails for ever.
struct FailingCall: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let requests: Int
    let make: @Sendable (StoreFixture, any ObjectStore, SampleObject) async throws -> Void

    init(_ name: String, _ requests: Int, make: @escaping @Sendable (StoreFixture, any ObjectStore, SampleObject) async throws -> Void) {
        testDescription = name
        self.requests = requests
        self.make = make
    }

    static let all = [
        FailingCall("head", 4) { _, store, object in _ = try await store.head(object.key) },
        FailingCall("get", 4) { _, store, object in _ = try await store.get(object.key, range: nil) },
        FailingCall("list", 4) { _, store, _ in _ = try await store.list(after: nil, limit: 1_000) },
        FailingCall("delete", 4) { _, store, object in try await store.delete(object.key) },
        FailingCall("delete a batch", 4) { _, store, object in
            _ = try await store.delete([object.key, try SampleObject(size: 1).key])
        },
        FailingCall("write a part", 4) { _, store, object in _ = try await store.uploading(object, partSize: 1 << 20) },
        FailingCall("complete in one request", 5) { _, store, _ in try await upload(store, .none) },
        FailingCall("complete in one request, if absent", 5) { _, store, _ in try await upload(store, .absent) },
        FailingCall("copy", 5) { try await copy($0, $1, $2, 1_000, .none) },
        FailingCall("copy, if absent", 5) { try await copy($0, $1, $2, 1_000, .absent) },
        FailingCall("copy in blocks", 5) { try await copy($0, $1, $2, 4 << 30, .none) },
        FailingCall("copy in blocks, if absent", 5) { try await copy($0, $1, $2, 4 << 30, .absent) },
        FailingCall("fetch", 5) { try await pull($1, $2, .none) },
        FailingCall("fetch, if absent", 5) { try await pull($1, $2, .absent) },
    ]

    private static func upload(_ store: any ObjectStore, _ condition: WriteCondition) async throws {
        let object = try SampleObject(size: 100)
        let upload = try await store.uploading(object, partSize: 100)
        _ = try await upload.complete(size: object.size, sha256: object.sha256, condition: condition)
    }

    private static func copy(
        _ fixture: StoreFixture, _ store: any ObjectStore, _ object: SampleObject, _ size: Int64, _ condition: WriteCondition
    ) async throws {
        _ = try await store.copy(object.key, from: fixture.source(size: size), metadata: object.metadata, condition: condition)
    }

    private static func pull(_ store: any ObjectStore, _ object: SampleObject, _ condition: WriteCondition) async throws {
        let url = try ArtifactURL("http://origin.example.org/a.bin")
        let source = URLSource(url: url, isPublic: true, size: 1_000, etag: "\"e\"")
        _ = try await store.pull(object.key, from: source, metadata: object.metadata, condition: condition) {}
    }
}

/// The numbers of docs/storage-backends.md, "How often a request is repeated".
@Suite("A service that is ill for ever gets a known number of requests", .timeLimit(.minutes(5)))
struct StoreRetryTests {
    static let failures = [(503, "ServerBusy"), (500, "InternalError"), (500, ""), (500, "OperationTimedOut"), (400, "Md5Mismatch")]

    @Test("From the first request on", arguments: failures, FailingCall.all)
    func always(_ failure: (Int, String), _ call: FailingCall) async throws {
        // A deletion that may still be made is not repeated.
        if failure.1 == "OperationTimedOut", call.testDescription.hasPrefix("delete") { return }
        try await StoreFixture.runFailing(failure) { fixture, store, object async throws in
            await #expect(throws: StorageError.self) { try await call.make(fixture, store, object) }
            #expect(fixture.requests.count == call.requests)
        }
    }

    @Test("A deletion whose connection breaks is not repeated: the service may still make it")
    func brokenDeletion() async throws {
        let object = try SampleObject(size: 1)
        let hangUp: StoreFixture.Script = { _ in throw CancellationError() }
        try await StoreFixture.run(script: hangUp) { fixture async throws in
            try await requireStorageError(.timedOut, "delete") { try await fixture.store.delete(object.key) }
            #expect(fixture.requests.count == 1)
            let keys = [object.key, try SampleObject(size: 1).key]
            try await requireStorageError(.timedOut, "batch") { try await fixture.store.delete(keys) }
            #expect(fixture.requests.count == 2)
        }
    }

    @Test("A deletion that a gateway gives up on is not repeated either", arguments: [502, 504])
    func deletionBehindGateway(status: Int) async throws {
        try await StoreFixture.runFailing((status, "")) { fixture, store, object async throws in
            try await requireStorageError(.timedOut, "delete") { try await store.delete(object.key) }
            #expect(fixture.requests.count == 1)
        }
    }

    @Test("A part that is a stream: one")
    func stream() async throws {
        try await StoreFixture.runFailing((503, "ServerBusy")) { fixture, store, object async throws in
            let large = object.replaced(size: (8 << 20) + 1, seed: 1)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: large.size)
            let part = UploadPart(number: 0, offset: 0, length: large.size)
            await #expect(throws: StorageError.self) { try await upload.write(part, from: ByteStream(chunks: [large.bytes], failure: nil)) }
            #expect(fixture.requests.count == 1)
        }
    }

    @Test("After the blocks were written: five to complete", arguments: failures, [WriteCondition.none, .absent])
    func completion(_ failure: (Int, String), _ condition: WriteCondition) async throws {
        try await StoreFixture.runFailing(failure, StoreFixture.written) { fixture, store, object async throws in
            let upload = try await store.uploading(object, partSize: 1 << 20)
            await #expect(throws: StorageError.self) {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: condition)
            }
            #expect(fixture.kinds == [.block, .block] + [BlobRequest.Kind](repeating: .blocks, count: 5))
        }
    }

    @Test("A copy by the service: five for each block that is under way", arguments: [1, 8])
    func copy(_ concurrency: Int) async throws {
        try await StoreFixture.runFailing((503, "ServerBusy"), copyConcurrency: concurrency) { fixture, store, object async throws in
            try await requireStorageError(.throttled, "copy") {
                try await store.copy(object.key, from: fixture.source(size: 4 << 30), metadata: object.metadata, condition: .none)
            }
            #expect((5...5 * concurrency).contains(fixture.count(.copyBlock)))
            #expect(fixture.count(.copyBlock) == fixture.requests.count)
        }
    }

    @Test("Blocks that are gone are told at once, and a new upload may be begun")
    func gone() async throws {
        try await StoreFixture.runFailing(
            (400, "InvalidBlockList"),
            { request in
                request.kind == .head ? FakeBlobs.error(404, "BlobNotFound") : StoreFixture.written(request)
            }
        ) { fixture, store, object async throws in
            let upload = try await store.uploading(object, partSize: 1 << 20)
            let error = try await requireStorageError(.unavailable, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: .none)
            }
            #expect(error.code.isTransient && !error.mayRepeat)
            #expect(fixture.kinds == [.block, .block, .blocks, .head])
        }
    }
}
