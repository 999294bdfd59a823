import Crypto
import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import TestServers
import Testing

@testable import StorageAzure

@Suite("What the service fetches from wherever it lies", .timeLimit(.minutes(5)))
struct StorePullTests {
    private static let place = "http://origin.example.org/a.bin?signature=1"

    /// What lies there: more than one block.
    private static let bytes = Array(SampleObject.bytes((8 << 20) + 1).readableBytesView)

    private static func source(
        _ digests: [MirrorCore.Digest] = [], isPublic: Bool = false, url: String = place, size: Int64 = Int64(bytes.count)
    ) throws -> URLSource {
        URLSource(url: try ArtifactURL(url), isPublic: isPublic, size: size, etag: "\"e\"", digests: digests)
    }

    private static func crc64() throws -> MirrorCore.Digest {
        var crc = CRC64NVME()
        bytes.withUnsafeBytes { crc.update($0) }
        let digest = MirrorCore.Digest(.crc64nvme, bytes: crc.bytes)
        return try #require(digest)
    }

    private static func md5() throws -> MirrorCore.Digest {
        let digest = MirrorCore.Digest(.md5, bytes: Array(Insecure.MD5.hash(data: bytes)))
        return try #require(digest)
    }

    private static func sha256() throws -> MirrorCore.Digest {
        let digest = MirrorCore.Digest(.sha256, bytes: Array(SHA256.hash(data: bytes)))
        return try #require(digest)
    }

    private func run(
        script: @escaping StoreFixture.Script = { _ in nil }, _ body: @escaping @Sendable (StoreFixture, SampleObject) async throws -> Void
    ) async throws {
        var setup = StoreFixture.Setup()
        setup.blobs = FakeBlobs(sources: [Self.place: Self.bytes])
        let object = try SampleObject(size: 1)
        try await StoreFixture.run(setup, script: script) { fixture async throws in try await body(fixture, object) }
    }

    @Test("It is fetched in blocks by several requests, each of which demands its entity tag; nothing is visible before it is confirmed")
    func blocks() async throws {
        try await run { fixture, object async throws in
            let source = try Self.source([try Self.crc64(), try Self.sha256()])
            #expect(fixture.store.canPull(from: source))
            let name = object.key.description
            let info = try await fixture.store.pull(object.key, from: source, metadata: object.metadata, condition: .absent) {
                #expect(fixture.blobs.blob(name) == nil && fixture.blobs.uncommitted(name) > 1)
            }
            #expect(info.size == source.size && info.metadata.sha256 == nil)
            #expect(fixture.blobs.blob(name)?.bytes == Self.bytes)
            #expect(info.etag == fixture.blobs.blob(name)?.etag)
            let parts = fixture.requests.filter { $0.kind == .copyBlock }
            #expect(parts.count > 1)
            #expect(
                parts.allSatisfy {
                    $0.header("x-ms-copy-source") == Self.place && $0.header("x-ms-source-if-match") == "\"e\""
                        && $0.header("x-ms-source-content-md5") == nil && $0.header("x-ms-copy-source-authorization") == nil
                })
            #expect(fixture.kinds.first == .head && fixture.kinds.last == .blocks)
        }
    }

    @Test("An MD5 of the whole is compared by the service, which gets it as one block")
    func md5() async throws {
        try await run { fixture, object async throws in
            let md5 = try Self.md5()
            let source = try Self.source([md5, try Self.sha256()])
            _ = try await fixture.store.pull(object.key, from: source, metadata: object.metadata, condition: .none) {}
            let parts = fixture.requests.filter { $0.kind == .copyBlock }
            #expect(parts.map { $0.header("x-ms-source-range") } == ["bytes=0-\(Self.bytes.count - 1)"])
            #expect(parts.first?.header("x-ms-source-content-md5") == md5.base64)
            #expect(fixture.requests.last?.header("x-ms-blob-content-md5") == md5.base64)
        }
    }

    @Test("What does not have the CRC-64 that the origin states is not published, and neither is what nobody confirms")
    func wrong() async throws {
        try await run { fixture, object async throws in
            let digest = MirrorCore.Digest(.crc64nvme, bytes: [UInt8](repeating: 1, count: 8))
            let other = try #require(digest)
            try await requireStorageError(.checksumMismatch, "another check") {
                try await fixture.store.pull(object.key, from: Self.source([other]), metadata: object.metadata, condition: .none) {}
            }
            await #expect(throws: BrokenStream.self) {
                try await fixture.store.pull(object.key, from: Self.source(), metadata: object.metadata, condition: .none) {
                    throw BrokenStream()
                }
            }
            #expect(fixture.blobs.names.isEmpty && fixture.count(.blocks) == 0)
        }
        // A server that does not say what it has fetched has checked nothing.
        let silent: StoreFixture.Script = { $0.kind == .copyBlock ? .init(status: 201) : nil }
        try await run(script: silent) { fixture, object async throws in
            try await requireStorageError(.unsupported, "no check") {
                try await fixture.store.pull(object.key, from: Self.source([Self.crc64()]), metadata: object.metadata, condition: .none) {}
            }
            #expect(fixture.blobs.names.isEmpty)
        }
    }

    @Test(
        "What the service cannot fetch is told",
        arguments: [
            (404, "CannotVerifyCopySource", .notFound), (403, "CannotVerifyCopySource", .permissionDenied),
            (412, "SourceConditionNotMet", .preconditionFailed), (400, "Md5Mismatch", .checksumMismatch),
            (400, "InvalidHeaderValue", .invalidRequest), (503, "ServerBusy", .throttled),
        ] as [(Int, String, StorageError.Code)])
    func failures(_ status: Int, _ code: String, _ expected: StorageError.Code) async throws {
        let script: StoreFixture.Script = { $0.kind == .copyBlock ? FakeBlobs.error(status, code) : nil }
        try await run(script: script) { fixture, object async throws in
            let error = try await requireStorageError(expected, "pull") {
                try await fixture.store.pull(object.key, from: Self.source(), metadata: object.metadata, condition: .none) {}
            }
            #expect(!error.description.contains("signature=1"))
            #expect(fixture.count(.blocks) == 0)
        }
    }

    @Test("What is there is not fetched over, and an object that a lost answer was about is found")
    func conditions() async throws {
        try await run { fixture, object async throws in
            _ = try await object.put(into: fixture.store)
            try await requireStorageError(.preconditionFailed, "pull") {
                try await fixture.store.pull(object.key, from: Self.source(), metadata: object.metadata, condition: .absent) {}
            }
            #expect(fixture.count(.copyBlock) == 0)
        }
        let blobs = FakeBlobs(sources: [Self.place: Self.bytes])
        var setup = StoreFixture.Setup()
        setup.blobs = blobs
        let lost = Countdown(1)
        let script: StoreFixture.Script = { request in
            guard request.kind == .blocks, lost.next() else { return nil }
            _ = blobs.answer(request)
            throw CancellationError()
        }
        let object = try SampleObject(size: 1)
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            let info = try await fixture.store.pull(
                object.key, from: Self.source(), metadata: object.metadata, condition: .absent
            ) {}
            #expect(info.etag == fixture.blobs.blob(object.key.description)?.etag)
        }
    }

    @Test("What is out of reach, too long, or cannot be checked is not tried")
    func reach() async throws {
        try await run { fixture, object async throws in
            let long = "http://origin.example.org/" + String(repeating: "a", count: 2_100)
            let bad = [
                try Self.source(size: 0), try Self.source(size: AzureStore.maxObjectSize + 1), try Self.source(url: long),
                try Self.source([Self.sha256()]), try Self.source([Self.md5()], size: (1 << 30) + 1),
            ]
            for source in bad {
                #expect(!fixture.store.canPull(from: source), "\(source)")
                try await requireStorageError(.unsupported, "pull") {
                    try await fixture.store.pull(object.key, from: source, metadata: object.metadata, condition: .none) {}
                }
            }
            #expect(fixture.requests.isEmpty)
        }
        var setup = StoreFixture.Setup()
        let own = AzureEndpoint(account: StoreFixture.account)
        setup.change = { $0.endpoint = own }
        try await StoreFixture.run(setup) { fixture async throws in
            let url = "https://origin.example.org/a.bin"
            #expect(fixture.store.canPull(from: try Self.source(isPublic: true, url: url)))
            #expect(!fixture.store.canPull(from: try Self.source(isPublic: false, url: url)), "an address that only this network has")
            #expect(!fixture.store.canPull(from: try Self.source(isPublic: true)), "plain HTTP")
        }
        setup.change = { $0.pullsURLs = false }
        try await StoreFixture.run(setup) { fixture async throws in
            #expect(!fixture.store.canPull(from: try Self.source()))
            #expect(!fixture.store.capabilities.features.contains(.pullsURLs))
        }
    }
}
