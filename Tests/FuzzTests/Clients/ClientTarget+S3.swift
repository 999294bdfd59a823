import MirrorCore
import MirrorNet
import MirrorStorage
import NIOCore
import NIOPosix
import StorageCloud

@testable import StorageS3

extension ClientTarget {
    /// What talks to object storage and to those who give out credentials for it, over the same client.
    static let services: [ClientTarget] =
        clouds + [
            ClientTarget(
                name: "s3-store", server: .plain, corpus: "answers", seeds: storeAnswers, words: answerWords + storeWords, usual: 500,
                withClient: { ports, body in
                    try await StoreFuzz.run(ports, body) { port, http in
                        S3Store(
                            configuration: S3Configuration(
                                bucket: "bucket",
                                endpoint: S3Endpoint(url: try ArtifactURL("http://127.0.0.1:\(port)/"), region: "eu-west-1"),
                                credentials: StaticCredentials(S3Credentials(accessKeyID: "a", secretAccessKey: "b"))),
                            http: http, clock: StoreFuzz.clock, logger: silent)
                    }
                }),
            ClientTarget(
                name: "credentials-client", server: .plain, corpus: "answers", seeds: credentialAnswers,
                words: answerWords + credentialWords,
                usual: 500,
                withClient: { _, body in try await ServiceFuzz.withHTTP { try await body(CredentialsFuzz(http: $0)) } }),
        ]

    static func answer(_ options: String, _ body: String, _ fields: String = "") -> [UInt8] {
        Array("\(options)\nHTTP/1.1 200 OK\r\n\(fields)Content-Length: \(body.utf8.count)\r\n\r\n\(body)".utf8)
    }

    static let date = "Last-Modified: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

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
}
