import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import StorageAzure

extension StoreFixture {
    /// Runs `body` with a store in all layers whose service answers each request, but for those that `answer` knows, with the failure.
    static func runFailing(
        _ failure: (status: Int, code: String), copyConcurrency: Int = 1,
        _ answer: @escaping @Sendable (BlobRequest) -> ScriptedServer.Answer? = { _ in nil },
        _ body: @escaping @Sendable (StoreFixture, any ObjectStore, SampleObject) async throws -> Void
    ) async throws {
        var setup = Setup()
        setup.change = { $0.copyConcurrency = copyConcurrency }
        let (status, code) = failure
        try await run(setup, script: { answer($0) ?? FakeBlobs.error(status, code) }) { fixture async throws in
            let object = try SampleObject(size: (1 << 20) + 1)
            let pool = try #require(PoolID("azure/test"))
            let layers = StoreLayers(operations: 64, patience: .seconds(60))
            try await body(fixture, layers.around(fixture.store, pool: pool, clock: HastyClock()), object)
        }
    }

    /// Takes blocks of whatever bytes.
    static func written(_ request: BlobRequest) -> ScriptedServer.Answer? {
        request.kind == .block ? .init(status: 201) : nil
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
