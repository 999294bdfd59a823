import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageS3
import Testing

@Suite("The S3 store keeps the promises against a server that checks signatures", .enabled(if: S3TestServer.isExpected))
struct S3ConformanceTests {
    enum Kind: String, CaseIterable, Sendable {
        case s3
        case layered = "s3 in all layers"
        case prefixed = "s3 under a key prefix, presigned"
        /// Where bodies are not signed, but have a checksum with them.
        case tls = "s3 over TLS"

        static var available: [Kind] { allCases.filter { $0 != .tls || S3TestServer.overTLS != nil } }

        /// Each in a bucket of its own, for a listing of one to be undisturbed by the others.
        func store() async throws -> any ObjectStore {
            let server = try S3TestServer.required()
            switch self {
            case .s3: return try await server.store("conformance")
            case .tls: return try await #require(S3TestServer.overTLS).store("tls")
            case .layered:
                return StoreLayers().around(
                    try await server.store("layered"), pool: try requireValue(PoolID(service: "s3", region: "conformance"), "pool"))
            case .prefixed:
                let plain = try await server.store("prefixed").configuration
                let configuration = S3Configuration(
                    bucket: plain.bucket, endpoint: plain.endpoint, access: .presigned, keyPrefix: "/mirror/ü x",
                    credentials: plain.credentials)
                return S3Store(configuration: configuration, http: S3TestServer.http, logger: S3TestServer.logger)
            }
        }
    }

    @Test("conforms", arguments: Kind.available, ObjectStoreSuite.cases)
    func conforms(_ kind: Kind, _ testCase: ObjectStoreSuite.Case) async throws {
        try await testCase.run(kind.store())
    }

    @Test("copies by itself", arguments: CopySuite.cases(largest: (64 << 20) + 12_345))
    func copies(_ testCase: CopySuite.Case) async throws {
        let server = try S3TestServer.required()
        let (origin, pool) = (try await server.store("origin"), try await server.store("pool"))
        try await testCase.run(
            CopyingStore(store: pool) { object in
                let info = try await object.put(into: origin)
                return CopySource(
                    service: "s3", endpoint: server.endpoint.url, region: server.endpoint.region, bucket: origin.configuration.bucket,
                    key: info.key.description, size: info.size, etag: info.etag)
            })
    }
}
