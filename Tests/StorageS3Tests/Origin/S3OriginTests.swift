import MirrorCore
import MirrorNet
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import NIOHTTP1
import Testing

@testable import StorageS3

@Suite struct S3OriginTests {
    private static func run(
        credentials: any S3CredentialsProvider = StaticS3Credentials(S3Credentials(accessKeyID: "A", secretAccessKey: "S")),
        isolation: isolated (any Actor)? = #isolation, _ body: (FakeOrigin, S3Origin, ArtifactURL) async throws -> Void
    ) async throws {
        try await FakeOrigin.run { server async throws in
            let http = ServiceClient(
                configuration: OutboundConfiguration(userAgent: "test"), eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
                logger: SetupServer.logger)
            let origin = S3Origin(
                bucket: "bucket", endpoint: try S3Endpoint(url: server.url("/"), region: "us-east-1"), credentials: credentials, http: http,
                clock: HastyClock(), logger: SetupServer.logger)
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

    @Test("What the service says of the object is passed on at once, without what it says to us", arguments: [403, 404, 412])
    func refusals(status: Int) async throws {
        try await Self.run { server, origin, artifact async throws in
            server.on(Self.path, StoreFixture.error(status, status == 403 ? "AccessDenied" : "NoSuchKey"))
            let answer = try await origin.open(artifact, range: nil, ifMatch: nil)
            #expect(answer.status == status)
            #expect(try await answer.body.collect(upTo: 0).readableBytes == 0)
            #expect(origin.source(of: artifact, answer) == nil)
            #expect(server.requests(for: Self.path).count == 1)
        }
    }

    @Test("What is wrong with the mirror's own credentials is its error, and not the object's")
    func credentials() async throws {
        try await Self.run { server, origin, artifact async throws in
            server.on(Self.path, StoreFixture.error(403, "SignatureDoesNotMatch", "<StringToSign>x</StringToSign>"))
            await #expect { try await origin.open(artifact, range: nil, ifMatch: nil) } throws: { error in
                (error as? StorageError)?.code == .permissionDenied
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
        try await Self.run(credentials: StaticS3Credentials.anonymous) { _, origin, artifact in
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
                bucket: server.bucket, endpoint: server.endpoint, credentials: StaticS3Credentials(server.credentials), http: server.http,
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
