import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1

@testable import StorageAzure
@testable import StorageCloud

extension FuzzTarget {
    private static let now = Timestamp(milliseconds: 1_700_000_000_000)

    static let storageAzure: [FuzzTarget] = [
        FuzzTarget(
            "azure-error",
            seeds: ["<?xml version=\"1.0\"?><Error><Code>ServerBusy</Code><Message>m\nRequestId:r\nTime:t</Message></Error>", ""],
            words: xmlWords
        ) { bytes in
            for (status, name) in [
                (400, "x-ms-error-code"), (403, "x-ms-copy-source-error-code"), (404, "x-ms-request-id"), (503, "retry-after"),
            ] {
                let failure = AzureFailure(status: status, headers: [name: text(bytes)], body: ByteBuffer(bytes: bytes))
                let message = failure.storageError(call: "get", bucket: "b", subject: "s").message
                try require(message.unicodeScalars.allSatisfy { $0.value >= 0x20 }, "\(message) has more than one line")
            }
        },
        FuzzTarget(
            "azure-list",
            seeds: [
                "<EnumerationResults><Blobs><Blob><Name>p/\(String(repeating: "ab", count: 32))/c.bin</Name><Properties><Content-Length>1</Content-Length>"
                    + "<Etag>0x8D</Etag><Last-Modified>Sun, 06 Nov 1994 08:49:37 GMT</Last-Modified></Properties></Blob></Blobs>"
                    + "<NextMarker>m</NextMarker></EnumerationResults>",
                "<EnumerationResults><Blobs><Blob><Name Encoded=\"true\">a%FF</Name></Blob></Blobs><NextMarker/></EnumerationResults>",
            ], words: xmlWords + ["<Blob>", "</Blob>", "<Name>", "Encoded=\"true\"", "<Content-Length>", "p/", "-1", "9223372036854775807"]
        ) { bytes in
            let document = try XMLTree(parsing: ByteBuffer(bytes: bytes))
            let page = try AzureStore.page(document, keyPrefix: "p/", now: now)
            try require(page.objects.allSatisfy { $0.size >= 0 }, "an object of less than nothing")
            try require(page.next != "", "a next page without a place")
        },
        FuzzTarget(
            "azure-batch",
            seeds: [
                "--b\r\nContent-Type: application/http\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\nx-ms-request-id: r\r\n\r\n"
                    + "--b\r\nContent-ID: 1\r\n\r\nHTTP/1.1 404 Not Found\r\nx-ms-error-code: BlobNotFound\r\n\r\n<Error/>\r\n--b--\r\n",
                // Once a trap: a field whose name is not ASCII.
                "--b\r\nContent-ID: 0\r\n\r\nHTTP/1.1 202 Accepted\r\nx-ms-reque\u{80AE}: r\r\n\r\n--b--\r\n",
            ], words: ["--b", "--b--", "\r\n", "\n", ":", "HTTP/1.1 ", "404", "999", "Content-ID: ", "-1", "9223372036854775808"]
        ) { bytes in
            _ = BatchParts(ByteBuffer(string: ""), contentType: text(bytes))
            guard let parts = BatchParts(ByteBuffer(bytes: bytes), contentType: "multipart/mixed; boundary=b")?.parts else { return }
            for part in parts {
                try require((200...599).contains(part.status), "\(part.status) is not the status of an answer")
                try require(part.number.map { $0 >= 0 } ?? true, "a request that was never sent")
                _ = AzureFailure(status: part.status, headers: part.headers, body: part.body)
            }
        },
        FuzzTarget(
            "azure-delegation",
            seeds: [
                "<UserDelegationKey><SignedOid>o</SignedOid><SignedTid>t</SignedTid><SignedStart>2026-01-31T12:00:00Z</SignedStart>"
                    + "<SignedExpiry>2026-02-01T12:00:00Z</SignedExpiry><SignedService>b</SignedService><SignedVersion>2023-11-03</SignedVersion>"
                    + "<Value>a2V5</Value></UserDelegationKey>"
            ], words: xmlWords + ["<SignedExpiry>", "<Value>", "=", "Z", "T"]
        ) { bytes in
            let key = try UserDelegationKey(ByteBuffer(bytes: bytes))
            try require(key.expires != nil, "a key that does not end")
            try require("\(key.objectID)\(key.start)".utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a key that no URL can hold")
            _ = key.signature(of: "text")
        },
        FuzzTarget(
            "azure-sas",
            seeds: ["?sv=2023-11-03&sp=rcwd&se=2026-01-31T12:00:00Z&sig=a%2Bb%3D", "sv=1&si=policy&sig=s", "sig=s&sv=1&se=2026-01-31"],
            words: ["?", "&", "=", "sig=", "sv=", "se=", "%", "%00", "2026-01-31T12:00Z", "#", "\u{FF}"]
        ) { bytes in
            guard let token = AzureSASToken(text(bytes)) else { return }
            try require(!token.query.utf8.contains { $0 <= 0x20 || $0 >= 0x7F }, "a token that no URL can hold")
            try require(AzureSASToken(token.query) == token, "a token that is not read back")
            try require(!"\(token)".contains("sig"), "a token that its text shows")
        },
        FuzzTarget(
            "azure-connection",
            seeds: [
                "DefaultEndpointsProtocol=https;AccountName=account;AccountKey=a2V5;EndpointSuffix=core.windows.net",
                "BlobEndpoint=https://account.blob.core.windows.net/;SharedAccessSignature=sv=2023-11-03&sig=s",
            ], words: [";", "=", "AccountName=", "AccountKey=", "SharedAccessSignature=", "a2V5", " "]
        ) { bytes in
            do {
                _ = try AccountSource(environment: [:], account: "account").look(inConnection: text(bytes))
            } catch {
                // What is wrong is said without what was given.
                try require(!"\(error)".contains("a2V5"), "\(error) shows a key")
                throw error
            }
        },
        FuzzTarget(
            "azure-token",
            seeds: [
                #"{"token_type": "Bearer", "expires_in": 3599, "access_token": "t"}"#,
                #"{"access_token": "t", "expires_on": "1767225600", "resource": "https://storage.azure.com/"}"#,
            ],
            words: jsonWords + [
                "\"expires_in\"", "\"expires_on\"", "\"access_token\"", "\"error\"", "-1", "9223372036854775807", "\"1099511627776\"",
            ]
        ) { bytes in
            if let said = TokenDocument.error(bytes) {
                try require(!said.message.contains { $0.isNewline }, "\(said.message) has more than one line")
            }
            let token = try TokenDocument.parse(bytes, at: now)
            try require(!token.text.isEmpty && token.text.utf8.allSatisfy { (0x21...0x7E).contains($0) }, "a token that no field can hold")
        },
        FuzzTarget(
            "azure-pem",
            seeds: [
                "-----BEGIN CERTIFICATE-----\nAAAA\nBBBB\n-----END CERTIFICATE-----\n-----BEGIN PRIVATE KEY-----\nCCCC\n-----END PRIVATE KEY-----\n"
            ],
            words: ["-----BEGIN ", "-----END ", "-----", "\n", "\r\n", "CERTIFICATE", "PRIVATE KEY", "Proc-Type: 4,ENCRYPTED", "=", "\t"]
        ) { bytes in
            let blocks = PEMBlocks(text(bytes)).blocks
            for block in blocks {
                let again = PEMBlocks(block.text).blocks
                try require(
                    again.count == 1 && again[0].label == block.label && again[0].bytes == block.bytes, "\(block.text) is not read back")
            }
            _ = try? ClientCertificate(pem: text(bytes))
        },
        FuzzTarget(
            "azure-url",
            seeds: [
                "https://account.blob.core.windows.net/container/a%20b?versionid=2026-01-31T12%3A00%3A00Z&sv=1&sig=s",
                "https://account-secondary.blob.core.windows.net/container/a/b",
                "http://account.blob.core.windows.net/container/a?snapshot=1",
            ],
            words: urlWords + [
                "account", ".blob.core.windows.net", "/container/", "?versionid=", "?snapshot=", "&sig=", "comp=", "restype=", "%24root",
            ]
        ) { bytes in
            for container in ["container", AzureContainerURLs.root] {
                let urls = AzureContainerURLs(endpoint: AzureEndpoint(account: "account"), container: container)
                guard let blob = urls.object(text(bytes)), let url = urls.url(of: blob) else { continue }
                try require(urls.object(url.description) == blob, "\(url) is not read back")
            }
        },
        FuzzTarget(
            "azure-metadata",
            seeds: [
                "x-ms-meta-cloud_mirror_upstream_url: https://a.example/b\ncontent-type: text/plain;  charset=utf-8\ncontent-disposition: a; filename=\"b  c\"",
                "x-ms-content-crc64: AAAAAAAAAAA=\netag: \"a\"\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT",
            ], words: [MetadataFields.azure.prefix, ": ", "\n", "UTF-8\'\'", "%", "%FF", "  ", "\t", "\"", "content-type: "]
        ) { bytes in
            let fields = headers(bytes)
            if let crc64 = fields.first(name: "x-ms-content-crc64"), let value = AzureCRC64.value(crc64) {
                try require(AzureCRC64.value(AzureCRC64.text(value)) == value, "\(crc64) is not read back")
            }
            let kept = MetadataFields.azure.keptByAzure(MetadataFields.azure.read(fields, lastModified: now))
            let again = MetadataFields.azure.keptByAzure(kept)
            try require(
                again.contentType == kept.contentType && again.contentEncoding == kept.contentEncoding
                    && again.contentDisposition == kept.contentDisposition, "\(kept) becomes \(again)")
        },
    ]
}
