import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOPosix
import StorageCloud

@testable import StorageS3

extension ClientTarget {
    /// What talks to object storage and to those who give out credentials for it, over the same client.
    static let services: [ClientTarget] = [
        ClientTarget(
            name: "s3-store", server: .plain, corpus: "answers", seeds: storeAnswers, words: answerWords + storeWords, usual: 500,
            withClient: { ports, body in
                try await ServiceFuzz.withHTTP { http in
                    var stores: [Int: S3Store] = [:]
                    for port in ports { stores[port] = try StoreFuzz.store(at: port, http) }
                    try await body(StoreFuzz(stores: stores))
                }
            }),
        ClientTarget(
            name: "credentials-client", server: .plain, corpus: "answers", seeds: credentialAnswers, words: answerWords + credentialWords,
            usual: 500,
            withClient: { _, body in try await ServiceFuzz.withHTTP { try await body(CredentialsFuzz(http: $0)) } }),
    ]

    private static func answer(_ options: String, _ body: String, _ fields: String = "") -> [UInt8] {
        Array("\(options)\nHTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    }

    private static let date = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    private static let storeAnswers = [
        answer(
            "k",
            "<?xml version=\"1.0\"?><ListBucketResult><Contents><Key>\(String(repeating: "0a", count: 32))/a</Key><Size>5</Size><ETag>\"a\"</ETag>"
                + "<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents><IsTruncated>false</IsTruncated></ListBucketResult>"),
        answer(
            "k2", "hello", "ETag: \"a\"\r\n\(date)Content-Type: text/plain\r\nx-amz-meta-sha256: \(String(repeating: "ab", count: 32))\r\n"),
        Array("hk\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"a\"\r\n\(date)\r\n".utf8),
        answer("pk", "", "ETag: \"a\"\r\n"),
        answer("sk", "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>", "ETag: \"a\"\r\n"),
    ]

    private static let storeWords = [
        "<Error><Code>", "</Code>", "SlowDown", "RequestTimeTooSkewed", "AuthorizationHeaderMalformed", "ExpiredToken", "<Region>", "<Key>",
        "</Key>",
        "<Size>", "<IsTruncated>true</IsTruncated>", "HTTP/1.1 301 Moved\r\n", "HTTP/1.1 403 Forbidden\r\n", "HTTP/1.1 412 No\r\n",
        "HTTP/1.1 503 Slow\r\n", "x-amz-bucket-region: ", "Date: ", "Retry-After: ", "Content-Range: bytes ", "x-amz-meta-", "UTF-8''%",
    ].map { Array($0.utf8) }

    private static let credentialAnswers = [
        answer(
            "k",
            #"{"Code":"Success","AccessKeyId":"a","SecretAccessKey":"b","Token":"c","Expiration":"2026-01-31T12:00:00Z"}"#),
        answer(
            "pk",
            "<AssumeRoleResponse><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>"
                + "<SessionToken>c</SessionToken><Expiration>2026-01-31T12:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
        ),
        Array("hk\nHTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n".utf8),
    ]

    private static let credentialWords = [
        "<Error><Code>", "Throttling", "<Expiration>", "\"Expiration\":", "\"Token\":", "{", "}", "\"", "null", "HTTP/1.1 401 No\r\n",
        "HTTP/1.1 404 No\r\n", "HTTP/1.1 429 No\r\n", "HTTP/1.1 500 No\r\n",
    ].map { Array($0.utf8) }

    private struct StoreFuzz: FuzzedClient {
        /// By their ports: a store has one endpoint.
        let stores: [Int: S3Store]

        static func store(at port: Int, _ http: ServiceClient) throws -> S3Store {
            S3Store(
                configuration: S3Configuration(
                    bucket: "bucket", endpoint: S3Endpoint(url: try ArtifactURL("http://127.0.0.1:\(port)/"), region: "eu-west-1"),
                    credentials: StaticCredentials(S3Credentials(accessKeyID: "a", secretAccessKey: "b"))),
                http: http, clock: FuzzClock(longestPause: .seconds(15)), logger: silent)
        }

        func ask(port: Int, _ exchange: Exchange) async throws {
            guard let store = stores[port], let key = ObjectKey(String(repeating: "0a", count: 32) + "/a") else { return }
            switch exchange.method {
            case .get where exchange.pieces.count > 1:
                for try await _ in try await store.get(key, range: ByteRange(offset: 0, length: 5)).body {}
            case .get:
                let found = try await store.list(after: nil, limit: 10)
                try require(found.count <= 10, "\(found.count) objects")
            case .head:
                let info = try await store.head(key)
                try require(info.size >= 0, "\(info.size) bytes")
            case .put:
                // Several requests, to each of which the answer is the same.
                try? await upload(1, to: key, in: store)
            case .stream:
                try? await upload(2, to: key, in: store)
            }
        }

        private func upload(_ parts: Int, to key: ObjectKey, in store: S3Store) async throws {
            let stored = Timestamp(milliseconds: 1_700_000_000_000)
            let part = ByteBuffer(repeating: 1, count: 4 << 10)
            let upload = try await store.beginUpload(key, metadata: ObjectMetadata(upstreamURL: "", stored: stored), expectedSize: nil)
            do {
                for number in 0..<parts {
                    let place = UploadPart(
                        number: number, offset: Int64(number * part.readableBytes), length: Int64(part.readableBytes))
                    _ = try await upload.write(place, from: ByteStream(part))
                }
                guard let digest = Digest(.sha256, hex: String(repeating: "ab", count: 32)) else { return }
                _ = try await upload.complete(size: Int64(parts * part.readableBytes), sha256: digest)
            } catch {
                await upload.abort()
                throw error
            }
        }
    }

    private struct CredentialsFuzz: FuzzedClient {
        let http: ServiceClient

        func ask(port: Int, _ exchange: Exchange) async throws {
            let address = "http://127.0.0.1:\(port)"
            let environment = [
                "AWS_CONTAINER_CREDENTIALS_FULL_URI": "\(address)/credentials", "AWS_EC2_METADATA_SERVICE_ENDPOINT": address,
                "AWS_ENDPOINT_URL_STS": address,
            ]
            let transport = CredentialsTransport(client: http, clock: FuzzClock(longestPause: .seconds(1)))
            switch exchange.method {
            case .get:
                let source = ContainerSource(environment: environment, files: CredentialFiles { _ in .missing }, transport: transport)
                _ = try await source.look()
            case .head: _ = try await InstanceMetadataSource(environment: environment, transport: transport).look()
            case .put, .stream:
                let service = SecurityTokenService(environment: environment, region: "eu-west-1", transport: transport)
                _ = try await service.assume(
                    .init(arn: "arn:aws:iam::1:role/a"), with: S3Credentials(accessKeyID: "a", secretAccessKey: "b"), region: nil)
            }
        }
    }

    /// The system's clock, on which nobody pauses between attempts.
    private struct FuzzClock: MirrorClock {
        /// Who sleeps for longer waits for something else than the next attempt.
        let longestPause: Duration

        var now: Timestamp { SystemClock().now }
        var instant: ContinuousClock.Instant { .now }

        func sleep(until deadline: ContinuousClock.Instant) async throws { try await sleep(for: instant.duration(to: deadline)) }

        func sleep(for duration: Duration) async throws {
            try Task.checkCancellation()
            if duration > longestPause { try await Task.sleep(for: duration) }
        }
    }
}
