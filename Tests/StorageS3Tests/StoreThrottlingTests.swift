import MirrorCore
import MirrorStorage
import MirrorTesting
import Synchronization
import TestServers
import Testing

@testable import StorageS3

/// A call of a store, and how many requests a service gets for it that answers `SlowDown` for ever.
struct ThrottledCall: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let requests: Int
    let make: @Sendable (StoreFixture, any ObjectStore, SampleObject) async throws -> Void

    init(
        _ name: String, _ requests: Int, make: @escaping @Sendable (StoreFixture, any ObjectStore, SampleObject) async throws -> Void
    ) {
        testDescription = name
        self.requests = requests
        self.make = make
    }

    static let all = [
        ThrottledCall("head", 4) { _, store, object in _ = try await store.head(object.key) },
        ThrottledCall("get", 4) { _, store, object in _ = try await store.get(object.key, range: nil) },
        ThrottledCall("list", 4) { _, store, _ in _ = try await store.list(after: nil, limit: 1_000) },
        ThrottledCall("delete", 4) { _, store, object in try await store.delete(object.key) },
        ThrottledCall("delete a batch", 4) { _, store, object in _ = try await store.delete([object.key]) },
        ThrottledCall("delete several batches", 4) { _, store, _ in
            _ = try await store.delete(try (0..<2_500).map { _ in try SampleObject(size: 1).key })
        },
        ThrottledCall("write a part", 4) { _, store, object in _ = try await store.uploading(object, partSize: 5 << 20) },
        ThrottledCall("complete in one request", 5) { _, store, _ in try await upload(store, .none) },
        ThrottledCall("complete in one request, if absent", 5) { _, store, _ in try await upload(store, .absent) },
        ThrottledCall("copy", 5) { try await copy($0, $1, $2, 1_000, .none) },
        ThrottledCall("copy, if absent", 5) { try await copy($0, $1, $2, 1_000, .absent) },
        ThrottledCall("copy in parts", 5) { try await copy($0, $1, $2, 4 << 30, .none) },
        ThrottledCall("copy in parts, if absent", 5) { try await copy($0, $1, $2, 4 << 30, .absent) },
    ]

    private static func upload(_ store: any ObjectStore, _ condition: WriteCondition) async throws {
        let object = try SampleObject(size: 100)
        let upload = try await store.uploading(object, partSize: 100)
        _ = try await upload.complete(size: object.size, sha256: object.sha256, condition: condition)
    }

    private static func copy(
        _ fixture: StoreFixture, _ store: any ObjectStore, _ object: SampleObject, _ size: Int64, _ condition: WriteCondition
    ) async throws {
        _ = try await store.copy(object.key, from: fixture.source(size), metadata: object.metadata, condition: condition)
    }
}

/// The numbers of docs/storage-backends.md, "How often a request is repeated", for calls of several requests.
@Suite("A service that says SlowDown for ever gets no more requests than are documented", .timeLimit(.minutes(5)))
struct StoreThrottlingTests {
    private static let slowDown = (503, "SlowDown")

    @Test("From the first request on", arguments: ThrottledCall.all)
    func always(_ call: ThrottledCall) async throws {
        try await StoreFixture.runFailing(Self.slowDown, copyConcurrency: 8) { fixture, store, object async throws in
            try await requireStorageError(.throttled, call.testDescription) { try await call.make(fixture, store, object) }
            #expect(fixture.origin.requests.count == call.requests)
        }
    }

    @Test("After an upload was begun: four for a part, and five to remove the upload")
    func part() async throws {
        try await StoreFixture.runFailing(Self.slowDown, StoreFixture.created) { fixture, store, object async throws in
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = try #require(object.parts(of: 5 << 20).first)
            try await requireStorageError(.throttled, "write") {
                try await upload.write(part, from: ByteStream(object.slice(0, 5 << 20)))
            }
            await upload.abort()
            let requests = fixture.origin.requests
            #expect(requests.map(\.method) == ["POST"] + [String](repeating: "PUT", count: 4) + [String](repeating: "DELETE", count: 5))
        }
    }

    @Test("A part that is a stream: one")
    func stream() async throws {
        try await StoreFixture.runFailing(Self.slowDown, StoreFixture.created) { fixture, store, object async throws in
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: 9 << 20)
            let large = object.replaced(size: 9 << 20, seed: 1)
            let part = try #require(large.parts(of: 9 << 20).first)
            await #expect(throws: StorageError.self) { try await upload.write(part, from: ByteStream(chunks: [large.bytes], failure: nil)) }
            #expect(fixture.origin.requests.count { $0.method == "PUT" } == 1)
        }
    }

    @Test("After the parts were written: five to complete, behind one look where there must be no object", arguments: [false, true])
    func completion(isConditional: Bool) async throws {
        let answer = { @Sendable (request: FakeOrigin.Request) -> FakeBehavior? in
            request.method == "HEAD" ? .status(404) : StoreFixture.written(request)
        }
        try await StoreFixture.runFailing(Self.slowDown, answer) { fixture, store, object async throws in
            let upload = try await store.uploading(object, partSize: 5 << 20)
            let before = fixture.origin.requests.count
            try await requireStorageError(.throttled, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: isConditional ? .absent : .none)
            }
            let asked = fixture.origin.requests.dropFirst(before).map(\.method)
            #expect(asked == (isConditional ? ["HEAD"] : []) + [String](repeating: "POST", count: 5))
        }
    }

    @Test("After a completion whose answer did not come: five to find out what is there")
    func uncertain() async throws {
        let completions = Turns()
        let answer = { @Sendable (request: FakeOrigin.Request) -> FakeBehavior? in
            guard request.method == "POST", request.uri.hasSuffix("?uploadId=id") else { return StoreFixture.written(request) }
            return completions.next() < 5 ? nil : StoreFixture.error(404, "NoSuchUpload")
        }
        try await StoreFixture.runFailing(Self.slowDown, answer) { fixture, store, object async throws in
            let upload = try await store.uploading(object, partSize: 5 << 20)
            let before = fixture.origin.requests.count
            try await requireStorageError(.throttled, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: .none)
            }
            let asked = fixture.origin.requests.dropFirst(before).map(\.method)
            #expect(asked == [String](repeating: "POST", count: 5) + [String](repeating: "HEAD", count: 5))
        }
    }

    @Test("After an object was stored and not named: five to look, and its bytes are not sent again", arguments: [100, 5 << 20])
    func unnamed(partSize: Int64) async throws {
        let answer = { @Sendable (request: FakeOrigin.Request) -> FakeBehavior? in
            if request.method == "HEAD" { return nil }
            if request.method == "POST", request.uri.hasSuffix("?uploadId=id") {
                return StoreFixture.xml("<CompleteMultipartUploadResult></CompleteMultipartUploadResult>")
            }
            return StoreFixture.written(request) ?? .status(200)
        }
        try await StoreFixture.runFailing(Self.slowDown, answer) { fixture, store, object async throws in
            let object = partSize == 100 ? object.replaced(size: 100, seed: 1) : object
            let upload = try await store.uploading(object, partSize: partSize)
            let before = fixture.origin.requests.count
            try await requireStorageError(.throttled, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: .none)
            }
            let asked = fixture.origin.requests.dropFirst(before).map(\.method)
            #expect(asked == [partSize == 100 ? "PUT" : "POST"] + [String](repeating: "HEAD", count: 5))
        }
    }

    @Test("After a copy in parts was begun: five for each part under way, and five to remove the upload", arguments: [1, 8])
    func copy(concurrency: Int) async throws {
        try await StoreFixture.runFailing(
            Self.slowDown, copyConcurrency: concurrency, StoreFixture.created
        ) { fixture, store, object async throws in
            try await requireStorageError(.throttled, "copy") {
                try await store.copy(object.key, from: fixture.source(4 << 30), metadata: object.metadata, condition: .none)
            }
            let requests = fixture.origin.requests
            #expect((5...5 * concurrency).contains(requests.count { $0.method == "PUT" }))
            #expect(requests.count { $0.method == "POST" } == 1)
            #expect(requests.count { $0.method == "DELETE" } == 5)
        }
    }

    @Test("A service that knows no batches: one for each object, behind the batch that it refuses")
    func single() async throws {
        let answer = { @Sendable (request: FakeOrigin.Request) -> FakeBehavior? in
            request.method == "POST" ? StoreFixture.error(501, "NotImplemented") : nil
        }
        try await StoreFixture.runFailing(Self.slowDown, answer) { fixture, store, _ async throws in
            let keys = try (0..<3).map { _ in try SampleObject(size: 1).key }
            let failures = try await store.delete(keys)
            #expect(failures.values.map(\.code) == [.throttled, .throttled, .throttled])
            #expect(fixture.origin.requests.map(\.method) == ["POST", "DELETE", "DELETE", "DELETE"])
        }
    }
}

/// Counts, from 1.
private final class Turns: Sendable {
    private let count = Mutex(0)

    func next() -> Int {
        count.withLock { count in
            count += 1
            return count
        }
    }
}
