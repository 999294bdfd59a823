import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import StorageS3

extension StoreFixture {
    /// Runs `body` with a store in all layers whose service answers each request, but for those that `answer` knows, with the failure.
    static func runFailing(
        _ failure: (status: Int, code: String), copyConcurrency: Int = 1,
        _ answer: @escaping @Sendable (FakeOrigin.Request) -> FakeBehavior? = { _ in nil },
        _ body: (StoreFixture, any ObjectStore, SampleObject) async throws -> Void
    ) async throws {
        try await run(change: { $0.copyConcurrency = copyConcurrency }) { fixture async throws in
            let object = try SampleObject(size: (5 << 20) + 1)
            fixture.origin.on(everything: { answer($0) ?? error(failure.status, failure.code) })
            let pool = try #require(PoolID("s3/test"))
            let layers = StoreLayers(operations: 64, patience: .seconds(60))
            try await body(fixture, layers.around(fixture.store, pool: pool, clock: HastyClock()), object)
        }
    }

    /// Begins a multipart upload.
    static func created(_ request: FakeOrigin.Request) -> FakeBehavior? {
        request.uri.contains("?uploads")
            ? xml("<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>") : nil
    }

    /// Takes the parts of an upload, too.
    static func written(_ request: FakeOrigin.Request) -> FakeBehavior? {
        request.uri.contains("partNumber") ? FakeBehavior.status(200).with { $0.etag = "\"p\"" } : created(request)
    }

    /// An object of another bucket that the service can copy.
    func source(_ size: Int64) -> CopySource {
        CopySource(service: "s3", endpoint: origin.url(""), region: "us-east-1", bucket: "other", key: "k", size: size)
    }
}

extension ObjectStore {
    /// An upload whose parts are written, in parts of `partSize` bytes.
    func uploading(_ object: SampleObject, partSize: Int64) async throws -> any ObjectUpload {
        let upload = try await beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        for part in object.parts(of: partSize) {
            _ = try await upload.write(part, from: ByteStream(object.slice(part.offset, part.length ?? 0)))
        }
        return upload
    }
}
