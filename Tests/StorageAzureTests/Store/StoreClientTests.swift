import MirrorCore
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("What a service refuses is put right once, or told in words that say what to do", .timeLimit(.minutes(5)))
struct StoreClientTests {
    private static func hold(_ object: SampleObject, in blobs: FakeBlobs) {
        blobs.put(
            object.key.description, Array(object.bytes.readableBytesView),
            headers: MetadataFields.azure.headers(MetadataFields.azure.keptByAzure(object.metadata)))
    }

    @Test("A token that the service refuses is replaced by a new one, and so for everything after")
    func token() async throws {
        var setup = StoreFixture.Setup()
        setup.credentials = .tokens("first", "second")
        let object = try SampleObject(size: 10)
        Self.hold(object, in: setup.blobs)
        try await StoreFixture.run(
            setup,
            script: {
                $0.header("authorization") == "Bearer second"
                    ? nil : FakeBlobs.error(401, "InvalidAuthenticationInfo", headers: [("WWW-Authenticate", "Bearer")])
            }
        ) { fixture async throws in
            let content = try await fixture.store.get(object.key, range: nil)
            #expect(try await content.body.collect(upTo: 100) == object.bytes)
            _ = try await fixture.store.head(object.key)
            #expect(fixture.requests.map { $0.header("authorization") } == ["Bearer first", "Bearer second", "Bearer second"])
            #expect(fixture.credentials.invalidations == 1)
        }
    }

    @Test("A service that refuses every token gets two requests for each call")
    func refusedTokens() async throws {
        var setup = StoreFixture.Setup()
        setup.credentials = .tokens("first", "second", "third", "fourth", "fifth")
        try await StoreFixture.run(setup, script: { _ in FakeBlobs.error(401, "InvalidAuthenticationInfo") }) { fixture async throws in
            let key = try SampleObject(size: 1).key
            for _ in 0..<2 {
                let error = try await requireStorageError(.permissionDenied, "head") { try await fixture.store.head(key) }
                #expect(!error.description.contains("first"))
            }
            #expect(fixture.count(.head) == 4)
        }
    }

    @Test("A clock that is off by an hour is put right by the service's", arguments: [-3_600, 3_600])
    func clock(_ seconds: Int) async throws {
        var setup = StoreFixture.Setup()
        let clock = HastyClock(ahead: .seconds(seconds))
        setup.clock = clock
        setup.access = .presigned
        let object = try SampleObject(size: 10)
        Self.hold(object, in: setup.blobs)
        let script: StoreFixture.Script = { request in
            let now = SystemClock().now
            let off = request.header("x-ms-date").flatMap(Timestamp.init(httpDate:))?.duration(to: now) ?? .seconds(1 << 30)
            guard off > .seconds(900) || off < .seconds(-900) else { return nil }
            return FakeBlobs.error(403, "AuthenticationFailed", headers: [("Date", now.httpDate)])
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            #expect(try await fixture.store.head(object.key).size == 10)
            #expect(try await fixture.store.head(object.key).size == 10)
            #expect(fixture.count(.head) == 3)
            // By the service's clock, and by this machine's.
            let location = try await fixture.store.location(of: object.key, life: .seconds(600))
            let end = location.url.components(between: "se=", and: "&").first.flatMap { PercentCoding.decode($0) } ?? ""
            let life = SystemClock().now.duration(to: try #require(Timestamp(rfc3339: end)))
            #expect(life > .seconds(590) && life < .seconds(670))
            let left = clock.now.duration(to: try #require(location.expires))
            #expect(left > .seconds(590) && left < .seconds(670))
        }
    }

    @Test("With a token the service's time is taken from any answer, since nothing is refused for it", arguments: [-3_600, 3_600])
    func clockWithToken(_ seconds: Int) async throws {
        var setup = StoreFixture.Setup()
        setup.clock = HastyClock(ahead: .seconds(seconds))
        setup.credentials = .tokens("t")
        let script: StoreFixture.Script = { _ in
            FakeBlobs.error(404, "BlobNotFound", headers: [("Date", SystemClock().now.httpDate)])
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            let key = try SampleObject(size: 1).key
            try await requireStorageError(.notFound, "head") { try await fixture.store.head(key) }
            let off = SystemClock().now.duration(to: fixture.store.client.now)
            #expect(off > .seconds(-60) && off < .seconds(60))
            #expect(fixture.requests.count == 1)
        }
    }

    @Test("A key that is wrong is told after one request, when the clock is right")
    func wrongKey() async throws {
        let script: StoreFixture.Script = { _ in
            FakeBlobs.error(403, "AuthenticationFailed", headers: [("Date", SystemClock().now.httpDate)])
        }
        try await StoreFixture.run(script: script) { fixture async throws in
            let key = try SampleObject(size: 1).key
            let error = try await requireStorageError(.permissionDenied, "head") { try await fixture.store.head(key) }
            #expect(error.message.contains("correct the account key"), "\(error)")
            #expect(!error.description.contains(GivenCredentials.key))
            #expect(fixture.requests.count == 1)
        }
    }

    @Test("A SAS token is sent in the query, behind what is asked there, and without a signature of a request")
    func signature() async throws {
        var setup = StoreFixture.Setup()
        setup.credentials = .signature("?sv=2023-11-03&sp=rwdl&sig=a%2Bb%3D")
        let object = try SampleObject(size: 10)
        Self.hold(object, in: setup.blobs)
        try await StoreFixture.run(setup) { fixture async throws in
            _ = try await fixture.store.head(object.key)
            _ = try await fixture.store.list(after: nil, limit: 10)
            let targets = fixture.requests.map(\.uri)
            #expect(targets[0].hasSuffix("?sv=2023-11-03&sp=rwdl&sig=a%2Bb%3D"))
            #expect(targets[1].contains("comp=list") && targets[1].hasSuffix("&sv=2023-11-03&sp=rwdl&sig=a%2Bb%3D"))
            #expect(fixture.requests.allSatisfy { $0.header("authorization") == nil })
        }
    }

    @Test("Without credentials nothing is signed, and each request says its version and its time")
    func anonymous() async throws {
        var setup = StoreFixture.Setup()
        setup.credentials = GivenCredentials([nil])
        let object = try SampleObject(size: 10)
        Self.hold(object, in: setup.blobs)
        try await StoreFixture.run(setup) { fixture async throws in
            _ = try await fixture.store.head(object.key)
            let request = try #require(fixture.requests.first)
            #expect(request.header("authorization") == nil)
            #expect(request.header("x-ms-version") == "2023-11-03")
            #expect(request.header("x-ms-date").flatMap(Timestamp.init(httpDate:)) != nil)
            #expect(request.header("host") == "127.0.0.1:\(fixture.server.port)")
        }
    }

    @Test("A token is not sent by plain HTTP to another machine")
    func plainToken() async throws {
        var setup = StoreFixture.Setup()
        setup.credentials = .tokens("secret")
        let url = try ArtifactURL("http://192.0.2.1/testaccount")
        let endpoint = try #require(AzureEndpoint(url, account: StoreFixture.account))
        setup.change = { $0.endpoint = endpoint }
        try await StoreFixture.run(setup) { fixture async throws in
            let key = try SampleObject(size: 1).key
            let error = try await requireStorageError(.permissionDenied, "head") { try await fixture.store.head(key) }
            #expect(error.message.contains("plain HTTP"), "\(error)")
        }
    }

    @Test(
        "What the service says is told as it is meant, with when to come again",
        arguments: [
            (404, "BlobNotFound", .notFound), (404, "ContainerNotFound", .notFound),
            (403, "AuthorizationPermissionMismatch", .permissionDenied), (503, "ServerBusy", .throttled),
            (429, "TooManyRequests", .throttled), (500, "OperationTimedOut", .timedOut),
            (500, "InternalError", .unavailable), (502, "", .unavailable), (409, "BlobArchived", .invalidRequest),
            (412, "ConditionNotMet", .preconditionFailed), (416, "InvalidRange", .invalidRequest), (418, "", .invalidRequest),
        ] as [(Int, String, StorageError.Code)])
    func codes(_ status: Int, _ code: String, _ expected: StorageError.Code) async throws {
        let script: StoreFixture.Script = { _ in FakeBlobs.error(status, code, headers: [("Retry-After", "7")]) }
        try await StoreFixture.run(script: script) { fixture async throws in
            let object = try SampleObject(size: 10)
            for call in ["get", "head"] {
                let error = try await requireStorageError(expected, call) {
                    if call == "head" { return try await fixture.store.head(object.key) }
                    return try await fixture.store.get(object.key, range: nil).info
                }
                #expect(error.retryAfter == .seconds(7))
                #expect(error.operation == "azure.\(call)")
                if code == "ContainerNotFound" { #expect(error.message.contains("there is no container test-container")) }
                if code == "BlobNotFound" { #expect(error.message.contains(object.key.description)) }
            }
        }
    }

    @Test("A health check tells who may not list what to permit")
    func health() async throws {
        try await StoreFixture.run(script: { _ in FakeBlobs.error(403, "AuthorizationPermissionMismatch") }) { fixture async throws in
            let error = try await requireStorageError(.permissionDenied, "checkHealth") { try await fixture.store.checkHealth() }
            #expect(error.message.contains("Storage Blob Data Reader"))
        }
        try await StoreFixture.run { fixture async throws in try await fixture.store.checkHealth() }
    }
}
