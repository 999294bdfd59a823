import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Copies within the service", .timeLimit(.minutes(5)))
struct StoreCopyTests {
    private static let other = "/other/a%20b%2B%C3%BC/c"
    private static let rewrite = "/storage/v1/b/other/o/a%20b%2B%C3%BC%2Fc/rewriteTo/b/test-bucket/o/"

    private static func source(_ fixture: StoreFixture, _ object: SampleObject, etag: String? = "\"held\"") -> CopySource {
        CopySource(
            service: "gcs", endpoint: fixture.origin.url(""), region: "", bucket: "other", key: "a b+ü/c", size: object.size, etag: etag)
    }

    private static func progress(_ count: Int, _ token: String) -> FakeBehavior {
        .status(200, #"{"totalBytesRewritten": "\#(count)", "objectSize": "1000", "done": false, "rewriteToken": "\#(token)"}"#)
    }

    private static func done(_ crc32c: String) -> FakeBehavior {
        .status(200, #"{"totalBytesRewritten": "1000", "done": true, "resource": {"crc32c": "\#(crc32c)"}}"#)
    }

    /// Both buckets have the object; each call of a copy is answered by the next of the answers, and then by the last.
    private static func serve(_ fixture: StoreFixture, _ object: SampleObject, _ answers: [FakeBehavior]) throws {
        let held = try StoreFixture.held(object)
        fixture.origin.on(other, held)
        fixture.origin.on(fixture.path(object), held)
        fixture.origin.on(rewrite + PercentCoding.encode(object.key.description), answers)
    }

    private static func calls(_ fixture: StoreFixture) -> [FakeOrigin.Request] {
        fixture.origin.requests.filter { $0.path.hasPrefix("/storage/") }
    }

    private static func copy(_ fixture: StoreFixture, _ object: SampleObject) async throws -> ObjectInfo {
        try await fixture.store.copy(object.key, from: source(fixture, object), metadata: object.metadata, condition: .absent)
    }

    @Test("A copy that takes three calls goes on with the token of each, from the one generation that was looked at")
    func threeCalls() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(fixture, object, [Self.progress(400, "t/1+"), Self.progress(800, "t2"), Self.done(object.crc32c)])
            let info = try await Self.copy(fixture, object)
            #expect(info.etag == "\"held\"" && info.size == 1_000)
            let calls = Self.calls(fixture)
            #expect(calls.map(\.method) == ["POST", "POST", "POST"])
            #expect(calls.map { $0.item("rewriteToken") } == [nil, "t/1+", "t2"])
            for call in calls {
                #expect(call.item("ifGenerationMatch") == "0")
                #expect(call.item("ifSourceGenerationMatch") == "7")
                #expect(call.item("sourceGeneration") == nil)
                #expect(call.header("content-type") == "application/json")
                #expect(call.token == "FIRST")
            }
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "POST", "POST", "POST", "HEAD"])
        }
    }

    @Test("A version that is named is the one that is copied")
    func version() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(fixture, object, [Self.done(object.crc32c)])
            var source = Self.source(fixture, object)
            source.version = "7"
            _ = try await fixture.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
            #expect(fixture.origin.requests.first?.uri == "\(Self.other)?generation=7")
            let call = try #require(Self.calls(fixture).first)
            #expect(call.item("sourceGeneration") == "7")
            #expect(call.item("ifGenerationMatch") == nil)
        }
    }

    @Test("What is to be copied must still be what it was", arguments: ["etag", "size", "gone"])
    func changed(_ what: String) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(fixture, object, [Self.done(object.crc32c)])
            switch what {
            case "etag": fixture.origin.on(Self.other, try StoreFixture.held(object, etag: "\"newer\""))
            case "size": fixture.origin.on(Self.other, try StoreFixture.held(object.replaced(size: 999, seed: 0)))
            default: fixture.origin.on(Self.other, .status(404))
            }
            try await requireStorageError(what == "gone" ? .notFound : .preconditionFailed, "copy") { try await Self.copy(fixture, object) }
            #expect(Self.calls(fixture).isEmpty)
        }
    }

    @Test("A call that is throttled, or fails, is made again with the same token")
    func repeated() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(
                fixture, object,
                [
                    StoreFixture.jsonError(429, "rateLimitExceeded"), Self.progress(400, "t1"), StoreFixture.jsonError(503, "backendError"),
                    Self.done(object.crc32c),
                ])
            _ = try await Self.copy(fixture, object)
            #expect(Self.calls(fixture).map { $0.item("rewriteToken") } == [nil, nil, "t1", "t1"])
        }
    }

    @Test("A copy whose answer was lost is found in the object; what somebody else put there stays", arguments: [true, false])
    func lostAnswer(_ isOurs: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(fixture, object, [StoreFixture.jsonError(500, "backendError"), StoreFixture.jsonError(412, "conditionNotMet")])
            var metadata = object.metadata
            metadata.sha256 = try isOurs ? object.sha256 : nil
            let source = Self.source(fixture, object)
            if isOurs {
                let info = try await fixture.store.copy(object.key, from: source, metadata: metadata, condition: .absent)
                #expect(info.etag == "\"held\"")
            } else {
                try await requireStorageError(.preconditionFailed, "copy") { [metadata] in
                    try await fixture.store.copy(object.key, from: source, metadata: metadata, condition: .absent)
                }
            }
        }
    }

    @Test("Whoever comes second does not replace what is there")
    func second() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(fixture, object, [StoreFixture.jsonError(412, "conditionNotMet")])
            try await requireStorageError(.preconditionFailed, "copy") { try await Self.copy(fixture, object) }
            #expect(Self.calls(fixture).count == 1)
        }
    }

    @Test("A copy that has another checksum than its source is deleted")
    func wrongChecksum() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(fixture, object, [Self.done("AAAAAA==")])
            try await requireStorageError(.unavailable, "copy") { try await Self.copy(fixture, object) }
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "POST", "HEAD", "DELETE"])
        }
    }

    @Test(
        "A service that makes no progress, or does not say how to go on, is not asked for ever",
        arguments: [
            #"{"done": false}"#, #"{"rewriteToken": "t"}"#, #"{"totalBytesRewritten": "-1", "rewriteToken": "t"}"#, "[]", "nonsense",
        ])
    func endless(_ answer: String) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(fixture, object, [.status(200, answer)])
            try await requireStorageError(.unavailable, "copy") { try await Self.copy(fixture, object) }
            #expect(Self.calls(fixture).count == 1)
            try Self.serve(fixture, object, [Self.progress(400, "same")])
            try await requireStorageError(.unavailable, "copy") { try await Self.copy(fixture, object) }
            #expect((10...30).contains(Self.calls(fixture).count))
        }
    }

    @Test("A service that has copied less than before is not believed")
    func backwards() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 1_000)
            try Self.serve(fixture, object, [Self.progress(400, "t1"), Self.progress(300, "t2")])
            try await requireStorageError(.unavailable, "copy") { try await Self.copy(fixture, object) }
            #expect(Self.calls(fixture).count == 2)
        }
    }

    @Test("Metadata of a copy are a resource of the JSON API")
    func resource() throws {
        let metadata = ObjectMetadata(
            contentType: "text/plain", contentEncoding: "gzip", contentDisposition: "attachment", upstreamURL: "https://a.example/ü",
            stored: Timestamp(milliseconds: 1_700_000_000_000))
        let resource = MetadataFields.gcs.resource(MetadataFields.gcs.kept(metadata))
        #expect(resource["contentType"]?.string == "text/plain")
        #expect(resource["contentEncoding"]?.string == "gzip")
        #expect(resource["contentDisposition"]?.string == "attachment")
        #expect(resource["cacheControl"]?.string == "no-cache, no-transform")
        let fields = MetadataFields.gcs.headers(MetadataFields.gcs.kept(metadata)).filter { $0.name.hasPrefix("x-goog-meta-") }
        #expect(!fields.isEmpty)
        for (name, value) in fields { #expect(resource["metadata"]?[String(name.dropFirst("x-goog-meta-".count))]?.string == value) }
    }

    @Test("What is out of reach is not copied")
    func reach() async throws {
        try await StoreFixture.run { fixture async throws in
            let near = Self.source(fixture, try SampleObject(size: 1))
            #expect(fixture.store.canCopy(from: near))
            for change in [
                { $0.service = "s3" }, { $0.endpoint = "https://storage.googleapis.com" }, { $0.endpoint = "nonsense" }, { $0.size = -1 },
                { $0.size = (5 << 40) + 1 },
            ] as [(inout CopySource) -> Void] {
                var far = near
                change(&far)
                #expect(!fixture.store.canCopy(from: far), "\(far)")
            }
            #expect(fixture.store.capabilities.features.contains(.serverSideCopy))
        }
        try await StoreFixture.run(credentials: .keys, change: { $0.hasTokens = false }) { fixture async throws in
            let object = try SampleObject(size: 1)
            #expect(!fixture.store.canCopy(from: Self.source(fixture, object)))
            #expect(!fixture.store.capabilities.features.contains(.serverSideCopy))
            try await requireStorageError(.unsupported, "copy") { try await Self.copy(fixture, object) }
            #expect(fixture.origin.requests.isEmpty)
        }
    }
}
