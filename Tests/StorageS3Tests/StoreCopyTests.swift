import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import Synchronization
import TestServers
import Testing

@testable import StorageS3

@Suite("Copies that the service makes of objects with a digest", .timeLimit(.minutes(1)))
struct StoreCopyTests {
    private static let size = 10

    /// Answers the copy of an object with this, looks at it with what was copied, and deletions.
    private func answer(
        _ fixture: StoreFixture, _ object: SampleObject, _ copied: @escaping @Sendable (FakeOrigin.Request) -> FakeBehavior
    ) {
        let isHeld = Mutex(false)
        fixture.origin.on(fixture.path(object)) { request in
            switch request.method {
            case "PUT":
                let behavior = copied(request)
                if behavior.status == 200 { isHeld.withLock { $0 = true } }
                return behavior
            case "DELETE":
                isHeld.withLock { $0 = false }
                return .status(204)
            default:
                return isHeld.withLock { $0 }
                    ? FakeBehavior.body(Array(object.bytes.readableBytesView), etag: "\"e\"").with {
                        $0.headers = StoreFixture.headers(of: object)
                    } : .status(404)
            }
        }
    }

    private static func result(_ more: String = "") -> FakeBehavior {
        StoreFixture.xml("<CopyObjectResult><ETag>\"e\"</ETag>\(more)</CopyObjectResult>")
    }

    private func object(hasDigest: Bool = true) throws -> SampleObject {
        var object = try SampleObject(size: Self.size)
        if hasDigest { object.metadata.sha256 = try object.sha256 }
        return object
    }

    private func copy(_ object: SampleObject, in fixture: StoreFixture) async throws -> ObjectInfo {
        try await fixture.store.copy(
            object.key, from: fixture.source(Int64(Self.size)), metadata: object.metadata, condition: .absent)
    }

    @Test("The service is asked for the digest of what it copies, which has to be the one that is known", arguments: [true, false])
    func digest(isStated: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try object()
            let digest = try object.sha256
            answer(fixture, object) { _ in Self.result(isStated ? "<ChecksumSHA256>\(digest.base64)</ChecksumSHA256>" : "") }
            #expect(try await copy(object, in: fixture).metadata.sha256 == digest)
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "PUT", "HEAD"])
            let request = fixture.origin.requests[1]
            #expect(request.header("x-amz-checksum-algorithm") == "SHA256")
            #expect(request.header("x-amz-meta-cloud-mirror-sha256") == digest.hex)
        }
    }

    @Test("Without a digest there is nothing to ask for")
    func noDigest() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try object(hasDigest: false)
            answer(fixture, object) { _ in Self.result("<ChecksumSHA256>\(String(repeating: "A", count: 43))=</ChecksumSHA256>") }
            #expect(try await copy(object, in: fixture).size == 10)
            #expect(fixture.origin.requests[1].header("x-amz-checksum-algorithm") == nil)
        }
    }

    @Test("A copy with another digest or another size is deleted", arguments: [true, false])
    func mismatch(isDigest: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try object()
            let other = try object.replaced(size: Self.size, seed: 1).sha256
            answer(fixture, object) { _ in Self.result(isDigest ? "<ChecksumSHA256>\(other.base64)</ChecksumSHA256>" : "") }
            let source = fixture.source(Int64(isDigest ? Self.size : Self.size + 1))
            try await requireStorageError(.checksumMismatch, "copy") {
                try await fixture.store.copy(object.key, from: source, metadata: object.metadata, condition: .none)
            }
            #expect(fixture.origin.requests.map(\.method) == ["PUT", "HEAD", "DELETE"])
        }
    }

    @Test("A server that knows no digests of copies makes them all the same")
    func refused() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try object()
            answer(fixture, object) { request in
                request.header("x-amz-checksum-algorithm") == nil ? Self.result() : StoreFixture.error(400, "InvalidRequest")
            }
            #expect(try await copy(object, in: fixture).size == 10)
            #expect(fixture.store.configuration.quirks.refusals(at: SystemClock().instant).map(\.quirk) == [.copyChecksum])
        }
    }

    @Test("A copy whose answer was lost is found in the object; what somebody else stored stays", arguments: [true, false], [true, false])
    func lostAnswer(isOurs: Bool, isFirst: Bool) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try object()
            var held = object
            if !isOurs { held.metadata.stored = object.metadata.stored + .milliseconds(1) }
            let there = FakeBehavior.body(Array(held.bytes.readableBytesView), etag: "\"held\"").with {
                $0.headers = StoreFixture.headers(of: held)
            }
            let copies = Mutex(0)
            fixture.origin.on(fixture.path(object)) { request in
                let number = copies.withLock { copies in
                    if request.method == "PUT" { copies += 1 }
                    return copies
                }
                // Nothing is there before the first request.
                guard request.method == "PUT" else { return number == 0 ? .status(404) : there }
                // Also the first answer may say that it exists: the client repeats what a closing connection has lost.
                return number == 1 && !isFirst ? StoreFixture.error(500, "InternalError") : StoreFixture.error(412, "PreconditionFailed")
            }
            if isOurs {
                #expect(try await copy(object, in: fixture).etag == "\"held\"")
            } else {
                try await requireStorageError(.preconditionFailed, "copy") { try await copy(object, in: fixture) }
            }
        }
    }

    @Test("What another pool copies from is the object under its name in the bucket")
    func source() async throws {
        let object = try SampleObject("a b.bin", size: 10)
        for prefix in ["", "mirror"] {
            try await StoreFixture.run { fixture async throws in
                let configuration = S3Configuration(
                    bucket: "other", endpoint: fixture.store.configuration.endpoint, reading: BucketReading(keyPrefix: prefix),
                    credentials: fixture.credentials)
                let other = S3Store(configuration: configuration, http: fixture.store.client.http, logger: fixture.store.logger)
                let source = try #require(other.copySource(of: object.key, size: 10, etag: "\"e\""))
                let expected = CopySource(
                    service: "s3", endpoint: fixture.origin.url(""), region: "us-east-1", bucket: "other",
                    key: "\(prefix.isEmpty ? "" : "mirror/")\(object.key)", size: 10, etag: "\"e\"")
                #expect(source == expected)
                #expect(fixture.store.canCopy(from: source))
                #expect(fixture.origin.requests.isEmpty)
            }
        }
    }
}
