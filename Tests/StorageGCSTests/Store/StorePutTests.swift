import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Objects of one part are one request", .timeLimit(.minutes(5)))
struct StorePutTests {
    private static func put(
        _ object: SampleObject, _ store: any ObjectStore, condition: WriteCondition = .absent
    ) async throws -> ObjectInfo {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        do {
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
            return try await upload.complete(size: object.size, sha256: object.sha256, condition: condition)
        } catch {
            await upload.abort()
            throw error
        }
    }

    @Test(
        "It has its checksum in front, the condition and the metadata, and is repeated when the service is busy", arguments: [0, 9 << 20])
    func request(_ size: Int) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: size)
            try fixture.serve(object) { step, number, _ in step == .put && number == 1 ? StoreFixture.error(503, "SlowDown") : nil }
            #expect(try await Self.put(object, fixture.store).etag == "\"put\"")
            #expect(fixture.steps == [.put, .put])
            let request = try #require(fixture.origin.requests.last)
            #expect(request.path == fixture.path(object))
            #expect(request.header("x-goog-hash") == "crc32c=\(object.crc32c)")
            #expect(request.header("x-goog-if-generation-match") == "0")
            #expect(request.header("x-goog-meta-cloud-mirror-sha256") == (try object.sha256.hex))
            #expect(request.header("cache-control") == "no-cache, no-transform")
            #expect(request.header("content-type") == "application/octet-stream")
            #expect(request.header("content-length") == "\(size)")
            #expect(request.token == "FIRST")
        }
    }

    @Test("Without a condition none is sent, and what is there is replaced")
    func unconditional() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            try fixture.serve(object)
            _ = try await Self.put(object, fixture.store, condition: .none)
            #expect(fixture.origin.requests.last?.header("x-goog-if-generation-match") == nil)
        }
    }

    @Test("What the service has stored in its place is deleted, that and nothing newer, and sent again")
    func wrongChecksum() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            try fixture.serve(object) { step, number, _ in
                guard step == .put, number == 1 else { return nil }
                return FakeBehavior.status(200).with { $0.headers += [("x-goog-hash", "crc32c=AAAAAA=="), ("x-goog-generation", "99")] }
            }
            #expect(try await Self.put(object, fixture.store).etag == "\"put\"")
            #expect(fixture.steps == [.put, .delete, .put])
            #expect(fixture.requests(.delete).first?.header("x-goog-if-generation-match") == "99")
        }
    }

    @Test("An answer without an entity tag is asked for")
    func noETag() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            try fixture.serve(object) { step, _, _ in step == .put ? FakeBehavior.status(200) : nil }
            #expect(try await Self.put(object, fixture.store).etag == "\"held\"")
            #expect(fixture.steps == [.put, .head])
        }
    }

    @Test("A request whose answer was lost is found in the object; what somebody else stored stays", arguments: [true, false])
    func lostAnswer(_ isOurs: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            let held = try StoreFixture.held(isOurs ? object : object.replaced(size: 10, seed: 1))
            try fixture.serve(object) { step, number, _ in
                switch step {
                case .put: number == 1 ? StoreFixture.error(500, "InternalError") : StoreFixture.error(412, "PreconditionFailed")
                case .head: held
                default: nil
                }
            }
            if isOurs {
                #expect(try await Self.put(object, fixture.store).etag == "\"held\"")
            } else {
                try await requireStorageError(.preconditionFailed, "put") { try await Self.put(object, fixture.store) }
            }
            #expect(fixture.steps == [.put, .put, .head])
        }
    }

    @Test("It is also found if the first answer already says that it exists: the client repeats what a closing connection has lost")
    func lostAnswerBelow() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            try fixture.serve(object) { step, _, _ in step == .put ? StoreFixture.error(412, "PreconditionFailed") : nil }
            #expect(try await Self.put(object, fixture.store).etag == "\"held\"")
            #expect(fixture.steps == [.put, .head])
        }
    }

    @Test("The same bytes that somebody else stored stay theirs")
    func sameBytes() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            var metadata = object.metadata
            metadata.stored = metadata.stored + .milliseconds(1)
            metadata.sha256 = try object.sha256
            let fields = MetadataFields.gcs.headers(MetadataFields.gcs.kept(metadata))
            let held = try StoreFixture.held(object).with { $0.headers = fields }
            try fixture.serve(object) { step, _, _ in
                switch step {
                case .put: StoreFixture.error(412, "PreconditionFailed")
                case .head: held
                default: nil
                }
            }
            try await requireStorageError(.preconditionFailed, "put") { try await Self.put(object, fixture.store) }
        }
    }

    @Test("With an HMAC key the request is signed, with its body where nothing else protects it")
    func signed() async throws {
        try await StoreFixture.run(credentials: .keys) { fixture async throws in
            let object = try SampleObject(size: 10)
            try fixture.serve(object)
            _ = try await Self.put(object, fixture.store)
            let request = try #require(fixture.origin.requests.last)
            #expect(request.header("authorization")?.hasPrefix("GOOG4-HMAC-SHA256 Credential=GOOG1/") == true)
            #expect(request.header("authorization")?.contains("/auto/storage/goog4_request, SignedHeaders=") == true)
            #expect(request.header("x-goog-content-sha256") == (try object.sha256.hex))
            #expect(request.headers.allSatisfy { !$0.value.contains("the-hmac-secret") })
        }
    }
}
