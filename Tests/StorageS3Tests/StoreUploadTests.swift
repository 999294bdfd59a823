import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import Synchronization
import TestServers
import Testing

@testable import StorageS3

@Suite("Uploads and copies outlive what services do to them", .timeLimit(.minutes(5)))
struct StoreUploadTests {
    private static let created = StoreFixture.xml(
        "<InitiateMultipartUploadResult><UploadId>id/1+</UploadId></InitiateMultipartUploadResult>")
    private static let upload = "uploadId=id%2F1%2B"
    /// What a proxy may answer.
    private static let page = StoreFixture.xml("<html><body>Please log in</body></html>")

    /// Begins a multipart upload whose requests all succeed, except those that end it.
    private func prepare(_ fixture: StoreFixture, _ object: SampleObject, parts: Int) {
        let path = fixture.path(object)
        fixture.origin.on("\(path)?uploads", Self.created)
        for number in 1...parts {
            fixture.origin.on("\(path)?partNumber=\(number)&\(Self.upload)", FakeBehavior.status(200).with { $0.etag = "\"p\(number)\"" })
        }
    }

    private func write(_ object: SampleObject, to upload: any ObjectUpload) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in object.parts(of: 5 << 20).reversed() {
                group.addTask { _ = try await upload.write(part, from: object.stream(part)) }
            }
            try await group.waitForAll()
        }
    }

    private func count(_ fixture: StoreFixture, _ method: String, _ query: String) -> Int {
        fixture.origin.requests.count { $0.method == method && $0.uri.hasSuffix(query) }
    }

    @Test("Parts in parallel begin one multipart upload; an empty ETag of its completion is asked for")
    func begunOnce() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (10 << 20) + 1)
            fixture.hold(object, etag: "\"real-3\"")
            prepare(fixture, object, parts: 3)
            fixture.answer(
                "\(fixture.path(object))?\(Self.upload)",
                StoreFixture.xml("<CompleteMultipartUploadResult><ETag></ETag></CompleteMultipartUploadResult>"))
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            #expect(fixture.origin.requests.isEmpty)
            try await write(object, to: upload)
            let info = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(info.etag == "\"real-3\"")
            #expect(info.metadata.sha256 == (try object.sha256))
            #expect(count(fixture, "POST", "?uploads") == 1)
            await upload.abort()
            #expect(count(fixture, "DELETE", Self.upload) == 0)
        }
    }

    @Test("Without TLS, the signature of an object in one request covers the digest that is already known, and no other is computed")
    func knownDigest() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            let known = try object.replaced(size: 5, seed: 1).sha256
            fixture.origin.on(fixture.path(object), FakeBehavior.status(200).with { $0.etag = "\"e\"" })
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
            _ = try await upload.complete(size: object.size, sha256: known)
            let request = try #require(fixture.origin.requests.last)
            #expect(request.method == "PUT" && request.header("x-amz-content-sha256") == known.hex)
        }
    }

    @Test("A completion that answers 200 with an error is asked for again; what stays an error is one, and so is something else")
    func completionError() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            prepare(fixture, object, parts: 2)
            fixture.answer(
                "\(fixture.path(object))?\(Self.upload)", StoreFixture.error(200, "InternalError"),
                StoreFixture.xml("<CompleteMultipartUploadResult><ETag>&quot;e-2&quot;</ETag></CompleteMultipartUploadResult>"))
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            try await write(object, to: upload)
            #expect(try await upload.complete(size: object.size, sha256: object.sha256).etag == "\"e-2\"")
        }
        for answer in [StoreFixture.error(200, "InvalidPart"), Self.page] {
            try await StoreFixture.run { fixture async throws in
                let object = try SampleObject(size: (5 << 20) + 1)
                prepare(fixture, object, parts: 2)
                fixture.answer("\(fixture.path(object))?\(Self.upload)", answer)
                let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
                try await write(object, to: upload)
                await #expect(throws: StorageError.self) { try await upload.complete(size: object.size, sha256: object.sha256) }
            }
        }
    }

    @Test(
        "A completion whose answer was lost is found in the object; not in one of another size, or that was sent at another time",
        arguments: [Found.ours, .short, .later])
    func lostAnswer(_ found: Found) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            fixture.hold(found == .short ? object.replaced(size: 5, seed: 1) : found.object(object), etag: "\"e-2\"")
            prepare(fixture, object, parts: 2)
            fixture.answer("\(fixture.path(object))?\(Self.upload)", .hangUp, StoreFixture.error(404, "NoSuchUpload"))
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            try await write(object, to: upload)
            if found == .ours {
                let info = try await upload.complete(size: object.size, sha256: object.sha256)
                #expect(info.etag == "\"e-2\"")
                #expect(info.metadata.sha256 == (try object.sha256))
            } else {
                try await requireStorageError(.unavailable, "complete") {
                    try await upload.complete(size: object.size, sha256: object.sha256)
                }
            }
        }
    }

    /// What is found where something was sent.
    enum Found: Sendable {
        case ours, short, later, none

        /// The object that is there instead of the one that was sent.
        func object(_ sent: SampleObject) -> SampleObject {
            switch self {
            case .ours, .none: return sent
            case .short: return sent.replaced(size: 5, seed: 1)
            case .later:
                var later = sent
                later.metadata.stored = sent.metadata.stored + .milliseconds(1)
                return later
            }
        }
    }

    /// Answers PUT in turn, and HEAD with what is found.
    private func answerPuts(_ fixture: StoreFixture, _ object: SampleObject, _ found: Found, _ answers: [FakeBehavior]) throws {
        var held = found.object(object)
        held.metadata.sha256 = try held.sha256
        let behavior =
            found == .none
            ? FakeBehavior.status(404)
            : FakeBehavior.body(Array(held.bytes.readableBytesView), etag: "\"held\"").with { $0.headers = StoreFixture.headers(of: held) }
        let turns = Mutex(0)
        fixture.origin.on(fixture.path(object)) { request in
            guard request.method == "PUT" else { return behavior }
            return turns.withLock { turn in
                defer { turn += 1 }
                return answers[min(turn, answers.count - 1)]
            }
        }
    }

    private func putIfAbsent(_ object: SampleObject, into store: any ObjectStore) async throws -> ObjectInfo {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
        return try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
    }

    @Test(
        "A request whose answer was lost is found in the object; what somebody else stored stays",
        arguments: [Found.ours, .short, .later, .none], [true, false])
    func lostPut(_ found: Found, isFirst: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            // Also the first answer may say that it exists: the client repeats what a closing connection has lost.
            let refused = StoreFixture.error(412, "PreconditionFailed")
            try answerPuts(fixture, object, found, isFirst ? [refused] : [StoreFixture.error(500, "InternalError"), refused])
            if found == .ours {
                let info = try await putIfAbsent(object, into: fixture.store)
                #expect(info.etag == "\"held\"")
                #expect(info.metadata.sha256 == (try object.sha256))
            } else {
                try await requireStorageError(.preconditionFailed, "put") { try await putIfAbsent(object, into: fixture.store) }
            }
            #expect(fixture.origin.requests.map(\.method) == (isFirst ? ["PUT", "HEAD"] : ["PUT", "PUT", "HEAD"]))
        }
    }

    @Test("A conflict with another request is waited out, and says nothing about whose object is there")
    func conflict() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            try answerPuts(
                fixture, object, .ours,
                [StoreFixture.error(409, "ConditionalRequestConflict"), StoreFixture.error(412, "PreconditionFailed")])
            #expect(try await putIfAbsent(object, into: fixture.store).etag == "\"held\"")
            #expect(fixture.origin.requests.map(\.method) == ["PUT", "PUT", "HEAD"])
        }
    }

    @Test("An object of one part is one request, with its digest, which is repeated when the service is busy")
    func oneRequest() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 9 << 20)
            fixture.origin.on(
                fixture.path(object), StoreFixture.error(503, "SlowDown"), FakeBehavior.status(200).with { $0.etag = "\"e\"" })
            #expect(try await object.put(into: fixture.store).etag == "\"e\"")
            #expect(fixture.origin.requests.map(\.method) == ["PUT", "PUT"])
            let request = try #require(fixture.origin.requests.last)
            #expect(request.header("x-amz-meta-cloud-mirror-sha256") == (try object.sha256.hex))
            #expect(request.header("x-amz-content-sha256") == (try object.sha256.hex))
            #expect(request.header("content-type") == "application/octet-stream")
        }
    }

    @Test("A long stream is sent while it comes, in signed chunks")
    func signedStream() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 9 << 20)
            prepare(fixture, object, parts: 1)
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = UploadPart(number: 0, offset: 0, length: object.size)
            let chunks = ByteStream(chunks: [object.bytes], failure: nil)
            #expect(try await upload.write(part, from: chunks) == object.size)
            let request = try #require(fixture.origin.requests.last)
            #expect(request.header("x-amz-content-sha256") == "STREAMING-AWS4-HMAC-SHA256-PAYLOAD")
            #expect(request.header("x-amz-decoded-content-length") == "\(object.size)")
            let broken = ByteStream(chunks: [ByteBuffer(string: "short")], failure: BrokenStream())
            await #expect(throws: BrokenStream.self) { try await upload.write(part, from: broken) }
            let short = ByteStream(chunks: [ByteBuffer(string: "short")], failure: nil)
            try await requireStorageError(.invalidRequest, "a short stream") { try await upload.write(part, from: short) }
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
        }
    }

    @Test("A multipart upload that is given up is removed from the service, also in a cancelled task, and a failure of that is no error")
    func abort() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            prepare(fixture, object, parts: 2)
            fixture.answer("\(fixture.path(object))?\(Self.upload)", .hangUp, StoreFixture.error(403, "AccessDenied"))
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            try await write(object, to: upload)
            await withTaskGroup(of: Void.self) { group in
                group.cancelAll()
                group.addTask { await upload.abort() }
            }
            #expect(count(fixture, "DELETE", Self.upload) == 2)
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
        }
    }

    @Test("A copy that answers 200 with an error is none, and a copy in parts that fails is removed")
    func copies() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            var source = CopySource(
                service: "s3", endpoint: fixture.origin.url(""), region: "us-east-1", bucket: "other", key: "a b+ü", version: "v/1",
                size: 1_000,
                etag: "\"x\"")
            fixture.origin.on(fixture.path(object), StoreFixture.error(200, "AccessDenied"))
            try await requireStorageError(.permissionDenied, "copy") { [source] in
                try await fixture.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
            }
            let request = try #require(fixture.origin.requests.last)
            #expect(request.header("x-amz-copy-source") == "other/a%20b%2B%C3%BC?versionId=v%2F1")
            #expect(request.header("x-amz-copy-source-if-match") == "\"x\"")
            #expect(request.header("x-amz-metadata-directive") == "REPLACE")

            source.size = 100 << 20
            fixture.origin.on("\(fixture.path(object))?uploads", Self.created)
            fixture.answer("\(fixture.path(object))?\(Self.upload)", .status(204))
            fixture.origin.on(fixture.path(object), StoreFixture.error(404, "NoSuchKey"))
            try await requireStorageError(.notFound, "copy") { [source] in
                try await fixture.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
            }
            #expect(count(fixture, "DELETE", Self.upload) == 1)
        }
    }

    @Test(
        "The parts of a copy are neither too small, nor too large, nor too many", arguments: [0, 1, 64, 65, 1_000, 1_024, 50_000, 5 << 20])
    func copyParts(_ mebibytes: Int64) {
        for size in [mebibytes << 20, mebibytes << 20 + 1] where size <= S3Store.maxObjectSize {
            for configured in [5 << 20, 128 << 20, 5 << 30] as [Int64] {
                let part = S3Store.copyPartSize(of: size, configured: configured, workers: 8)
                #expect(part >= S3Store.minPartSize && part <= S3Store.maxPartSize)
                #expect((size + part - 1) / part <= Int64(S3Store.maxParts))
            }
        }
    }

    @Test("What is out of reach is not copied")
    func reach() async throws {
        try await StoreFixture.run { fixture async throws in
            let near = CopySource(service: "s3", endpoint: fixture.origin.url(""), region: "r", bucket: "b", key: "k", size: 1)
            #expect(fixture.store.canCopy(from: near))
            for change in [
                { $0.service = "gcs" }, { $0.endpoint = "http://127.0.0.1:1" }, { $0.size = -1 }, { $0.size = (5 << 40) + 1 },
                { $0.endpoint = "https://s3.us-west-2.amazonaws.com" }, { $0.endpoint = "nonsense" },
            ] as [(inout CopySource) -> Void] {
                var far = near
                change(&far)
                #expect(!fixture.store.canCopy(from: far), "\(far)")
            }
        }
    }
}
