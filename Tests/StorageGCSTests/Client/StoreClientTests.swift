import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("What a service refuses is put right once, or told in words that say what to do", .timeLimit(.minutes(5)))
struct StoreClientTests {
    @Test(
        "A token that has ended is asked for anew, once, and the request is repeated with its body",
        arguments: [(401, "AuthenticationRequired"), (401, ""), (400, "ExpiredToken"), (403, "InvalidToken")])
    func expired(_ status: Int, _ code: String) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            try fixture.serve(object) { _, _, request in request.token == "FIRST" ? StoreFixture.error(status, code) : nil }
            #expect(try await object.put(into: fixture.store).etag == "\"put\"")
            #expect(fixture.credentials.invalidations == 1)
            #expect(fixture.steps == [.put, .put])
            #expect(fixture.origin.requests.map { $0.header("content-length") } == ["10", "10"])
        }
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object), StoreFixture.error(status, code))
            try await requireStorageError(.permissionDenied, "put") { try await object.put(into: fixture.store) }
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test("A stream cannot be sent again: whoever has it begins anew")
    func stream() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 9 << 20)
            try fixture.serve(object) { step, _, request in
                step == .part && request.token == "FIRST" ? StoreFixture.error(401, "AuthenticationRequired") : nil
            }
            let upload = try await fixture.store.beginUpload(object.key, metadata: object.metadata, expectedSize: object.size)
            let part = UploadPart(number: 0, offset: 0, length: object.size)
            try await requireStorageError(.unavailable, "the first time") {
                try await upload.write(part, from: ByteStream(chunks: [object.bytes], failure: nil))
            }
            #expect(try await upload.write(part, from: ByteStream(chunks: [object.bytes], failure: nil)) == object.size)
            #expect(fixture.requests(.part).map(\.token) == ["FIRST", "SECOND"])
        }
    }

    @Test("With an HMAC key, a clock that is an hour off is corrected from the answer's date, once")
    func clock() async throws {
        let ahead = HastyClock(ahead: .seconds(3_600))
        try await StoreFixture.run(credentials: .keys, clock: ahead) { fixture async throws in
            let object = try SampleObject(size: 10)
            let held = try StoreFixture.held(object)
            fixture.origin.on(fixture.path(object)) { request in
                let answer = request.number == 1 ? StoreFixture.error(403, "RequestTimeTooSkewed") : held
                return answer.with { $0.headers.append(("Date", SystemClock().now.httpDate)) }
            }
            _ = try await fixture.store.get(object.key, range: nil)
            let dates = fixture.origin.requests.compactMap { $0.header("x-goog-date") }
            #expect(dates.count == 2)
            #expect(dates == dates.sorted(by: >) && dates.first != dates.last, "the second is not an hour ahead")
            // What is known is used from then on.
            _ = try await fixture.store.get(object.key, range: nil)
            #expect(fixture.origin.requests.count == 3)
        }
        try await StoreFixture.run(credentials: .keys, clock: ahead) { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(
                fixture.path(object),
                StoreFixture.error(403, "RequestTimeTooSkewed", headers: [("Date", SystemClock().now.httpDate)]))
            let error = try await requireStorageError(.permissionDenied, "get") { try await fixture.store.get(object.key, range: nil) }
            #expect(error.message.contains("clock"))
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test("A request that was signed before another one learnt the service's time is signed again, too")
    func learntMeanwhile() async throws {
        let ahead = HastyClock(ahead: .seconds(3_600))
        try await StoreFixture.run(credentials: .keys, clock: ahead) { fixture async throws in
            let object = try SampleObject(size: 10)
            let (held, offset) = (try StoreFixture.held(object), fixture.store.client.connection.clockOffset)
            fixture.origin.on(fixture.path(object)) { request in
                let date = SystemClock().now.httpDate
                guard request.number == 1 else { return held.with { $0.headers.append(("Date", date)) } }
                #expect(offset.learn(date: date, at: ahead.now, tolerance: .seconds(60)), "by the other one")
                return StoreFixture.error(403, "RequestTimeTooSkewed", headers: [("Date", date)])
            }
            _ = try await fixture.store.get(object.key, range: nil)
            #expect(fixture.origin.requests.count == 2)
        }
    }

    @Test("A token has no time: a refusal is final, whatever the clocks say")
    func clockWithToken() async throws {
        try await StoreFixture.run(clock: HastyClock(ahead: .seconds(3_600))) { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(
                fixture.path(object), StoreFixture.error(403, "AccessDenied", headers: [("Date", SystemClock().now.httpDate)]))
            try await requireStorageError(.permissionDenied, "get") { try await fixture.store.get(object.key, range: nil) }
            #expect(fixture.origin.requests.count == 1)
            #expect(fixture.credentials.invalidations == 0)
        }
    }

    @Test(
        "Each refusal has its code",
        arguments: [
            (404, "NoSuchKey", .notFound), (404, "NoSuchBucket", .notFound), (403, "AccessDenied", .permissionDenied),
            (503, "SlowDown", .throttled), (503, "", .throttled), (429, "", .throttled), (500, "InternalError", .unavailable),
            (502, "", .unavailable), (408, "", .timedOut), (400, "RequestTimeout", .timedOut),
            (412, "PreconditionFailed", .preconditionFailed), (416, "InvalidRange", .invalidRequest),
            (400, "InvalidArgument", .invalidRequest), (501, "NotImplemented", .unsupported), (400, "BadDigest", .checksumMismatch),
            (418, "", .invalidRequest),
        ] as [(Int, String, StorageError.Code)])
    func codes(_ status: Int, _ code: String, _ expected: StorageError.Code) async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 10)
            fixture.origin.on(fixture.path(object), StoreFixture.error(status, code, headers: [("Retry-After", "7")]))
            let error = try await requireStorageError(expected, "get") { try await fixture.store.get(object.key, range: nil) }
            #expect(error.retryAfter == .seconds(7))
            #expect(error.operation == "gcs.get")
            #expect(!error.description.contains("FIRST"))
            if code == "NoSuchBucket" { #expect(error.message.contains("there is no bucket \(StoreFixture.bucket)")) }
            if code == "NoSuchKey" { #expect(error.message.contains(object.key.description)) }
        }
    }

    @Test("What is read must have the checksum that the service states, unless it was decompressed on its way")
    func checksum() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 100_000)
            let (held, other) = (try StoreFixture.held(object), try StoreFixture.held(object.replaced(size: 100_000, seed: 1)))
            let damaged = held.with { $0.body = other.body }
            fixture.origin.on(
                fixture.path(object), held, damaged,
                damaged.with { $0.headers.append(("x-goog-stored-content-encoding", "gzip")) },
                held.with { $0.headers.removeAll { $0.name == "x-goog-hash" } })
            let content = try await fixture.store.get(object.key, range: nil)
            #expect(try await content.body.collect(upTo: 1 << 20) == object.bytes)
            #expect(content.info.metadata.sha256 == (try object.sha256))
            let wrong = try await fixture.store.get(object.key, range: nil)
            try await requireStorageError(.checksumMismatch, "get") { try await wrong.body.collect(upTo: 1 << 20) }
            for _ in 0..<2 { _ = try await fixture.store.get(object.key, range: nil).body.collect(upTo: 1 << 20) }
            // What is stored compressed is wanted as it is.
            #expect(fixture.origin.requests.allSatisfy { $0.header("accept-encoding") == "gzip" })
        }
    }

    @Test("A server that ignores Range is read as far as was asked; one that sends another range is refused")
    func ranges() async throws {
        try await StoreFixture.run { fixture async throws in
            let object = try SampleObject(size: 100_000)
            let whole = try StoreFixture.held(object).with { $0.acceptsRanges = false }
            fixture.origin.on(
                fixture.path(object), try StoreFixture.held(object), whole, whole,
                FakeBehavior.body([1, 2]).with {
                    $0.status = 206
                    $0.headers = [("Content-Range", "bytes 0-1/100000")]
                })
            for _ in 0..<2 {
                let content = try await fixture.store.get(object.key, range: ByteRange(offset: 70_000, length: 40_000))
                #expect(content.range == ByteRange(offset: 70_000, length: 30_000))
                #expect(try await content.body.collect(upTo: 1 << 20) == object.slice(70_000, 30_000))
            }
            #expect(fixture.origin.requests.first?.header("range") == "bytes=70000-109999")
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

    @Test("Without credentials nothing is signed, and a quota project goes with a token")
    func authorization() async throws {
        try await StoreFixture.run(credentials: GivenCredentials([nil])) { fixture async throws in
            let object = try SampleObject(size: 10)
            try fixture.serve(object)
            _ = try await fixture.store.head(object.key)
            #expect(fixture.origin.requests.first?.header("authorization") == nil)
            #expect(fixture.origin.requests.first?.header("x-goog-date") == nil)
        }
        let credentials = GivenCredentials([GCSCredentials(.token("T"), signer: nil, quotaProject: "a-project")])
        try await StoreFixture.run(credentials: credentials) { fixture async throws in
            let object = try SampleObject(size: 10)
            try fixture.serve(object)
            _ = try await fixture.store.head(object.key)
            #expect(fixture.origin.requests.first?.token == "T")
            #expect(fixture.origin.requests.first?.header("x-goog-user-project") == "a-project")
        }
    }

    @Test("Credentials that are not there are told in the words of the store")
    func noCredentials() async throws {
        struct None: CredentialsProvider {
            func credentials() async throws -> GCSCredentials? { throw CredentialsError(.notFound, "none anywhere") }
        }
        try await StoreFixture.run(change: { $0.credentials = None() }) { fixture async throws in
            let object = try SampleObject(size: 10)
            let error = try await requireStorageError(.permissionDenied, "head") { try await fixture.store.head(object.key) }
            #expect(error.message == "no credentials: none anywhere")
            #expect(fixture.origin.requests.isEmpty)
        }
    }
}
