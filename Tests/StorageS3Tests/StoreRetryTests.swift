import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import TestServers
import Testing

@testable import StorageS3

/// The numbers of docs/storage-backends.md, "How often a request is repeated".
@Suite("A service that is ill for ever gets a known number of requests", .timeLimit(.minutes(5)))
struct StoreRetryTests {
    static let failures = [(503, "SlowDown"), (500, "InternalError"), (500, ""), (400, "BadDigest")]

    @Test("HEAD, GET, listings and deletions: four", arguments: failures)
    func simple(_ failure: (Int, String)) async throws {
        let calls: [@Sendable (any ObjectStore, SampleObject) async throws -> Void] = [
            { store, object in _ = try await store.head(object.key) }, { store, object in _ = try await store.get(object.key, range: nil) },
            { store, object in _ = try await store.list(after: nil, limit: 10) }, { store, object in try await store.delete(object.key) },
            { store, object in _ = try await store.delete([object.key]) },
        ]
        for call in calls {
            try await StoreFixture.runFailing(failure) { fixture, store, object async throws in
                await #expect(throws: StorageError.self) { try await call(store, object) }
                // HEAD that fails with 400 is asked why by GET, each time.
                let asked = fixture.origin.requests.count { $0.header("range") != "bytes=0-0" }
                #expect(asked == 4, "\(fixture.origin.requests.last?.method ?? "") \(fixture.origin.requests.last?.uri ?? "")")
            }
        }
    }

    @Test("A deletion whose connection breaks is not repeated: the service may still make it")
    func brokenDeletion() async throws {
        let hangUp = { @Sendable (_: FakeOrigin.Request) -> FakeBehavior? in FakeBehavior().with { $0.hangsUp = true } }
        try await StoreFixture.runFailing((500, ""), hangUp) { fixture, store, object async throws in
            try await requireStorageError(.timedOut, "batch") { try await store.delete([object.key]) }
            #expect(fixture.origin.requests.count == 1)
        }
        try await StoreFixture.runFailing((500, ""), hangUp) { fixture, store, object async throws in
            try await requireStorageError(.timedOut, "delete") { try await store.delete(object.key) }
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test("A deletion on a kept connection that the service has closed meanwhile is sent again, at once")
    func closedConnection() async throws {
        let answer = { @Sendable (request: FakeOrigin.Request) -> FakeBehavior? in
            switch request.method {
            case "DELETE": request.number == 2 ? .hangUp : .status(204)
            case "POST": request.number == 1 ? .hangUp : StoreFixture.xml("<DeleteResult></DeleteResult>")
            default: .status(404)
            }
        }
        try await StoreFixture.runFailing((500, ""), answer) { fixture, store, object async throws in
            try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
            try await store.delete(object.key)
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "DELETE", "DELETE"])
        }
        try await StoreFixture.runFailing((500, ""), answer) { fixture, store, object async throws in
            try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
            #expect(try await store.delete([object.key]).isEmpty)
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "POST", "POST"])
        }
    }

    @Test("A deletion that a gateway gives up on is not repeated either", arguments: [502, 504])
    func deletionBehindGateway(status: Int) async throws {
        try await StoreFixture.runFailing((status, "")) { fixture, store, object async throws in
            try await requireStorageError(.timedOut, "delete") { try await store.delete(object.key) }
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test("A part: four; one that cannot begin the upload: four", arguments: failures)
    func part(_ failure: (Int, String)) async throws {
        let write = { @Sendable (store: any ObjectStore, object: SampleObject) async throws in
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = try #require(object.parts(of: 5 << 20).first)
            await #expect(throws: StorageError.self) { try await upload.write(part, from: ByteStream(object.slice(0, 5 << 20))) }
        }
        try await StoreFixture.runFailing(failure, StoreFixture.created) { fixture, store, object async throws in
            try await write(store, object)
            #expect(fixture.origin.requests.count { $0.uri.contains("partNumber=1") } == 4)
            #expect(fixture.origin.requests.count == 5)
        }
        try await StoreFixture.runFailing(failure) { fixture, store, object async throws in
            try await write(store, object)
            #expect(fixture.origin.requests.count == 4)
        }
    }

    @Test("The upload of a whole object, and the completion of one in parts: five", arguments: failures)
    func completion(_ failure: (Int, String)) async throws {
        try await StoreFixture.runFailing(failure) { fixture, store, _ async throws in
            let object = try SampleObject(size: 100)
            let upload = try await store.uploading(object, partSize: 100)
            await #expect(throws: StorageError.self) {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: .none)
            }
            #expect(fixture.origin.requests.count == 5)
        }
        try await StoreFixture.runFailing(failure, StoreFixture.written) { fixture, store, object async throws in
            let upload = try await store.uploading(object, partSize: 5 << 20)
            await #expect(throws: StorageError.self) {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: .none)
            }
            #expect(fixture.origin.requests.count { $0.method == "POST" && $0.uri.hasSuffix("?uploadId=id") } == 5)
        }
    }

    @Test("A copy by the service: five, and as many for each part that is under way", arguments: failures, [1, 8])
    func copy(_ failure: (Int, String), _ concurrency: Int) async throws {
        try await StoreFixture.runFailing(failure, copyConcurrency: concurrency) { fixture, store, object async throws in
            await #expect(throws: StorageError.self) {
                try await store.copy(object.key, from: fixture.source(1_000), metadata: object.metadata, condition: .none)
            }
            #expect(fixture.origin.requests.count == 5)
        }
        let begun = { @Sendable (request: FakeOrigin.Request) -> FakeBehavior? in
            request.method == "DELETE" ? .status(204) : StoreFixture.created(request)
        }
        try await StoreFixture.runFailing(failure, copyConcurrency: concurrency, begun) { fixture, store, object async throws in
            await #expect(throws: StorageError.self) {
                try await store.copy(object.key, from: fixture.source(4 << 30), metadata: object.metadata, condition: .none)
            }
            let parts = fixture.origin.requests.count { $0.uri.contains("partNumber") }
            #expect((5...5 * concurrency).contains(parts))
            // The upload is begun once, and removed.
            #expect(fixture.origin.requests.count == parts + 2)
        }
    }

    @Test("A part that the service copies and does not name is not asked for again")
    func unnamedPart() async throws {
        let answer = { @Sendable (request: FakeOrigin.Request) -> FakeBehavior? in
            if request.method == "DELETE" { return .status(204) }
            guard request.uri.contains("partNumber") else { return StoreFixture.created(request) }
            return StoreFixture.xml("<CopyPartResult></CopyPartResult>")
        }
        try await StoreFixture.runFailing((500, ""), answer) { fixture, store, object async throws in
            try await requireStorageError(.unavailable, "copy") {
                try await store.copy(object.key, from: fixture.source(4 << 30), metadata: object.metadata, condition: .none)
            }
            #expect(fixture.origin.requests.map(\.method) == ["POST", "PUT", "DELETE"])
        }
    }

    @Test("An upload that is gone fails at once, and may be begun anew", arguments: ["NoSuchUpload", "InvalidPart"])
    func gone(_ code: String) async throws {
        try await StoreFixture.runFailing((404, code), StoreFixture.written) { fixture, store, object async throws in
            let upload = try await store.uploading(object, partSize: 5 << 20)
            let error = try await requireStorageError(.unavailable, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: .none)
            }
            #expect(error.code.isTransient)
            #expect(fixture.origin.requests.count { $0.method == "POST" && $0.uri.hasSuffix("?uploadId=id") } == 1)
        }
    }
}
