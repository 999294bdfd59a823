import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

@Suite("What a service refuses is put right once, or told in words that say what to do", .timeLimit(.minutes(5)))
struct StoreClientTests {
    private func region(_ request: FakeOrigin.Request) -> String? {
        request.header("authorization")?.split(separator: "/").dropFirst(2).first.map(String.init)
    }

    @Test("A bucket in another region is signed for in that region, and so is everything after")
    func anotherRegion() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object)) { request in
                request.header("authorization")?.contains("/eu-central-1/") == true
                    ? .body(Array(object.bytes.readableBytesView)).with { $0.headers = StoreFixture.headers(of: object) }
                    : StoreFixture.error(400, "AuthorizationHeaderMalformed", "<Region>eu-central-1</Region>")
            }
            let content = try await fixture.store.get(object.key, range: nil)
            #expect(try await content.body.collect(upTo: 100) == object.bytes)
            _ = try await fixture.store.head(object.key)
            #expect(fixture.origin.requests.map(region) == ["us-east-1", "eu-central-1", "eu-central-1"])
        }
    }

    @Test("HEAD, whose answer cannot say why not, learns the region from the header, and the reason from GET")
    func headLearns() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(
                fixture.path(object), FakeBehavior.status(400).with { $0.headers = [("x-amz-bucket-region", "eu-west-1")] },
                StoreFixture.error(400, "AuthorizationHeaderMalformed"),
                FakeBehavior.body([1, 2, 3]).with { $0.headers = StoreFixture.headers(of: object) })
            #expect(try await fixture.store.head(object.key).size == 3)
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "GET", "HEAD"])
            #expect(fixture.origin.requests.last.flatMap(region) == "eu-west-1")
        }
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object), StoreFixture.error(403, "SignatureDoesNotMatch"))
            let error = try await requireStorageError(.permissionDenied, "head") { try await fixture.store.head(object.key) }
            #expect(fixture.origin.requests.count == 2)
            #expect(error.operation == "s3.head")
        }
    }

    @Test("HEAD of a bucket in another region learns the region from the body of the answer to GET, where no field says it")
    func headLearnsFromBody() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object)) { request in
                guard region(request) != "eu-west-1" else {
                    return FakeBehavior.body([1, 2, 3]).with { $0.headers = StoreFixture.headers(of: object) }
                }
                return request.method == "HEAD"
                    ? .status(400) : StoreFixture.error(400, "AuthorizationHeaderMalformed", "<Region>eu-west-1</Region>")
            }
            #expect(try await fixture.store.head(object.key).size == 3)
            #expect(try await fixture.store.head(object.key).size == 3)
            #expect(fixture.origin.requests.map(\.method) == ["HEAD", "GET", "HEAD", "HEAD"])
        }
    }

    @Test("What HEAD failed with has the code, the words and the request of the answer that explains it")
    func headIsExplained() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object), StoreFixture.error(403, "InvalidAccessKeyId"))
            let error = try await requireStorageError(.permissionDenied, "head") { try await fixture.store.head(object.key) }
            #expect(error.message.contains("InvalidAccessKeyId (403): A message., request R1"))
        }
    }

    @Test("A hint that leads nowhere is followed once, and not by the next call; one that changes each time keeps nobody busy")
    func badHints() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object)) { request in
                StoreFixture.error(400, "AuthorizationHeaderMalformed", "<Region>region-\(request.number)</Region>")
            }
            try await requireStorageError(.invalidRequest, "get") { try await fixture.store.get(object.key, range: nil) }
            try await requireStorageError(.invalidRequest, "get") { try await fixture.store.get(object.key, range: nil) }
            #expect(fixture.origin.requests.map(region) == ["us-east-1", "region-1", "us-east-1", "region-3"])
        }
        for hint in ["evil.example/", "a b", String(repeating: "a", count: 40), "&#13;&#10;x: y"] {
            try await StoreFixture.run { fixture async throws in
                let object = try SampleObject(size: 10)
                fixture.origin.on(
                    fixture.path(object), StoreFixture.error(400, "AuthorizationHeaderMalformed", "<Region>\(hint)</Region>"))
                try await requireStorageError(.invalidRequest, "get") { try await fixture.store.get(object.key, range: nil) }
                #expect(fixture.origin.requests.count == 1)
            }
        }
        // Not about regions at all.
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(
                fixture.path(object), StoreFixture.error(400, "InvalidArgument", headers: [("x-amz-bucket-region", "elsewhere")]))
            try await requireStorageError(.invalidRequest, "get") { try await fixture.store.get(object.key, range: nil) }
            #expect(fixture.origin.requests.count == 1)
        }
    }

    @Test("A clock that is off is corrected from the answer's date, once")
    func clock() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            let ahead: @Sendable () -> Timestamp = { SystemClock().now + .seconds(7_200) }
            fixture.origin.on(fixture.path(object)) { request in
                request.number == 2
                    ? .body([1]).with { $0.headers = StoreFixture.headers(of: object) }
                    : StoreFixture.error(403, "RequestTimeTooSkewed", headers: [("Date", ahead().httpDate)])
            }
            _ = try await fixture.store.get(object.key, range: nil)
            let second = try #require(fixture.origin.requests.last?.header("x-amz-date"))
            let expected = (ahead() - .seconds(3_600)).iso8601.replacing("-", with: "").replacing(":", with: "")
            #expect(second > expected.prefix(15))
            let error = try await requireStorageError(.permissionDenied, "get") { try await fixture.store.get(object.key, range: nil) }
            #expect(error.message.contains("clock"))
            #expect((3...4).contains(fixture.origin.requests.count), "whether a second has passed meanwhile is not said")
        }
    }

    @Test("A request that was signed before another one learnt the service's time is signed again, too")
    func learntMeanwhile() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            let offset = fixture.store.client.clockOffset
            fixture.origin.on(fixture.path(object)) { request in
                guard request.number == 1 else { return .body([1]).with { $0.headers = StoreFixture.headers(of: object) } }
                let date = (SystemClock().now + .seconds(7_200)).httpDate
                #expect(offset.learn(date: date, at: SystemClock().now), "by the other one")
                return StoreFixture.error(403, "RequestTimeTooSkewed", headers: [("Date", date)])
            }
            _ = try await fixture.store.get(object.key, range: nil)
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test("Credentials that have ended are asked for anew, once, and the request is repeated with its body")
    func expired() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object)) { request in
                request.header("authorization")?.contains("SECOND") == true
                    ? .status(200).with { $0.etag = "\"e\"" } : StoreFixture.error(400, "ExpiredToken")
            }
            #expect(try await object.put(into: fixture.store).etag == "\"e\"")
            #expect(fixture.credentials.invalidations == 1)
            #expect(fixture.origin.requests.map(\.method) == ["PUT", "PUT"])
            #expect(fixture.origin.requests.map { $0.header("content-length") } == ["10", "10"])
        }
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object), StoreFixture.error(400, "ExpiredToken"))
            try await requireStorageError(.permissionDenied, "put") { try await object.put(into: fixture.store) }
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test(
        "Each refusal has its code",
        arguments: [
            (404, "NoSuchKey", .notFound), (404, "NoSuchBucket", .notFound), (403, "AccessDenied", .permissionDenied),
            (403, "InvalidAccessKeyId", .permissionDenied), (503, "SlowDown", .throttled), (503, "", .throttled), (429, "", .throttled),
            (500, "InternalError", .unavailable), (502, "", .unavailable), (400, "RequestTimeout", .timedOut),
            (412, "PreconditionFailed", .preconditionFailed), (409, "ConditionalRequestConflict", .unavailable),
            (416, "InvalidRange", .invalidRequest), (400, "InvalidArgument", .invalidRequest), (501, "NotImplemented", .unsupported),
            (400, "BadDigest", .checksumMismatch), (507, "", .full), (301, "PermanentRedirect", .invalidRequest),
            (418, "", .invalidRequest),
        ] as [(Int, String, StorageError.Code)])
    func codes(_ status: Int, _ code: String, _ expected: StorageError.Code) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(
                fixture.path(object), StoreFixture.error(status, code, headers: [("Retry-After", "7")]))
            let error = try await requireStorageError(expected, "get") { try await fixture.store.get(object.key, range: nil) }
            #expect(error.retryAfter == .seconds(7))
            #expect(!error.description.contains("secret-1"))
            if code == "NoSuchBucket" { #expect(error.message.contains("there is no bucket \(StoreFixture.bucket)")) }
            if code == "NoSuchKey" { #expect(error.message.contains(object.key.description)) }
        }
    }

    @Test("A health check tells who may not list what to permit")
    func health() async throws {
        try await StoreFixture.run { fixture async throws in
            fixture.origin.on("/\(StoreFixture.bucket)", StoreFixture.error(403, "AccessDenied"))
            let error = try await requireStorageError(.permissionDenied, "checkHealth") { try await fixture.store.checkHealth() }
            #expect(error.message.contains("s3:ListBucket"))
        }
    }

    @Test("A server that ignores Range is read as far as was asked; one that sends another range is refused")
    func ranges() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 100_000)
            fixture.origin.on(
                fixture.path(object),
                FakeBehavior.body(Array(object.bytes.readableBytesView)).with { $0.acceptsRanges = false },
                FakeBehavior.body(Array(object.bytes.readableBytesView)).with { $0.acceptsRanges = false },
                FakeBehavior.body([1, 2]).with {
                    $0.status = 206
                    $0.headers = [("Content-Range", "bytes 0-1/100000")]
                })
            let content = try await fixture.store.get(object.key, range: ByteRange(offset: 70_000, length: 40_000))
            #expect(content.range == ByteRange(offset: 70_000, length: 30_000))
            #expect(try await content.body.collect(upTo: 1 << 20) == object.slice(70_000, 30_000))
            let beyond = ByteRange(offset: 100_000, length: 1)
            try await requireStorageError(.invalidRequest, "get") { try await fixture.store.get(object.key, range: beyond) }
            let other = ByteRange(offset: 5, length: 2)
            try await requireStorageError(.unavailable, "get") { try await fixture.store.get(object.key, range: other) }
        }
    }

    @Test("A part that calls itself the whole is refused, asked for or not")
    func contradictions() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 100_000)
            let part = FakeBehavior.body(Array(object.bytes.readableBytesView.prefix(1_000))).with {
                $0.acceptsRanges = false
                $0.headers = [("Content-Range", "bytes 0-999/100000")]
            }
            fixture.origin.on(fixture.path(object), part)
            let range = ByteRange(offset: 0, length: 1_000)
            try await requireStorageError(.unavailable, "a range") { try await fixture.store.get(object.key, range: range) }
            try await requireStorageError(.unavailable, "the whole") { try await fixture.store.get(object.key, range: nil) }
            fixture.origin.on(fixture.path(object), part.with { $0.status = 206 })
            try await requireStorageError(.unavailable, "the whole") { try await fixture.store.get(object.key, range: nil) }
        }
    }

    @Test("Without credentials nothing is signed")
    func anonymous() async throws {
        try await StoreFixture.run(credentials: GivenCredentials([nil])) { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.hold(object)
            _ = try await fixture.store.head(object.key)
            #expect(fixture.origin.requests.first?.header("authorization") == nil)
            #expect(fixture.origin.requests.first?.header("x-amz-date") == nil)
        }
    }
}
