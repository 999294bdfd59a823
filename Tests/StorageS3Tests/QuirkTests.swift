import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOHTTP1
import StorageCloud
import Synchronization
import TestServers
import Testing

@testable import StorageS3

@Suite("What a server refuses and nobody needs is left out, each by itself", .timeLimit(.minutes(5)))
struct QuirkTests {
    private static func failure(_ status: Int, _ code: String) -> S3Failure {
        S3Failure(status: status, headers: [:], body: ByteBuffer(string: "<Error><Code>\(code)</Code></Error>"))
    }

    // MARK: The trial

    /// Asks a server that refuses some optional parts until it is content.
    ///
    /// - Returns: How often it was asked, and what it is said to refuse; `nil` for the latter when it stayed a refusal.
    private func ask(
        _ offered: [S3Quirk], _ answer: (Set<S3Quirk>) -> S3Failure?
    ) -> (requests: Int, found: Set<S3Quirk>?, failure: S3Failure?) {
        var trial = S3QuirkTrial(offered: offered)
        for requests in 1...20 {
            guard let failure = answer(Set(offered.filter(trial.has))) else { return (requests, Set(trial.succeeded().map(\.quirk)), nil) }
            if let refusal = trial.failed(failure) { return (requests, nil, refusal) }
        }
        return (20, nil, nil)
    }

    @Test("Whichever of two are refused, those are found out, and no others")
    func pairs() {
        let answers: [(Int, String)] = [(501, "NotImplemented"), (400, "InvalidArgument"), (400, ""), (501, ""), (405, "MethodNotAllowed")]
        for pair in [[.putCondition, .checksum], [.completionChecksums, .completionCondition]] as [[S3Quirk]] {
            for refused in [[], [pair[0]], [pair[1]], Set(pair)] as [Set<S3Quirk>] {
                for (first, second) in answers.flatMap({ first in answers.map { (first, $0) } }) {
                    let result = ask(pair) { has in
                        if has.contains(pair[0]), refused.contains(pair[0]) { return Self.failure(first.0, first.1) }
                        if has.contains(pair[1]), refused.contains(pair[1]) { return Self.failure(second.0, second.1) }
                        return nil
                    }
                    #expect(result.found == refused)
                    #expect(result.requests <= 4)
                }
            }
        }
    }

    @Test("A refusal that has nothing to do with optional parts is told as it is, after few requests, and nothing is left out")
    func innocent() {
        for (status, code, requests) in [
            (400, "InvalidRequest", 4), (501, "NotImplemented", 4), (403, "AccessDenied", 1), (412, "PreconditionFailed", 1),
            (503, "SlowDown", 1), (404, "NoSuchBucket", 1), (400, "EntityTooLarge", 1), (400, "BadDigest", 1), (500, "InternalError", 1),
        ] {
            let result = ask([.putCondition, .checksum]) { _ in Self.failure(status, code) }
            #expect(result.found == nil)
            #expect(result.failure?.code == code)
            #expect(result.requests == requests, "\(code)")
        }
        let other = ask([.putCondition]) { Self.failure($0.isEmpty ? 403 : 501, $0.isEmpty ? "AccessDenied" : "NotImplemented") }
        #expect(other.failure?.code == "AccessDenied")
    }

    @Test("How servers refuse each optional part")
    func refusals() {
        let rows: [(S3Quirk, Int, String)] = [
            // OpenStack Swift
            (.putCondition, 501, "NotImplemented"), (.copyCondition, 501, "NotImplemented"), (.completionChecksums, 400, "MalformedXML"),
            (.trailer, 501, "NotImplemented"), (.signedChunks, 501, "NotImplemented"), (.trailer, 400, "MalformedTrailerError"),
            (.longMetadata, 400, "InvalidRequest"),
            // Ceph
            (.trailer, 400, "XAmzContentSHA256Mismatch"),
            // Others
            (.completionCondition, 400, "InvalidArgument"), (.checksum, 400, "InvalidRequest"), (.uploadChecksum, 400, ""),
            (.signedChunks, 400, "IncompleteBody"), (.copyChecksum, 400, "InvalidRequest"),
        ]
        for (quirk, status, code) in rows { #expect(quirk.mayBeMeant(by: Self.failure(status, code)), "\(quirk) \(code)") }
        #expect(Set(rows.map(\.0)) == Set(S3Quirk.allCases))
        for quirk in S3Quirk.allCases {
            for (status, code) in [(403, "AccessDenied"), (503, "SlowDown"), (404, "NoSuchUpload"), (412, "PreconditionFailed")] {
                #expect(!quirk.mayBeMeant(by: Self.failure(status, code)))
            }
            #expect(!quirk.words.isEmpty && !quirk.substitute.isEmpty)
        }
    }

    // MARK: Against a server

    /// A clock that nobody waits by, and that a test moves on.
    private final class SetClock: MirrorClock {
        private let ahead = Mutex(Duration.zero)

        var now: Timestamp { SystemClock().now + ahead.withLock { $0 } }

        var instant: ContinuousClock.Instant { .now + ahead.withLock { $0 } }

        func advance(by duration: Duration) { ahead.withLock { $0 += duration } }

        func sleep(until deadline: ContinuousClock.Instant) async throws { try await HastyClock().sleep(until: deadline) }

        func sleep(for duration: Duration) async throws { try await HastyClock().sleep(for: duration) }
    }

    /// A server that takes no condition, and holds the object once it was put.
    private func refusing(_ fixture: StoreFixture, _ object: SampleObject, _ status: Int, _ code: String, isThere: Bool = false) {
        let isHeld = Mutex(isThere)
        let bytes = Array(object.bytes.readableBytesView)
        fixture.origin.on(fixture.path(object)) { request in
            switch request.method {
            case "PUT":
                if request.header("if-none-match") != nil { return StoreFixture.error(status, code) }
                isHeld.withLock { $0 = true }
                return FakeBehavior.status(204).with { $0.etag = "\"e\"" }
            default:
                return isHeld.withLock { $0 }
                    ? FakeBehavior.body(bytes, etag: "\"e\"").with { $0.headers = StoreFixture.headers(of: object) } : .status(404)
            }
        }
    }

    private func put(_ object: SampleObject, into store: any ObjectStore) async throws -> ObjectInfo {
        let upload = try await store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: object.size), from: ByteStream(object.bytes))
        return try await upload.complete(size: object.size, sha256: object.sha256, condition: .absent)
    }

    @Test(
        "A condition that is refused is left out for some hours: the mirror looks for itself, and says that it does",
        arguments: [(501, "NotImplemented"), (400, "InvalidArgument"), (400, "")])
    func condition(status: Int, code: String) async throws {
        let clock = SetClock()
        try await StoreFixture.run(clock: clock) { fixture async throws in
            let objects = try (0..<4).map { _ in try SampleObject(size: 10) }
            for object in objects { refusing(fixture, object, status, code) }
            func methods(_ object: SampleObject) -> [String] {
                fixture.origin.requests(for: fixture.path(object)).map { $0.method + ($0.header("if-none-match") == nil ? "" : " *") }
            }
            #expect(fixture.store.capabilities.features.contains(.conditionalWrites))
            #expect(try await put(objects[0], into: fixture.store).etag == "\"e\"")
            #expect(methods(objects[0]) == ["PUT *", "HEAD", "PUT"])
            #expect(!fixture.store.capabilities.features.contains(.conditionalWrites))
            let refusals = fixture.store.configuration.quirks.refusals(at: clock.instant)
            #expect(refusals.map(\.quirk) == [.putCondition])
            #expect(refusals.first?.reason.contains("\(status)") == true)
            #expect(try await put(objects[1], into: fixture.store).etag == "\"e\"")
            #expect(methods(objects[1]) == ["HEAD", "PUT"])
            // What is there is not replaced.
            try await requireStorageError(.preconditionFailed, "complete") { try await put(objects[1], into: fixture.store) }
            #expect(methods(objects[1]) == ["HEAD", "PUT", "HEAD", "HEAD"])
            clock.advance(by: .seconds(7 * 3_600))
            #expect(fixture.store.capabilities.features.contains(.conditionalWrites))
            _ = try await put(objects[2], into: fixture.store)
            #expect(methods(objects[2]) == ["PUT *", "HEAD", "PUT"])
        }
    }

    @Test("Metadata that are too long for a server are left out, and only those")
    func longMetadata() async throws {
        try await StoreFixture.run { fixture async throws in
            var object = try SampleObject(size: 10)
            object.metadata.upstreamURL = "https://origin.example.org/" + String(repeating: "a", count: 300)
            object.metadata.addresses = ["https://origin.example.org/a", object.metadata.upstreamURL]
            fixture.origin.on(fixture.path(object)) { request in
                if request.header("if-none-match") != nil { return StoreFixture.error(501, "NotImplemented") }
                if request.method == "HEAD" { return .status(404) }
                return request.headers.contains { $0.value.utf8.count > 256 && $0.name.hasPrefix("x-amz-meta-") }
                    ? StoreFixture.error(400, "InvalidRequest") : FakeBehavior.status(204).with { $0.etag = "\"e\"" }
            }
            _ = try await put(object, into: fixture.store)
            let last = try #require(fixture.origin.requests.last)
            #expect(last.header("x-amz-meta-cloud-mirror-upstream-url") == nil)
            #expect(last.header("x-amz-meta-cloud-mirror-addresses") == "https://origin.example.org/a")
            #expect(last.header("x-amz-meta-cloud-mirror-sha256") == (try object.sha256.hex))
            let refusals = fixture.store.configuration.quirks.refusals(at: SystemClock().instant)
            #expect(refusals.map(\.quirk) == [.longMetadata, .putCondition])
        }
    }

    @Test("Where the object is there already it is found, although the condition is refused")
    func conditionAndObject() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            refusing(fixture, object, 501, "NotImplemented", isThere: true)
            try await requireStorageError(.preconditionFailed, "complete") { try await put(object, into: fixture.store) }
            // Looked at twice: first whether there is one, then whether it is from a request whose answer was lost.
            #expect(fixture.origin.requests.map(\.method) == ["PUT", "HEAD", "HEAD"])
        }
    }

    @Test("A copy by the service goes on without its condition")
    func copyCondition() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            let isHeld = Mutex(false)
            fixture.origin.on(fixture.path(object)) { request in
                guard request.method == "PUT" else {
                    return isHeld.withLock { $0 }
                        ? FakeBehavior.body(Array(object.bytes.readableBytesView)).with { $0.headers = StoreFixture.headers(of: object) }
                        : .status(404)
                }
                if request.header("if-none-match") != nil { return StoreFixture.error(501, "NotImplemented") }
                isHeld.withLock { $0 = true }
                return StoreFixture.xml("<CopyObjectResult><ETag>e</ETag></CopyObjectResult>")
            }
            let source = CopySource(service: "s3", endpoint: fixture.origin.url(""), region: "r", bucket: "other", key: "k", size: 10)
            let info = try await fixture.store.copy(object.key, from: source, metadata: object.metadata, condition: .absent)
            #expect(info.size == 10)
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "PUT", "PUT", "HEAD"])
            #expect(fixture.store.configuration.quirks.refusals(at: SystemClock().instant).map(\.quirk) == [.copyCondition])
        }
    }

    @Test(
        "A stream is sent as it is once the server has refused how it was guarded: the next one gets through",
        arguments: [(501, "NotImplemented"), (400, "XAmzContentSHA256Mismatch"), (400, "IncompleteBody")])
    func stream(status: Int, code: String) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 9 << 20)
            fixture.origin.on(
                "\(fixture.path(object))?uploads",
                StoreFixture.xml("<InitiateMultipartUploadResult><UploadId>id</UploadId></InitiateMultipartUploadResult>"))
            fixture.origin.on("\(fixture.path(object))?partNumber=1&uploadId=id") { request in
                request.header("x-amz-content-sha256")?.hasPrefix("STREAMING") == true
                    ? StoreFixture.error(status, code) : FakeBehavior.status(204).with { $0.etag = "\"p\"" }
            }
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = UploadPart(number: 0, offset: 0, length: object.size)
            let error = try await requireStorageError(.unavailable, "the first") {
                try await upload.write(part, from: ByteStream(chunks: [object.bytes], failure: nil))
            }
            #expect(error.code.isTransient)
            #expect(try await upload.write(part, from: ByteStream(chunks: [object.bytes], failure: nil)) == object.size)
            #expect(fixture.origin.requests.last?.header("x-amz-content-sha256") == "UNSIGNED-PAYLOAD")
        }
    }
}
