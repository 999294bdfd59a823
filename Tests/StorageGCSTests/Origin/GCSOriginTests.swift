import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Buckets that artifacts are read from", .timeLimit(.minutes(5)))
struct GCSOriginTests {
    private static func run(
        credentials: any CredentialsProvider<GCSCredentials> = StaticCredentials(GCSCredentials(keys: GCSKeys(accessID: "A", secret: "S"))),
        logger: Logger = StoreFixture.logger, isolation: isolated (any Actor)? = #isolation,
        _ body: (FakeOrigin, GCSOrigin, ArtifactURL) async throws -> Void
    ) async throws {
        try await FakeOrigin.run { server async throws in
            let connection = StoreFixture.connection(logger: logger)
            let origin = GCSOrigin(
                bucket: "bucket", endpoint: GCSEndpoint(try ArtifactURL(server.url("/"))), credentials: credentials, connection: connection)
            do {
                try await body(server, origin, try #require(origin.artifact("gs://bucket/a b+c")))
            } catch {
                await connection.http.shutdown()
                throw error
            }
            await connection.http.shutdown()
        }
    }

    private static let path = "/bucket/a%20b%2Bc"
    private static let token = StaticCredentials(GCSCredentials(.token("T"), signer: nil))

    @Test("A request has the credentials, and asks for the range and the generation that are wanted")
    func request() async throws {
        try await Self.run(credentials: Self.token) { server, origin, artifact async throws in
            server.on(Self.path, .text("0123456789", etag: "\"e\""))
            let range = try #require(ByteRange(offset: 2, length: 3))
            let answer = try await origin.open(artifact, range: range, ifMatch: "\"e\"")
            #expect(answer.status == 206)
            #expect(try await answer.body.collect(upTo: 10) == ByteBuffer(string: "234"))
            let request = try await server.request(for: Self.path)
            #expect(request.header("range") == "bytes=2-4")
            #expect(request.header("if-match") == "\"e\"")
            #expect(request.header("accept-encoding") == "gzip")
            #expect(request.token == "T")
            let old = try #require(origin.artifact("\(artifact)?generation=7&X-Goog-Signature=0"))
            _ = try await origin.head(old)
            let second = try await server.request(2, for: Self.path)
            #expect(second.method == "HEAD" && second.query == "generation=7")
        }
    }

    @Test("Throttling and failures of the service are waited out, and are the answer when they last", arguments: [503, 500, 429])
    func patience(_ status: Int) async throws {
        try await Self.run { server, origin, artifact async throws in
            server.on(Self.path, .failing(3, status: status, then: .text("body")))
            #expect(try await origin.open(artifact, range: nil, ifMatch: nil).status == 200)
            server.on(Self.path, .status(status))
            #expect(try await origin.open(artifact, range: nil, ifMatch: nil).status == status)
            #expect(server.requests(for: Self.path).count == 8)
        }
    }

    @Test(
        "What the service says of the object is passed on at once, without what it says to us",
        arguments: [(404, "NoSuchKey"), (404, ""), (412, "PreconditionFailed")])
    func refusals(_ status: Int, _ code: String) async throws {
        try await Self.run { server, origin, artifact async throws in
            server.on(Self.path, StoreFixture.error(status, code))
            let answer = try await origin.open(artifact, range: nil, ifMatch: nil)
            #expect(answer.status == status)
            #expect(try await answer.body.collect(upTo: 0).readableBytes == 0)
            #expect(origin.source(of: artifact, answer) == nil)
            #expect(server.requests(for: Self.path).count == 1)
        }
    }

    @Test(
        "What the service holds against the mirror is the mirror's error, not the object's: told to the operator, by HEAD and by GET",
        arguments: [
            (403, "SignatureDoesNotMatch"), (403, "InvalidSecurity"), (403, "AccessDenied"), (403, ""), (401, ""),
            (401, "AuthenticationRequired"), (403, "RequestTimeTooSkewed"), (400, "UserProjectMissing"),
        ], [true, false])
    func credentials(_ answer: (status: Int, code: String), _ isHead: Bool) async throws {
        let log = LogRecorder(.error)
        try await Self.run(logger: log.logger) { server, origin, artifact async throws in
            server.on(
                Self.path,
                // An answer to HEAD has no body that says so.
                isHead && answer.status == 400 ? .status(403) : StoreFixture.error(answer.status, answer.code))
            for _ in 0..<3 {
                await #expect(throws: StorageError.self) {
                    if isHead {
                        _ = try await origin.head(artifact)
                    } else {
                        _ = try await origin.open(artifact, range: nil, ifMatch: nil)
                    }
                }
            }
            let lines = log.all.filter { $0.contains("an origin's bucket refuses the mirror") }
            #expect(lines.count == 1, "once a minute: \(log.all)")
            #expect(lines.first?.contains("bucket") == true)
        }
    }

    @Test("A bucket that is not there is not the object's affair either; of a key HEAD alone cannot tell")
    func noBucket() async throws {
        try await Self.run { server, origin, artifact async throws in
            server.on(Self.path, StoreFixture.error(404, "NoSuchBucket"))
            await #expect(throws: StorageError.self) { try await origin.open(artifact, range: nil, ifMatch: nil) }
            #expect(try await origin.head(artifact).status == 404)
        }
    }

    @Test("Without credentials, what the service says of the object is what everybody is told", arguments: [401, 403])
    func anonymousRefusal(_ status: Int) async throws {
        try await Self.run(credentials: StaticCredentials<GCSCredentials>.anonymous) { server, origin, artifact async throws in
            server.on(Self.path, StoreFixture.error(status, "AccessDenied"))
            #expect(try await origin.open(artifact, range: nil, ifMatch: nil).status == status)
            #expect(try await origin.head(artifact).status == status)
        }
    }

    @Test("Credentials that the service does not take sign nothing for clients, until it takes them")
    func refusedCredentialsSignNothing() async throws {
        try await Self.run { server, origin, artifact async throws in
            func isSigned() async throws -> Bool {
                try await origin.location(of: artifact, life: .seconds(60)).url.contains("X-Goog-Signature")
            }
            server.on(Self.path, StoreFixture.error(403, "InvalidSecurity"))
            await #expect(throws: StorageError.self) { try await origin.open(artifact, range: nil, ifMatch: nil) }
            #expect(try await origin.location(of: artifact, life: .seconds(60)) == ObjectLocation(url: artifact.description))
            server.on(Self.path, .status(404))
            _ = try await origin.head(artifact)
            #expect(try await isSigned())
            // A permission that is missing says nothing about signatures.
            server.on(Self.path, StoreFixture.error(403, "AccessDenied"))
            await #expect(throws: StorageError.self) { try await origin.open(artifact, range: nil, ifMatch: nil) }
            #expect(try await isSigned())
        }
    }

    @Test("A server that knows no ranges is read as a whole; one that sends a part unasked is not believed")
    func wholeAnswers() async throws {
        try await Self.run { server, origin, artifact async throws in
            let whole = FakeBehavior.text("0123456789").with { $0.acceptsRanges = false }
            server.on(Self.path, whole)
            let range = try #require(ByteRange(offset: 0, length: 4))
            let answer = try await origin.open(artifact, range: range, ifMatch: nil)
            #expect(answer.status == 200)
            #expect(try await answer.body.collect(upTo: 100) == ByteBuffer(string: "0123456789"))
            for status in [200, 206] {
                server.on(
                    Self.path,
                    whole.with {
                        $0.status = status
                        $0.headers.append(("Content-Range", "bytes 0-9/100"))
                    })
                await #expect(throws: StorageError.self) { try await origin.open(artifact, range: nil, ifMatch: nil) }
                await #expect(throws: StorageError.self) { try await origin.open(artifact, range: range, ifMatch: nil) }
            }
        }
    }

    @Test("What a pool may copy from is what the answer states")
    func source() async throws {
        try await Self.run { server, origin, artifact async throws in
            server.on(Self.path, .text("0123456789", etag: "\"e\""))
            let expected = CopySource(
                service: "gcs", endpoint: "http://127.0.0.1:\(server.port)", region: "", bucket: "bucket", key: "a b+c", size: 10,
                etag: "\"e\"")
            #expect(origin.source(of: artifact, try await origin.head(artifact)) == expected)
            let elsewhere = try ArtifactURL("https://example.org/a")
            let head = BucketAnswer(status: 200, headers: [("content-length", "10")], body: ByteStream(chunks: []))
            #expect(origin.source(of: elsewhere, head) == nil)
            let unstated = BucketAnswer(status: 200, headers: [("etag", "\"e\"")], body: ByteStream(chunks: []))
            #expect(origin.source(of: artifact, unstated) == nil)
            // What is decompressed on its way has no length of its own.
            let stored = BucketAnswer(status: 200, headers: [("X-Goog-Stored-Content-Length", "7")], body: ByteStream(chunks: []))
            #expect(origin.source(of: artifact, stored)?.size == 7)
        }
    }

    @Test("Clients are sent to a signed URL, with the generation, or to the plain one where nothing is signed")
    func locations() async throws {
        try await Self.run { server, origin, artifact async throws in
            let location = try await origin.location(of: artifact, life: .seconds(60))
            #expect(location.url.hasPrefix("\(artifact)?X-Goog-Algorithm=GOOG4-HMAC-SHA256&"))
            #expect(location.expires != nil)
            let old = try #require(origin.artifact("\(artifact)?generation=7"))
            let versioned = try await origin.location(of: old, life: .seconds(60))
            #expect(versioned.url.contains("generation=7") && versioned.url.contains("X-Goog-Signature="))
            #expect(origin.artifact(versioned.url) == old)
            #expect(server.requests(for: Self.path).isEmpty)
        }
        for credentials in [StaticCredentials<GCSCredentials>.anonymous, Self.token] {
            try await Self.run(credentials: credentials) { _, origin, artifact in
                #expect(try await origin.location(of: artifact, life: .seconds(60)) == ObjectLocation(url: artifact.description))
                let old = try #require(origin.artifact("\(artifact)?generation=7"))
                #expect(try await origin.location(of: old, life: .seconds(60)).url == old.description)
            }
        }
    }
}
