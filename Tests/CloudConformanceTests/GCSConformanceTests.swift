import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOHTTP1
import StorageCloud
import Testing

@testable import StorageGCS

// One at a time: see AzureConformanceTests.
@Suite(
    "The store in Cloud Storage keeps the promises against a server that checks signatures, tokens and hashes",
    .enabled(if: GCSTestServer.isExpected), .serialized)
struct GCSConformanceTests {
    enum Kind: String, CaseIterable, Sendable {
        case gcs
        case layered = "gcs in all layers"
        case prefixed = "gcs under a key prefix, presigned"
        /// The XML API alone.
        case keys = "gcs with an HMAC key"
        case tls = "gcs over TLS"

        static var available: [Kind] {
            allCases.filter { kind in
                switch kind {
                case .tls: GCSTestServer.overTLS != nil
                case .keys: GCSTestServer.keys != nil
                case .gcs, .layered, .prefixed: true
                }
            }
        }

        /// Each in a bucket of its own, for a listing of one to be undisturbed by the others.
        func store() async throws -> any ObjectStore {
            let server = try GCSTestServer.required()
            switch self {
            case .gcs: return try await server.store("conformance")
            case .tls: return try await #require(GCSTestServer.overTLS).store("tls")
            case .layered:
                return StoreLayers(operations: 64, patience: .seconds(2)).around(
                    try await server.store("layered"), pool: try requireValue(PoolID(service: "gcs", region: "conformance"), "pool"))
            case .prefixed:
                let plain = try await server.store("prefixed").configuration
                let configuration = GCSConfiguration(
                    bucket: plain.bucket, endpoint: plain.endpoint,
                    reading: BucketReading(access: .presigned, keyPrefix: "/mirror/ü x"), credentials: plain.credentials)
                return GCSStore(configuration: configuration, connection: GCSTestServer.connection)
            case .keys:
                let keys = StaticCredentials(try #require(GCSTestServer.keys))
                return try await server.store("keys") {
                    $0.credentials = keys
                    $0.hasTokens = false
                }
            }
        }
    }

    @Test("conforms", arguments: Kind.available, ObjectStoreSuite.cases)
    func conforms(_ kind: Kind, _ testCase: ObjectStoreSuite.Case) async throws {
        try await testCase.run(kind.store())
    }

    @Test("copies by itself", arguments: CopySuite.cases(largest: (64 << 20) + 12_345))
    func copies(_ testCase: CopySuite.Case) async throws {
        let server = try GCSTestServer.required()
        let (origin, pool) = (try await server.store("origin"), try await server.store("pool"))
        try await testCase.run(
            CopyingStore(store: pool) { object in
                let info = try await object.put(into: origin)
                return CopySource(
                    service: "gcs", endpoint: server.endpoint.url, region: "", bucket: origin.configuration.bucket,
                    key: info.key.description, size: info.size, etag: info.etag)
            })
    }

    @Test("A long stream of unknown length is whole, and its upload leaves nothing behind")
    func stream() async throws {
        let store = try await GCSTestServer.required().store("streams")
        let object = try SampleObject(size: (20 << 20) + 5)
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        let chunks = try object.parts(of: 1_000_003).map { try object.slice($0.offset, $0.length ?? 0) }
        let part = UploadPart(number: 0, offset: 0, length: nil)
        #expect(try await upload.write(part, from: ByteStream(chunks: chunks, failure: nil)) == object.size)
        let info = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
        #expect(info.metadata.sha256 == (try object.sha256))
        #expect(try await store.get(object.key, range: nil).body.collect(upTo: 32 << 20) == object.bytes)
        let query: [(name: String, value: String?)] = [("list-type", "2"), ("prefix", "cloud-mirror-uploads/")]
        let listing = try await store.client.document(GCSCall("list", .GET, query: query))
        #expect(listing.all("Contents").isEmpty)
        try await store.delete(object.key)
    }

    @Test("A signed address is for everybody, and for its object alone", arguments: [false, true])
    func signed(_ isKey: Bool) async throws {
        let keys = GCSTestServer.keys
        guard !isKey || keys != nil else { return }
        let store = try await GCSTestServer.required().store("signed") {
            $0.reading.access = .presigned
            if isKey, let keys { $0.credentials = StaticCredentials(keys) }
        }
        let object = try SampleObject("a b+ü.bin", size: 10)
        try await object.put(into: store)
        func status(_ url: String) async throws -> Int {
            let url = try ArtifactURL(url)
            let request = ServiceRequest(
                scheme: url.scheme, host: url.host, port: url.port, target: url.query.map { "\(url.path)?\($0)" } ?? url.path)
            return try await store.client.connection.http.collect(request, upTo: 1 << 16).status
        }
        let location = try await store.location(of: object.key, life: .seconds(60))
        #expect(try await status(location.url) == 200)
        #expect(try await status(String(location.url.prefix { $0 != "?" })) != 200)
        #expect(try await status(location.url.replacing(".bin", with: ".bix")) != 200)
        try await store.delete(object.key)
    }

    @Test("A pool's bucket is made, passes the check, and is left alone then", arguments: [BucketAccess.public, .presigned])
    func setup(_ access: BucketAccess) async throws {
        let server = try GCSTestServer.required()
        let configuration = GCSConfiguration(
            bucket: GCSTestServer.newName("setup"), endpoint: server.endpoint,
            reading: BucketReading(access: access, keyPrefix: "p/"),
            credentials: server.credentials, location: "us-central1", project: server.project)
        let setup = GCSPoolSetup(configuration: configuration, retention: .seconds(86_400), connection: GCSTestServer.connection)
        var lines: [SetupLine] = []
        let isDone = try await setup.apply(try await setup.plan()) { lines.append($0) }
        #expect(isDone, "\(lines)")
        let again = try await setup.plan()
        #expect(!again.hasChanges, "\(again.lines.map(\.text))")
        lines = []
        let isFine = try await GCSPoolCheck(setup: setup, credentialsSource: "of the test").run { lines.append($0) }
        #expect(isFine && lines.allSatisfy { $0.mark == .ok }, "\(lines)")
    }
}
