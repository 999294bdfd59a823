import Crypto
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

// One at a time: a server answers one request after the other, and hundreds at once would run into their deadlines on a slow machine.
@Suite("The Azure store keeps the promises against a server that checks signatures", .enabled(if: AzureTestServer.isExpected), .serialized)
struct AzureConformanceTests {
    enum Kind: String, CaseIterable, Sendable {
        case azure
        case layered = "azure in all layers"
        case prefixed = "azure under a key prefix, presigned"
        case token = "azure with a token, presigned"

        /// Each in a container of its own, for a listing of one to be undisturbed by the others.
        func store() async throws -> any ObjectStore {
            let server = try AzureTestServer.required()
            switch self {
            case .azure: return try await server.store("conformance")
            case .layered:
                return StoreLayers(operations: 64, patience: .seconds(2)).around(
                    try await server.store("layered"), pool: try requireValue(PoolID(service: "azure", region: "conformance"), "pool"))
            case .prefixed:
                let plain = try await server.store("prefixed").configuration
                let configuration = AzureConfiguration(
                    container: plain.container, endpoint: plain.endpoint,
                    reading: BucketReading(access: .presigned, keyPrefix: "/mirror/ü x"), credentials: plain.credentials)
                return AzureStore(configuration: configuration, http: AzureTestServer.sharedHTTP, logger: AzureTestServer.logger)
            case .token: return try await AzureTestServer.withToken().store("token") { $0.reading.access = .presigned }
            }
        }
    }

    @Test("conforms", arguments: Kind.allCases, ObjectStoreSuite.cases)
    func conforms(_ kind: Kind, _ testCase: ObjectStoreSuite.Case) async throws {
        try await testCase.run(kind.store())
    }

    @Test("copies by itself, with a key and with a token", arguments: [false, true], CopySuite.cases(largest: (64 << 20) + 12_345))
    func copies(_ isByToken: Bool, _ testCase: CopySuite.Case) async throws {
        let server = isByToken ? try await AzureTestServer.withToken() : try AzureTestServer.required()
        let (origin, pool) = (try await server.store("origin"), try await server.store("pool"))
        // What may be copied with a token is known once something was sent with one.
        try await pool.checkHealth()
        try await testCase.run(
            CopyingStore(store: pool) { object in
                let info = try await object.put(into: origin)
                return CopySource(
                    service: "azure", endpoint: server.endpoint.url, region: server.endpoint.account,
                    bucket: origin.configuration.container, key: info.key.description, size: info.size, etag: info.etag)
            })
    }

    @Test("Locations work for everybody, without credentials", arguments: Kind.allCases)
    func locations(_ kind: Kind) async throws {
        let store = try await kind.store()
        let object = try SampleObject("a file (1)+ü%25.tar.gz", size: 1_000)
        try await object.put(into: store)
        let url = try ArtifactURL(try await store.location(of: object.key, life: .seconds(60)).url)
        let answer = try await AzureTestServer.sharedHTTP.collect(
            ServiceRequest(
                scheme: url.scheme, host: url.host, port: url.port, target: url.query.map { "\(url.path)?\($0)" } ?? url.path),
            upTo: 1 << 20)
        #expect(answer.status == 200)
        #expect(answer.body == object.bytes)
        try await store.delete(object.key)
    }

    /// What lies at a server that is not the service's.
    private func pull(
        _ behavior: FakeBehavior, digests: @Sendable ([UInt8]) throws -> [MirrorCore.Digest] = { _ in [] }, etag: String = "\"v1\"",
        _ body: (AzureStore, URLSource, SampleObject) async throws -> Void
    ) async throws {
        let store = try await AzureTestServer.required().store("fetched") { $0.copyPartSize = 1 << 20 }
        try await FakeOrigin.run { origin async throws in
            origin.on("/a.bin", behavior)
            let source = URLSource(
                url: try ArtifactURL(origin.url("/a.bin?signature=1")), isPublic: false, size: behavior.body.size, etag: etag,
                digests: try digests(behavior.body.bytes(0..<behavior.body.size)))
            try await body(store, source, SampleObject(size: 1))
        }
    }

    private static let content = FakeBehavior.generated(size: (9 << 20) + 1).with { $0.etag = "\"v1\"" }

    @Test("The service fetches from any URL, whole, and compares what the origin states", arguments: ["", "crc64nvme", "md5"])
    func fetches(_ algorithm: String) async throws {
        try await pull(
            Self.content,
            digests: { bytes in
                var crc = CRC64NVME()
                bytes.withUnsafeBytes { crc.update($0) }
                let known = [
                    MirrorCore.Digest(.crc64nvme, bytes: crc.bytes), MirrorCore.Digest(.md5, bytes: Array(Insecure.MD5.hash(data: bytes))),
                ]
                return known.compactMap { $0 }.filter { $0.algorithm.rawValue == algorithm }
            }
        ) { store, source, object async throws in
            let confirmed = Countdown(1)
            let info = try await store.pull(object.key, from: source, metadata: object.metadata, condition: .absent) {
                _ = confirmed.next()
                await #expect(throws: StorageError.self) { try await store.head(object.key) }
            }
            #expect(!confirmed.next())
            #expect(info.size == source.size)
            let held = try await store.get(object.key, range: nil).body.collect(upTo: 16 << 20)
            #expect(Array(held.readableBytesView) == Self.content.body.bytes(0..<source.size))
            #expect(try await store.head(object.key).etag == info.etag)
            try await store.delete(object.key)
        }
    }

    @Test("What the origin states and does not have is not published", arguments: ["crc64nvme", "md5"])
    func wrongDigest(_ algorithm: String) async throws {
        let wrong = try #require(MirrorCore.Digest.Algorithm(rawValue: algorithm))
        try await pull(
            Self.content,
            digests: { _ in [MirrorCore.Digest(wrong, bytes: [UInt8](repeating: 1, count: wrong.byteCount))].compactMap { $0 } }
        ) { store, source, object async throws in
            try await requireStorageError(.checksumMismatch, "pull") {
                try await store.pull(object.key, from: source, metadata: object.metadata, condition: .none) {}
            }
            try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
        }
    }

    @Test("An artifact that has changed, one that is gone, and one that may not be read are told apart")
    func refusals() async throws {
        for (behavior, code) in [
            (Self.content.with { $0.etag = "\"v2\"" }, StorageError.Code.preconditionFailed), (.status(404), .notFound),
            (.status(403), .permissionDenied),
        ] {
            try await pull(behavior.with { $0.body = Self.content.body }) { store, source, object async throws in
                try await requireStorageError(code, "pull") {
                    try await store.pull(object.key, from: source, metadata: object.metadata, condition: .none) {}
                }
                try await requireStorageError(.notFound, "head") { try await store.head(object.key) }
            }
        }
    }
}
