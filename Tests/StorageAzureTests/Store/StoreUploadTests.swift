import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("Uploads outlive what services do to them", .timeLimit(.minutes(5)))
struct StoreUploadTests {
    private static let partSize: Int64 = 1 << 20

    private func object() throws -> SampleObject { try SampleObject(size: (2 << 20) + 1) }

    private func write(_ object: SampleObject, to upload: any ObjectUpload) async throws {
        try await withThrowingTaskGroup(of: Void.self) { group in
            for part in object.parts(of: Self.partSize).reversed() {
                group.addTask { _ = try await upload.write(part, from: object.stream(part)) }
            }
            try await group.waitForAll()
        }
    }

    private func isHeld(_ object: SampleObject, in blobs: FakeBlobs) -> Bool {
        blobs.blob(object.key.description)?.bytes == Array(object.bytes.readableBytesView)
    }

    @Test("Parts in parallel become blocks, which are committed in their order with the digest in the metadata")
    func blocks() async throws {
        let object = try object()
        try await StoreFixture.run { fixture async throws in
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            #expect(fixture.requests.isEmpty)
            try await write(object, to: upload)
            #expect(fixture.blobs.names.isEmpty, "nothing is visible yet")
            let info = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
            #expect(isHeld(object, in: fixture.blobs))
            #expect(info.etag == fixture.blobs.blob(object.key.description)?.etag)
            #expect(info.metadata.sha256 == (try object.sha256))
            #expect(try await fixture.store.head(object.key) == info)
            #expect(fixture.kinds == [.block, .block, .block, .blocks, .head])
            let ids = fixture.requests.compactMap { $0.query["blockid"] }
            #expect(Set(ids).count == 3 && Set(ids.map(\.utf8.count)) == [32])
            let list = try #require(fixture.requests.first { $0.kind == .blocks })
            #expect(Set(list.text.components(between: "<Latest>", and: "</Latest>")) == Set(ids))
            #expect(list.header("x-ms-content-crc64") == FakeBlobs.crc64(list.bytes))
            #expect(list.header("if-none-match") == "*")
            #expect(list.header("x-ms-meta-cloud_mirror_sha256") == (try object.sha256.hex))
            #expect(list.header("x-ms-blob-content-type") == "application/octet-stream")
            await upload.abort()
            #expect(isHeld(object, in: fixture.blobs))
        }
    }

    @Test("An object of one part is one request with its CRC-64, which is repeated when the service is busy")
    func oneRequest() async throws {
        let object = try SampleObject(size: 3 << 20)
        let busy = Countdown(1)
        let script: StoreFixture.Script = { _ in busy.next() ? FakeBlobs.error(503, "ServerBusy") : nil }
        try await StoreFixture.run(script: script) { fixture async throws in
            _ = try await object.put(into: fixture.store)
            #expect(fixture.kinds == [.put, .put])
            let request = try #require(fixture.requests.last)
            #expect(request.header("x-ms-content-crc64") == FakeBlobs.crc64(request.bytes))
            #expect(request.header("content-md5") == nil)
            #expect(request.header("x-ms-blob-type") == "BlockBlob")
            #expect(request.header("x-ms-meta-cloud_mirror_sha256") == (try object.sha256.hex))
            #expect(request.header("if-none-match") == nil)
            #expect(isHeld(object, in: fixture.blobs))
        }
    }

    @Test("Bytes that the service received otherwise are not stored: a block or a blob whose CRC-64 differs")
    func wrongChecks() async throws {
        let object = try object()
        let script: StoreFixture.Script = { request in
            switch request.kind {
            case .block: .init(status: 201, headers: [("x-ms-content-crc64", "AAAAAAAAAAA=")])
            case .put: .init(status: 201, headers: [("ETag", "\"e\""), ("x-ms-content-crc64", "AAAAAAAAAAA=")])
            default: nil
            }
        }
        try await StoreFixture.run(script: script) { fixture async throws in
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = try #require(object.parts(of: Self.partSize).first)
            try await requireStorageError(.checksumMismatch, "in memory") { try await upload.write(part, from: object.stream(part)) }
            let large = try SampleObject(size: 9 << 20)
            let stream = ByteStream(chunks: [large.bytes], failure: nil)
            let whole = UploadPart(number: 0, offset: 0, length: large.size)
            try await requireStorageError(.checksumMismatch, "a stream") { try await upload.write(whole, from: stream) }
            try await requireStorageError(.checksumMismatch, "in one request") { try await SampleObject(size: 10).put(into: fixture.store) }
        }
    }

    @Test("A blob that the service has received otherwise is not taken for the own one by the next attempt", arguments: [0, 1, 2])
    func wrongBlob(failedDeletions: Int) async throws {
        let object = try SampleObject(size: 10)
        let blobs = FakeBlobs()
        var setup = StoreFixture.Setup()
        setup.blobs = blobs
        let (wrong, failing) = (Countdown(1), Countdown(failedDeletions))
        let script: StoreFixture.Script = { request in
            if request.kind == .delete, failing.next() { return FakeBlobs.error(503, "ServerBusy") }
            guard request.kind == .put, wrong.next() else { return nil }
            let headers = request.headers.filter { $0.name.lowercased() != "x-ms-content-crc64" }
            return blobs.answer(
                BlobRequest(method: request.method, uri: request.uri, headers: headers, bytes: [UInt8](repeating: 1, count: 10)))
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            let upload = try await fixture.store.uploading(object, partSize: Self.partSize)
            _ = try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
            #expect(isHeld(object, in: fixture.blobs))
            let deletions = fixture.requests.filter { $0.kind == .delete }
            #expect(deletions.count == failedDeletions + 1 && deletions.allSatisfy { $0.header("if-match") != nil })
        }
    }

    @Test("A long stream is one block that is sent while it comes; one that breaks, or has another length, is none")
    func stream() async throws {
        let object = try SampleObject(size: 9 << 20)
        try await StoreFixture.run { fixture async throws in
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = UploadPart(number: 0, offset: 0, length: object.size)
            let broken = ByteStream(chunks: [ByteBuffer(string: "short")], failure: BrokenStream())
            await #expect(throws: BrokenStream.self) { try await upload.write(part, from: broken) }
            let short = ByteStream(chunks: [ByteBuffer(string: "short")], failure: nil)
            try await requireStorageError(.invalidRequest, "a short stream") { try await upload.write(part, from: short) }
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            let chunks = ByteStream(chunks: [object.bytes], failure: nil)
            #expect(try await upload.write(part, from: chunks) == object.size)
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(isHeld(object, in: fixture.blobs))
            #expect(fixture.requests.last { $0.kind == .block }?.header("x-ms-content-crc64") == nil)
        }
    }

    @Test("A part that is written again is another block; the last one counts")
    func rewritten() async throws {
        let object = try object()
        let other = object.replaced(size: Int(object.size), seed: 9)
        try await StoreFixture.run { fixture async throws in
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = try #require(object.parts(of: Self.partSize).first)
            _ = try await upload.write(part, from: other.stream(part))
            try await write(object, to: upload)
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(isHeld(object, in: fixture.blobs))
            #expect(Set(fixture.requests.compactMap { $0.query["blockid"] }).count == 4)
        }
    }

    @Test("Two who store one object do not mix, and the second is told that it has lost its blocks", arguments: [true, false])
    func concurrent(_ mustBeAbsent: Bool) async throws {
        let object = try object()
        let other = object.replaced(size: Int(object.size), seed: 9)
        try await StoreFixture.run { fixture async throws in
            let first = try await fixture.store.uploading(object, partSize: Self.partSize)
            let second = try await fixture.store.uploading(other, partSize: Self.partSize)
            let condition: WriteCondition = mustBeAbsent ? .absent : .none
            _ = try await first.complete(size: object.size, sha256: object.sha256, condition: condition)
            let error = try await requireStorageError(mustBeAbsent ? .preconditionFailed : .unavailable, "the second") {
                try await second.complete(size: other.size, sha256: other.sha256, condition: condition)
            }
            #expect(mustBeAbsent || !error.mayRepeat, "the same request would be of no use, a new upload is")
            #expect(isHeld(object, in: fixture.blobs))
        }
    }

    @Test("A completion whose answer was lost is found in the object", arguments: [10, (2 << 20) + 1], [WriteCondition.none, .absent])
    func lostAnswer(_ size: Int, _ condition: WriteCondition) async throws {
        let object = try SampleObject(size: size)
        var setup = StoreFixture.Setup()
        let blobs = FakeBlobs()
        setup.blobs = blobs
        let lost = Countdown(1)
        let script: StoreFixture.Script = { request in
            guard [.put, .blocks].contains(request.kind), lost.next() else { return nil }
            _ = blobs.answer(request)
            throw CancellationError()
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            let upload = try await fixture.store.uploading(object, partSize: Self.partSize)
            let info = try await upload.complete(size: object.size, sha256: object.sha256, condition: condition)
            #expect(info.etag == fixture.blobs.blob(object.key.description)?.etag)
            #expect(isHeld(object, in: fixture.blobs))
        }
    }

    @Test("An object that somebody else has stored meanwhile is not taken for the own one", arguments: [10, (2 << 20) + 1])
    func somebodyElses(_ size: Int) async throws {
        let object = try SampleObject(size: size)
        let blobs = FakeBlobs()
        var setup = StoreFixture.Setup()
        setup.blobs = blobs
        let lost = Countdown(1)
        let script: StoreFixture.Script = { request in
            guard [.put, .blocks].contains(request.kind), lost.next() else { return nil }
            blobs.put(object.key.description, [UInt8](repeating: 1, count: size))
            throw CancellationError()
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            let upload = try await fixture.store.uploading(object, partSize: Self.partSize)
            try await requireStorageError(.preconditionFailed, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
            }
            #expect(fixture.blobs.blob(object.key.description)?.bytes.first == 1)
        }
    }

    @Test("A token that ends in the middle of an upload is replaced: what is in memory is sent again, a stream by whoever has it")
    func tokenEnds() async throws {
        let object = try SampleObject(size: (9 << 20) + 1)
        var setup = StoreFixture.Setup()
        setup.credentials = .tokens("first", "second", "third")
        let refused = WatchedState(Set<String>())
        let script: StoreFixture.Script = { request in
            let token = request.header("authorization") ?? ""
            return refused.current.contains(token) ? FakeBlobs.error(401, "InvalidAuthenticationInfo") : nil
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let inMemory = UploadPart(number: 0, offset: 0, length: 1 << 20)
            _ = try await upload.write(inMemory, from: ByteStream(object.slice(0, 1 << 20)))
            refused.change { _ = $0.insert("Bearer first") }
            let long = UploadPart(number: 1, offset: 1 << 20, length: (8 << 20) + 1)
            let chunks = [try object.slice(1 << 20, (8 << 20) + 1)]
            let error = try await requireStorageError(.unavailable, "a stream") {
                try await upload.write(long, from: ByteStream(chunks: chunks, failure: nil))
            }
            #expect(error.message.contains("has to be sent again"), "\(error)")
            _ = try await upload.write(long, from: ByteStream(chunks: chunks, failure: nil))
            refused.change { _ = $0.insert("Bearer second") }
            _ = try await upload.complete(size: object.size, sha256: object.sha256)
            #expect(isHeld(object, in: fixture.blobs))
            #expect(fixture.credentials.invalidations == 2)
        }
    }

    @Test("An upload that is given up asks nothing of the service, and takes nothing more")
    func abort() async throws {
        let object = try object()
        try await StoreFixture.run { fixture async throws in
            let upload = try await fixture.store.uploading(object, partSize: Self.partSize)
            let before = fixture.requests.count
            await upload.abort()
            await upload.abort()
            #expect(fixture.requests.count == before)
            #expect(fixture.blobs.names.isEmpty)
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            let part = try #require(object.parts(of: Self.partSize).first)
            try await requireStorageError(.invalidRequest, "write") { try await upload.write(part, from: object.stream(part)) }
        }
    }

    @Test("Names of blocks are of one length, and differ by upload, part and attempt")
    func names() {
        let (one, other) = (BlockIDs(), BlockIDs())
        let names = [
            one.id(part: 0, attempt: 0), one.id(part: 0, attempt: 1), one.id(part: 1, attempt: 0), one.id(part: 49_999, attempt: 1 << 30),
            other.id(part: 0, attempt: 0),
        ]
        #expect(Set(names).count == names.count)
        #expect(names.allSatisfy { Base64.decode($0)?.count == 24 })
    }
}
