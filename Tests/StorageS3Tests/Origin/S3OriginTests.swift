import Logging
import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOPosix
import NIOHTTP1
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

@Suite struct S3OriginTests {
    private static func run(
        credentials: any CredentialsProvider<S3Credentials> = StaticCredentials(S3Credentials(accessKeyID: "A", secretAccessKey: "S")),
        logger: Logger = SetupServer.logger, isolation: isolated (any Actor)? = #isolation,
        _ body: (FakeOrigin, S3Origin, ArtifactURL) async throws -> Void
    ) async throws {
        try await FakeOrigin.run { server async throws in
            let http = ServiceClient(
                configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: SetupServer.logger)
            let origin = S3Origin(
                bucket: "bucket", endpoint: S3Endpoint(url: try ArtifactURL(server.url("/")), region: "us-east-1"),
                credentials: credentials,
                http: http, clock: HastyClock(), logger: logger)
            do {
                try await body(server, origin, try #require(origin.artifact("s3://bucket/a b+c")))
            } catch {
                await http.shutdown()
                throw error
            }
            await http.shutdown()
        }
    }

    private static let path = "/bucket/a%20b%2Bc"

    @Test("A request is signed, and asks for the range and the version that are wanted")
    func request() async throws {
        try await Self.run { server, origin, artifact async throws in
            server.on(Self.path, .text("0123456789", etag: "\"e\""))
            let range = try #require(ByteRange(offset: 2, length: 3))
            let answer = try await origin.open(artifact, range: range, ifMatch: "\"e\"")
            #expect(answer.status == 206)
            #expect(try await answer.body.collect(upTo: 10) == ByteBuffer(string: "234"))
            let request = try await server.request(for: Self.path)
            #expect(request.header("range") == "bytes=2-4")
            #expect(request.header("if-match") == "\"e\"")
            #expect(request.header("authorization")?.hasPrefix("AWS4-HMAC-SHA256 Credential=A/") == true)
            #expect(request.header("x-amz-checksum-mode") == nil)

            let old = try #require(origin.artifact("\(artifact)?versionId=v%2F1&X-Amz-Signature=0"))
            _ = try await origin.head(old)
            let second = try await server.request(2, for: Self.path)
            #expect(second.method == "HEAD" && second.uri.hasSuffix("?versionId=v%2F1"))
            #expect(second.header("x-amz-checksum-mode") == "ENABLED")
        }
    }

    @Test("Throttling and failures of the service are waited out, and are the answer when they last", arguments: [503, 500, 429])
    func patience(status: Int) async throws {
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
        arguments: [(403, "InvalidObjectState"), (404, "NoSuchKey"), (404, ""), (412, "PreconditionFailed")])
    func refusals(status: Int, code: String) async throws {
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
            (403, "InvalidAccessKeyId"), (403, "SignatureDoesNotMatch"), (400, "ExpiredToken"), (400, "InvalidToken"),
            (403, "AccessDenied"), (403, ""), (401, ""), (403, "RequestTimeTooSkewed"), (403, "KMS.DisabledException"),
            (400, "AuthorizationHeaderMalformed"),
        ], [true, false])
    func credentials(_ answer: (status: Int, code: String), _ isHead: Bool) async throws {
        let log = LogRecorder(.error)
        try await Self.run(logger: log.logger) { server, origin, artifact async throws in
            server.on(Self.path, StoreFixture.error(answer.status, answer.code, "<StringToSign>x</StringToSign>"))
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
            #expect(lines.first?.contains(answer.code.isEmpty ? "status \(answer.status)" : answer.code) == true)
            #expect(lines.first?.contains("StringToSign") == false)
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
    func anonymousRefusal(status: Int) async throws {
        try await Self.run(credentials: StaticCredentials<S3Credentials>.anonymous) { server, origin, artifact async throws in
            server.on(Self.path, StoreFixture.error(status, "AccessDenied"))
            #expect(try await origin.open(artifact, range: nil, ifMatch: nil).status == status)
            #expect(try await origin.head(artifact).status == status)
        }
    }

    @Test("Credentials that the service does not take sign nothing for clients, until it takes them")
    func refusedCredentialsSignNothing() async throws {
        try await Self.run { server, origin, artifact async throws in
            func isSigned() async throws -> Bool {
                try await origin.location(of: artifact, life: .seconds(60)).url.contains("X-Amz-Signature")
            }
            server.on(Self.path, StoreFixture.error(403, "InvalidAccessKeyId"))
            await #expect(throws: StorageError.self) { try await origin.head(artifact) }
            #expect(try await origin.location(of: artifact, life: .seconds(60)) == ObjectLocation(url: artifact.description))
            server.on(Self.path, .status(404))
            _ = try await origin.head(artifact)
            #expect(try await isSigned())
            // A permission that is missing says nothing about signatures.
            server.on(Self.path, StoreFixture.error(403, "AccessDenied"))
            await #expect(throws: StorageError.self) { try await origin.head(artifact) }
            #expect(try await isSigned())
        }
    }

    @Test(
        "A part that calls itself the whole is never handed on: the object is asked for without a range",
        arguments: [["Content-Range": "bytes 0-99/1000"], [:]])
    func contradiction(_ headers: [String: String]) async throws {
        try await Self.run { server, origin, artifact async throws in
            let bytes = (0..<1_000).map { UInt8(truncatingIfNeeded: $0) }
            server.on(Self.path) { request in
                let isPart = request.header("range") != nil && request.method == "GET"
                return FakeBehavior.body(isPart ? Array(bytes.prefix(100)) : bytes).with {
                    $0.acceptsRanges = false
                    if isPart { $0.headers += headers.map { (name: $0.key, value: $0.value) } }
                }
            }
            let answer = try await origin.open(artifact, range: ByteRange(offset: 0, length: 100), ifMatch: nil)
            #expect(answer.status == 200)
            #expect(try await answer.body.collect(upTo: 2_000) == ByteBuffer(bytes: bytes))
            await #expect(throws: StorageError.self, "what follows is not the first part's") {
                try await origin.open(artifact, range: ByteRange(offset: 100, length: 100), ifMatch: nil)
            }
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

    @Test("A server that is gone is an error")
    func gone() async throws {
        try await Self.run { server, origin, artifact async throws in
            await server.stop()
            await #expect { try await origin.open(artifact, range: nil, ifMatch: nil) } throws: { error in
                (error as? StorageError)?.code == .unavailable
            }
        }
    }

    @Test("What a pool may copy from is what the answer states")
    func source() async throws {
        try await Self.run { server, origin, artifact async throws in
            server.on(Self.path, .text("0123456789", etag: "\"e\""))
            let expected = CopySource(
                service: "s3", endpoint: "http://127.0.0.1:\(server.port)", region: "us-east-1", bucket: "bucket", key: "a b+c", size: 10,
                etag: "\"e\"")
            #expect(origin.source(of: artifact, try await origin.head(artifact)) == expected)
            let part = try await origin.open(artifact, range: ByteRange(offset: 0, length: 3), ifMatch: nil)
            #expect(origin.source(of: artifact, part) == expected)
            let elsewhere = try ArtifactURL("https://example.org/a")
            #expect(origin.source(of: elsewhere, part) == nil)
            let unstated = BucketAnswer(status: 200, headers: [("etag", "\"e\"")], body: ByteStream(chunks: []))
            #expect(origin.source(of: artifact, unstated) == nil)
        }
    }

    @Test("Clients are sent to a signed URL, with the version, or to the plain one where nothing is signed")
    func locations() async throws {
        try await Self.run { server, origin, artifact async throws in
            let location = try await origin.location(of: artifact, life: .seconds(60))
            #expect(location.url.hasPrefix("\(artifact)?X-Amz-Algorithm=AWS4-HMAC-SHA256&"))
            #expect(location.expires != nil)
            let old = try #require(origin.artifact("\(artifact)?versionId=v1"))
            let versioned = try await origin.location(of: old, life: .seconds(60))
            #expect(versioned.url.contains("versionId=v1") && versioned.url.contains("X-Amz-Signature="))
            #expect(origin.artifact(versioned.url) == old)
            #expect(server.requests(for: Self.path).isEmpty)
        }
        try await Self.run(credentials: StaticCredentials<S3Credentials>.anonymous) { _, origin, artifact in
            #expect(try await origin.location(of: artifact, life: .seconds(60)) == ObjectLocation(url: artifact.description))
            let old = try #require(origin.artifact("\(artifact)?versionId=v1"))
            #expect(try await origin.location(of: old, life: .seconds(60)).url == old.description)
        }
    }

    @Test("A private bucket of a real server is read, and its presigned URLs work for everybody")
    func realServer() async throws {
        try await SetupServer.run { server in
            _ = try await server.client.send(S3Call("createBucket", .PUT))
            let keys = ["a b+c", "ü/%2F", "a=b&c", "deep/er/file.tar.gz", "100%", "plus+and space"]
            let origin = S3Origin(
                bucket: server.bucket, endpoint: server.endpoint, credentials: StaticCredentials(server.credentials), http: server.http,
                logger: SetupServer.logger)
            for key in keys {
                try await server.put(key, "content of \(key)")
                let artifact = try #require(origin.artifact("s3://\(server.bucket)/\(key)"))
                #expect(origin.artifact(artifact.description) == artifact)
                let answer = try await origin.open(artifact, range: nil, ifMatch: nil)
                #expect(answer.status == 200)
                #expect(try await answer.body.collect(upTo: 1_000) == ByteBuffer(string: "content of \(key)"))
                let head = try await origin.head(artifact)
                #expect(origin.source(of: artifact, head)?.size == Int64("content of \(key)".utf8.count))
                #expect(try await server.plainStatus(key) == 403)
                let url = try ArtifactURL(try await origin.location(of: artifact, life: .seconds(60)).url)
                let read = try await server.http.collect(
                    ServiceRequest(scheme: url.scheme, host: url.host, port: url.port, target: "\(url.path)?\(url.query ?? "")"),
                    upTo: 1_000)
                #expect(read.status == 200)
                #expect(read.body == ByteBuffer(string: "content of \(key)"))
            }
            let missing = try #require(origin.artifact("s3://\(server.bucket)/missing"))
            #expect(try await origin.open(missing, range: nil, ifMatch: nil).status == 404)
        }
    }
}
