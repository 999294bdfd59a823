import MirrorCore
import MirrorStorage
import StorageCloud

@testable import StorageAzure
@testable import StorageGCS

extension ClientTarget {
    /// The stores in Google's and Microsoft's clouds.
    static let clouds: [ClientTarget] = [
        ClientTarget(
            name: "gcs-store", server: .plain, corpus: "answers", seeds: googleAnswers, words: answerWords + googleWords, usual: 300,
            withClient: { ports, body in
                try await StoreFuzz.run(ports, body) { port, http in
                    let keys = GCSCredentials(keys: GCSKeys(accessID: "GOOG1A", secret: "b"))
                    return GCSStore(
                        configuration: GCSConfiguration(
                            bucket: "bucket", endpoint: GCSEndpoint(try ArtifactURL("http://127.0.0.1:\(port)/")),
                            credentials: StaticCredentials(keys)),
                        connection: GCSConnection(http: http, clock: StoreFuzz.clock, logger: silent))
                }
            }),
        ClientTarget(
            name: "azure-store", server: .plain, corpus: "answers", seeds: azureAnswers, words: answerWords + azureWords, usual: 300,
            withClient: { ports, body in
                try await StoreFuzz.run(ports, body) { port, http in
                    guard let key = SharedKey(account: "account", base64: "a2V5"),
                        let endpoint = AzureEndpoint(try ArtifactURL("http://127.0.0.1:\(port)/account"), account: "account")
                    else { throw Contradiction(message: "what is written here cannot be read") }
                    return AzureStore(
                        configuration: AzureConfiguration(
                            container: "container", endpoint: endpoint, credentials: StaticCredentials(AzureCredentials(key: key))),
                        http: http, clock: StoreFuzz.clock, logger: silent)
                }
            }),
    ]

    private static let name = "\(String(repeating: "0a", count: 32))/a"

    private static let googleAnswers = [
        answer(
            "k",
            "<ListBucketResult><Contents><Key>\(name)</Key><Size>5</Size><ETag>\"a\"</ETag>"
                + "<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents><IsTruncated>false</IsTruncated></ListBucketResult>"),
        answer("k2", "hello", "ETag: \"a\"\r\n\(date)Content-Type: text/plain\r\nx-goog-hash: crc32c=mnG7TA==\r\n"),
        Array("hk\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"a\"\r\n\(date)\r\n".utf8),
        answer("pk", "", "ETag: \"a\"\r\nx-goog-generation: 7\r\n"),
        answer("sk", "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>", "ETag: \"a\"\r\n"),
    ]

    private static let googleWords = [
        "<Error><Code>", "</Code>", "SlowDown", "RequestTimeTooSkewed", "NoSuchUpload", "<Key>", "</Key>", "<Size>",
        "<IsTruncated>true</IsTruncated>", "HTTP/1.1 308 Resume Incomplete\r\n", "HTTP/1.1 403 Forbidden\r\n", "HTTP/1.1 412 No\r\n",
        "HTTP/1.1 503 Slow\r\n", "Date: ", "Range: bytes=0-", "Retry-After: ", "x-goog-hash: crc32c=", ",md5=", "x-goog-generation: ",
        "x-goog-stored-content-encoding: gzip\r\n", "<CopyObjectResult>",
    ].map { Array($0.utf8) }

    private static let azureAnswers = [
        answer(
            "k",
            "<EnumerationResults><Blobs><Blob><Name>\(name)</Name><Properties><Content-Length>5</Content-Length><Etag>0x8D</Etag>"
                + "<Last-Modified>Sun, 06 Nov 1994 08:49:37 GMT</Last-Modified></Properties></Blob></Blobs><NextMarker/></EnumerationResults>"
        ),
        answer("k2", "hello", "ETag: \"a\"\r\n\(date)Content-Type: text/plain\r\nx-ms-meta-cloud_mirror_stored: 2026-01-31T12:00:00Z\r\n"),
        Array("hk\nHTTP/1.1 200 OK\r\nContent-Length: 5\r\nETag: \"a\"\r\n\(date)\r\n".utf8),
        answer("pk", "", "ETag: \"a\"\r\nContent-MD5: XUFAKrxLKna5cZ2REBfFkg==\r\n"),
        answer("sk", "", "ETag: \"a\"\r\nx-ms-content-crc64: AAAAAAAAAAA=\r\n"),
    ]

    private static let azureWords = [
        "<Error><Code>", "</Code>", "ServerBusy", "AuthenticationFailed", "InvalidBlockList", "<Blob>", "</Blob>", "<Name>", "</Name>",
        "<Name Encoded=\"true\">", "<Content-Length>", "<NextMarker>m</NextMarker>", "HTTP/1.1 403 Forbidden\r\n", "HTTP/1.1 409 No\r\n",
        "HTTP/1.1 412 No\r\n", "HTTP/1.1 503 Busy\r\n", "Date: ", "Retry-After: ", "Content-Range: bytes ", "Content-MD5: ",
        "x-ms-error-code: ", "x-ms-content-crc64: ", "x-ms-meta-", "UTF-8''%",
    ].map { Array($0.utf8) }
}
