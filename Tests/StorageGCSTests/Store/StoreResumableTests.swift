import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Streams whose length nobody knows are uploaded chunk by chunk", .timeLimit(.minutes(5)))
struct StoreResumableTests {
    /// Two chunks of 8 MiB, and some more.
    private static let size = (20 << 20) + 5
    private static let chunk = Int64(ResumableProgress.chunkSize)

    private static func stream(_ bytes: ByteBuffer, failure: (any Error)? = nil) -> ByteStream {
        var rest = bytes
        var chunks: [ByteBuffer] = []
        while rest.readableBytes > 0, let chunk = rest.readSlice(length: min(rest.readableBytes, 1 << 20)) { chunks.append(chunk) }
        return ByteStream(chunks: chunks, failure: failure)
    }

    /// Uploads an object whose length is not stated.
    private func put(_ object: SampleObject, into store: any ObjectStore, condition: WriteCondition = .none) async throws -> ObjectInfo {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
        do {
            let length = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: Self.stream(object.bytes))
            #expect(length == object.size)
            return try await upload.complete(size: object.size, sha256: object.sha256, condition: condition)
        } catch {
            await upload.abort()
            throw error
        }
    }

    private func ranges(_ fixture: StoreFixture) -> [String?] { fixture.requests(.chunk).map { $0.header("content-range") } }

    @Test("The session is where the service says, each chunk says where it belongs, and the last how many bytes there are")
    func whole() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object)
            #expect(try await put(object, into: fixture.store, condition: .absent).etag == "\"published\"")
            #expect(fixture.steps == [.begin, .chunk, .chunk, .chunk, .publish, .delete])
            #expect(
                ranges(fixture) == ["bytes 0-8388607/*", "bytes 8388608-16777215/*", "bytes 16777216-20971524/20971525"])
            #expect(fixture.requests(.chunk).map { $0.header("content-length") } == ["8388608", "8388608", "4194309"])
            // The session's address is as good as a token: nothing else goes with it.
            #expect(fixture.requests(.chunk).allSatisfy { $0.uri == "/upload/here?upload_id=s%2F1" && $0.header("authorization") == nil })
            #expect(fixture.requests(.begin).first?.token == "FIRST")
            #expect(fixture.requests(.publish).first?.header("x-goog-if-generation-match") == "0")
        }
    }

    @Test("What is short is one request, or one part, as if its length had been stated", arguments: [1_000, 6 << 20])
    func short(_ size: Int) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: size)
            try fixture.serve(object)
            _ = try await put(object, into: fixture.store)
            #expect(fixture.steps == (size == 1_000 ? [.put] : [.create, .part, .complete, .publish, .delete]))
        }
    }

    @Test("After a break it goes on behind what the service has", arguments: [true, false])
    func broken(_ hangsUp: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object) { step, number, _ in
                switch step {
                // A request on a connection that closes is sent once more by the client itself.
                case .chunk where number == 2: hangsUp ? FakeBehavior.hangUp : StoreFixture.error(503, "ServiceUnavailable")
                case .chunk where number == 3 && hangsUp: FakeBehavior.hangUp
                case .status: StoreFixture.incomplete(Self.chunk + 262_144 - 1)
                default: nil
                }
            }
            _ = try await put(object, into: fixture.store)
            #expect((1...2).contains(fixture.requests(.status).count))
            #expect(ranges(fixture).suffix(2) == ["bytes 8650752-17039359/*", "bytes 17039360-20971524/20971525"])
        }
    }

    @Test("An answer without a range says that nothing was kept, and the chunk is sent again")
    func nothingKept() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object) { step, number, _ in step == .chunk && number == 1 ? StoreFixture.incomplete(nil) : nil }
            _ = try await put(object, into: fixture.store)
            #expect(fixture.steps == [.begin, .chunk, .status, .chunk, .chunk, .chunk, .publish, .delete])
            #expect(ranges(fixture).prefix(2) == ["bytes 0-8388607/*", "bytes 0-8388607/*"])
        }
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object) { step, _, _ in step == .chunk ? StoreFixture.incomplete(nil) : nil }
            try await requireStorageError(.unavailable, "put") { try await put(object, into: fixture.store) }
            #expect(fixture.requests(.chunk).count == 5)
            #expect(fixture.steps.suffix(2) == [.cancel, .delete])
        }
    }

    @Test("Without a range, after the first chunk was confirmed, the service is asked once more what it has", arguments: [true, false])
    func unsaid(_ isSlip: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object) { step, number, _ in
                switch step {
                case .chunk where number == 2: StoreFixture.incomplete(nil)
                case .status: StoreFixture.incomplete(isSlip ? 2 * Self.chunk - 1 : nil)
                default: nil
                }
            }
            if isSlip {
                _ = try await put(object, into: fixture.store)
                #expect(fixture.steps == [.begin, .chunk, .chunk, .status, .chunk, .publish, .delete])
            } else {
                // The first chunk is no longer here: only a new upload helps.
                let error = try await requireStorageError(.unavailable, "put") { try await put(object, into: fixture.store) }
                #expect(!error.mayRepeat)
                #expect(fixture.steps == [.begin, .chunk, .chunk, .status, .cancel, .delete])
            }
        }
    }

    @Test(
        "An end whose answer was lost is found out, also where the service has all bytes and does not know that these are all",
        arguments: [true, false])
    func lostEnd(_ isDone: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            let hash = "crc32c=\(object.crc32c)"
            try fixture.serve(object) { step, number, _ in
                switch step {
                case .chunk where number == 3: StoreFixture.error(500, "InternalError")
                case .status:
                    isDone
                        ? FakeBehavior.status(200).with { $0.headers.append(("x-goog-hash", hash)) }
                        : StoreFixture.incomplete(Int64(Self.size) - 1)
                default: nil
                }
            }
            _ = try await put(object, into: fixture.store)
            #expect(fixture.requests(.chunk).count == (isDone ? 3 : 4))
            if !isDone { #expect(ranges(fixture).last == "bytes */20971525") }
        }
    }

    @Test(
        "What the service lost, ended too early or no longer knows begins anew from the outside, and the session is given up",
        arguments: ["lost", "early", "404", "410"])
    func over(_ what: String) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            let second: FakeBehavior =
                switch what {
                case "early": .status(200)
                case "404": .status(404)
                case "410": .status(410)
                default: StoreFixture.error(503, "SlowDown")
                }
            try fixture.serve(object) { step, number, _ in
                switch step {
                case .chunk where number == 2: second
                case .status: StoreFixture.incomplete(99)
                default: nil
                }
            }
            let error = try await requireStorageError(.unavailable, "put") { try await put(object, into: fixture.store) }
            #expect(!error.mayRepeat)
            #expect(fixture.steps.suffix(2) == [.cancel, .delete])
            #expect(fixture.requests(.publish).isEmpty)
        }
    }

    @Test("What the service has in place of the object is not published")
    func wrongChecksum() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object) { step, number, _ in
                guard step == .chunk, number == 3 else { return nil }
                return FakeBehavior.status(200).with { $0.headers.append(("x-goog-hash", "crc32c=AAAAAA==")) }
            }
            try await requireStorageError(.checksumMismatch, "put") { try await put(object, into: fixture.store) }
            #expect(fixture.requests(.publish).isEmpty)
            #expect(fixture.steps.last == .delete)
        }
    }

    @Test("Where the end states no checksum, the object is looked at")
    func looked() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object) { step, number, _ in step == .chunk && number == 3 ? FakeBehavior.status(200) : nil }
            _ = try await put(object, into: fixture.store)
            #expect(fixture.steps == [.begin, .chunk, .chunk, .chunk, .head, .publish, .delete])
        }
    }

    @Test("A stream that breaks ends the session")
    func brokenStream() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object)
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
            let stream = Self.stream(try object.slice(0, 9 << 20), failure: BrokenStream())
            await #expect(throws: BrokenStream.self) { try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: stream) }
            await upload.abort()
            #expect(fixture.steps == [.begin, .chunk, .cancel, .delete])
        }
    }

    @Test(
        "At an endpoint of Google's, a session may have the name of another, and its bytes go to the endpoint",
        arguments: [
            ("https://storage.googleapis.com/b/o?upload_id=1", "/b/o?upload_id=1"),
            ("https://storage-x.p.googleapis.com/b/o?upload_id=1", "/b/o?upload_id=1"),
            ("http://storage.googleapis.com/b/o?upload_id=1", nil),
            ("https://storage.googleapis.com.example/b/o?upload_id=1", nil), ("https://storage.googleapis.com/b/o", nil),
        ] as [(String, String?)])
    func otherNames(_ address: String, _ session: String?) throws {
        let endpoint = GCSEndpoint(scheme: .https, host: "storage-x.p.googleapis.com")
        let url = try ArtifactURL(address)
        #expect(GCSResumable.session(at: url, of: endpoint) == session)
        #expect(GCSResumable.session(at: url, of: GCSEndpoint(scheme: .https, host: "storage.example.org")) == nil)
    }

    @Test(
        "A session that is elsewhere gets no bytes",
        arguments: [nil, "", "nonsense", "http://127.0.0.1:1/upload?upload_id=x", "https://storage.googleapis.com/u?upload_id=x"])
    func elsewhere(_ location: String?) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            try fixture.serve(object) { step, _, _ in
                guard step == .begin else { return nil }
                return FakeBehavior.status(201).with { if let location { $0.headers.append(("Location", location)) } }
            }
            try await requireStorageError(.unavailable, "put") { try await put(object, into: fixture.store) }
            #expect(fixture.requests(.chunk).isEmpty)
        }
    }

    @Test("Nothing can follow a first part whose length was not stated")
    func followed() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: Self.size)
            let first = try object.slice(0, 9 << 20)
            let hash = ObjectHashes([first]).fieldValue
            try fixture.serve(object) { step, number, _ in
                guard step == .chunk, number == 2 else { return nil }
                return FakeBehavior.status(200).with { $0.headers.append(("x-goog-hash", hash)) }
            }
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: nil)
            let length = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: Self.stream(first))
            let rest = try object.slice(length, object.size - length)
            _ = try await upload.write(UploadPart(number: 1, offset: length, length: object.size - length), from: ByteStream(rest))
            try await requireStorageError(.invalidRequest, "complete") {
                try await upload.complete(size: object.size, sha256: object.sha256)
            }
            await upload.abort()
        }
    }
}
