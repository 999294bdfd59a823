import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageCloud
import Testing

@testable import StorageS3

@Suite("The S3 store keeps the promises against a server that checks signatures", .enabled(if: S3TestServer.isExpected))
struct S3ConformanceTests {
    enum Kind: String, CaseIterable, Sendable {
        case s3
        case layered = "s3 in all layers"
        case prefixed = "s3 under a key prefix, presigned"
        /// Where bodies are not signed, but have a checksum with them.
        case tls = "s3 over TLS"
        /// Where conditions and checksums are refused.
        case openStack = "OpenStack Swift over TLS"

        static var available: [Kind] { allCases.filter { $0 != .tls || S3TestServer.overTLS != nil } }

        /// What OpenStack Swift refuses of streams, which only fails once: the cases repeat nothing.
        private static let learnt = Task {
            let quirks = S3ServiceQuirks()
            let store = try await S3TestServer.openStackRequired(overTLS: true).store("openstack") { $0.quirks = quirks }
            let object = try SampleObject(size: 9 << 20)
            let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
            let part = UploadPart(number: 0, offset: 0, length: object.size)
            try await requireStorageError(.unavailable, "the first stream") {
                try await upload.write(part, from: ByteStream(chunks: [object.bytes], failure: nil))
            }
            await upload.abort()
            return quirks
        }

        /// Each in a bucket of its own, for a listing of one to be undisturbed by the others.
        func store() async throws -> any ObjectStore {
            let server = try S3TestServer.required()
            switch self {
            case .s3: return try await server.store("conformance")
            case .openStack:
                let quirks = try await Self.learnt.value
                return try await S3TestServer.openStackRequired(overTLS: true).store("openstack") { $0.quirks = quirks }
            case .tls: return try await #require(S3TestServer.overTLS).store("tls")
            case .layered:
                return StoreLayers(operations: 64, patience: .seconds(2)).around(
                    try await server.store("layered"), pool: try requireValue(PoolID(service: "s3", region: "conformance"), "pool"))
            case .prefixed:
                let plain = try await server.store("prefixed").configuration
                let configuration = S3Configuration(
                    bucket: plain.bucket, endpoint: plain.endpoint,
                    reading: BucketReading(access: .presigned, keyPrefix: "/mirror/ü x"), credentials: plain.credentials)
                return S3Store(configuration: configuration, http: S3TestServer.sharedHTTP, logger: S3TestServer.logger)
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
                return try requireValue(origin.copySource(of: info.key, size: info.size, etag: info.etag), "source")
            })
    }

    @Test("What OpenStack Swift refuses is left out, each by itself, and what it takes is not", arguments: [false, true])
    func quirks(_ isOverTLS: Bool) async throws {
        let server = try S3TestServer.openStackRequired(overTLS: isOverTLS)
        let store = try await server.store("quirks-\(isOverTLS)")
        func put(_ object: SampleObject, parts partSize: Int64, stored: Timestamp? = nil) async throws {
            var metadata = object.metadata
            if let stored { metadata.stored = stored }
            let upload = try await store.beginUpload(object.key, metadata: metadata, expectedSize: object.size)
            for part in object.parts(of: partSize) {
                let bytes = try object.slice(part.offset, part.length ?? 0)
                do {
                    // A stream, which the store does not hold in memory where it is long.
                    _ = try await upload.write(part, from: ByteStream(chunks: [bytes], failure: nil))
                } catch let error as StorageError where error.code.isTransient {
                    _ = try await upload.write(part, from: ByteStream(chunks: [bytes], failure: nil))
                }
            }
            _ = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
            let held = try await store.get(object.key, range: nil).body.collect(upTo: 20 << 20)
            #expect(held == object.bytes)
        }
        let (small, inParts, streamed) = (try SampleObject(size: 1_000), try SampleObject(size: 6 << 20), try SampleObject(size: 10 << 20))
        func refused() -> [S3Quirk] { store.configuration.quirks.refusals(at: SystemClock().instant).map(\.quirk) }
        try await put(small, parts: small.size)
        #expect(refused() == [.putCondition])
        try await put(inParts, parts: 5 << 20)
        #expect(refused() == (isOverTLS ? [.putCondition, .completionChecksums] : [.putCondition]))
        try await put(streamed, parts: 9 << 20)
        #expect(refused() == (isOverTLS ? [.putCondition, .completionChecksums, .trailer] : [.putCondition, .signedChunks]))
        #expect(!store.capabilities.features.contains(.conditionalWrites))
        // Another upload's object is found all the same.
        let later = SystemClock().now + .seconds(60)
        for object in [small, inParts] {
            await #expect(throws: StorageError.self) { try await put(object, parts: 5 << 20, stored: later) }
        }
    }
}
