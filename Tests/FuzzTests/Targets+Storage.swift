import MirrorCore
import MirrorStorage
import NIOCore
import NIOHTTP1

@testable import StorageCloud
@testable import StorageS3

extension FuzzTarget {
    static let xmlWords = [
        "<", ">", "</", "/>", "<?xml version=\"1.0\"?>", "<!--", "-->", "<![CDATA[", "]]>", "<!DOCTYPE a>", "&amp;", "&#x41;", "&#55296;",
        "&lt", "&", "<a>", "</a>", "<Key>", "</Key>", "<Size>", "xmlns=\"x\"", "'", "\"",
    ]
    static let jsonWords = [
        "{", "}", "[", "]", ":", ",", "\"", "null", "true", "1e999", "\\u0000", "\\ud800", "\"Statement\"", "\"Version\"", "\"Principal\"",
    ]

    static let storage: [FuzzTarget] = [
        FuzzTarget(
            "s3-xml",
            seeds: [
                "<?xml version=\"1.0\"?><Error><Code>NoSuchKey</Code><Message>a &amp; b</Message><Region>eu-west-1</Region></Error>",
                "<ListBucketResult xmlns=\"x\"><Contents><Key>a</Key><Size>1</Size></Contents><IsTruncated>false</IsTruncated></ListBucketResult>",
                "<LifecycleConfiguration><Rule><ID>a</ID><Status>Enabled</Status><Expiration><Days>3</Days></Expiration></Rule></LifecycleConfiguration>",
            ], words: xmlWords
        ) { bytes in
            let document = try XMLTree(parsing: ByteBuffer(bytes: bytes))
            _ = S3PublicAccessBlock(document)
            _ = S3Lifecycle(document, transitionDefault: nil).xml
        },
        FuzzTarget(
            "bucket-list",
            seeds: [
                "<ListBucketResult xmlns=\"x\"><Contents><Key>p/\(String(repeating: "ab", count: 32))/c.bin</Key><Size>1</Size><ETag>&quot;e&quot;</ETag>"
                    + "<LastModified>2026-01-31T12:00:00.000Z</LastModified></Contents><IsTruncated>true</IsTruncated></ListBucketResult>"
            ],
            words: xmlWords + [
                "<Contents>", "</Contents>", "<ListBucketResult>", "<IsTruncated>true</IsTruncated>", "p/", "-1", "9223372036854775807",
            ]
        ) { bytes in
            let document = try XMLTree(parsing: ByteBuffer(bytes: bytes), limit: 8 << 20)
            let page = try S3Store.page(document, keyPrefix: "p/", now: Timestamp(milliseconds: 1_700_000_000_000))
            try require(page.objects.allSatisfy { $0.size >= 0 }, "an object of less than nothing")
        },
        FuzzTarget(
            "s3-error", seeds: ["<Error><Code>SlowDown</Code><Message>m</Message><RequestId>r</RequestId></Error>", ""], words: xmlWords
        ) { bytes in
            for status in [301, 400, 403, 404, 503] {
                _ = S3Failure(status: status, headers: ["x-amz-bucket-region": text(bytes)], body: ByteBuffer(bytes: bytes))
            }
        },
        FuzzTarget(
            "s3-policy",
            seeds: [
                #"{"Version":"2012-10-17","Statement":[{"Sid":"a","Effect":"Allow","Principal":"*","Action":"s3:GetObject","Resource":"r"}]}"#
            ], words: jsonWords
        ) { bytes in
            let policy = try S3BucketPolicy(json: bytes)
            _ = policy.isEmpty
            _ = policy.json
        },
        FuzzTarget(
            "s3-credentials",
            seeds: [
                #"{"Code":"Success","AccessKeyId":"a","SecretAccessKey":"b","Token":"c","Expiration":"2026-01-31T12:00:00Z"}"#,
                #"{"Version":1,"AccessKeyId":"a","SecretAccessKey":"b","SessionToken":"c","Expiration":"2026-01-31T12:00:00Z"}"#,
            ], words: jsonWords + ["\"Expiration\"", "Z", "T"]
        ) { bytes in
            let parsed: [S3Credentials] = [CredentialDocument.Author.instanceMetadata, .container, .process].compactMap {
                try? CredentialDocument.parse(bytes, from: $0)
            }
            if parsed.isEmpty { throw CredentialsError(.invalid, "nobody's") }
        },
        FuzzTarget(
            "aws-config", seeds: ["[default]\naws_access_key_id = a\naws_secret_access_key = b\n[profile x]\ns3 =\n  a = b\n"],
            words: ["[", "]", "profile ", "=", "\n", "\r\n", "  ", "#", ";", "sso-session", "\u{FEFF}", "\u{85}", "\u{2028}"]
        ) { bytes in
            _ = try SharedConfigFile(text(bytes))
        },
        FuzzTarget("service-time", seeds: ["2026-01-31T12:00:00.000Z", "Sun, 06 Nov 1994 08:49:37 GMT"], words: ["T", "Z", "-", ":", "."]) {
            bytes in
            _ = Timestamp(rfc3339OrHTTPDate: text(bytes))
        },
        FuzzTarget(
            "s3-url",
            seeds: [
                "s3://bucket/a b", "https://bucket.s3.eu-west-1.amazonaws.com/a%20b?versionId=1",
                "https://s3.amazonaws.com/bucket/key?x-id=GetObject",
            ], words: urlWords + ["s3://", "bucket", "?versionId=", ".s3.", "dualstack.", "X-Amz-Signature="]
        ) { bytes in
            let urls = S3BucketURLs(endpoint: .aws(region: "eu-west-1"), bucket: "bucket")
            guard let object = urls.object(text(bytes)), let url = urls.url(of: object) else { return }
            try require(urls.object(url.description) == object, "\(url) is not read back")
        },
        FuzzTarget(
            "sts-xml",
            seeds: [
                "<AssumeRoleResponse xmlns=\"x\"><AssumeRoleResult><Credentials><AccessKeyId>a</AccessKeyId><SecretAccessKey>b</SecretAccessKey>"
                    + "<SessionToken>c</SessionToken><Expiration>2026-01-31T12:00:00Z</Expiration></Credentials></AssumeRoleResult></AssumeRoleResponse>"
            ],
            words: xmlWords + ["<Credentials>", "<Expiration>", "<Error>", "<Code>", "AssumeRoleWithWebIdentityResponse", "Z", "T"]
        ) { bytes in
            _ = STSDocument.error(bytes)
            let credentials = try STSDocument.credentials(bytes, of: "AssumeRole")
            try require(credentials.expires != nil && credentials.sessionToken != nil, "credentials of a role that do not end")
        },
        FuzzTarget(
            "command-words", seeds: [#"/usr/bin/helper --profile "a b" 'c d' e\ f"#],
            words: ["'", "\"", "\\", " ", "\n", "\t", "\u{301}", "'\"'"]
        ) { bytes in
            _ = CommandLineWords.split(text(bytes))
        },
        FuzzTarget(
            "s3-metadata",
            seeds: [
                "x-amz-meta-cloud-mirror-upstream-url: https://a.example/b\nx-amz-meta-sha256: \(String(repeating: "ab", count: 32))\ncontent-encoding: aws-chunked, gzip",
                "etag: \"a\"\nlast-modified: Sun, 06 Nov 1994 08:49:37 GMT\ncontent-range: bytes 0-4/5\ncontent-length: 5",
            ],
            words: [
                MetadataFields.s3.prefix, ": ", "\n", "UTF-8\'\'", "%", "%FF", " ", "content-encoding: ", "aws-chunked", ",",
                "2026-01-31T12:00:00Z", "-1",
            ]
        ) { bytes in
            let stored = Timestamp(milliseconds: 1_700_000_000_000)
            let read = MetadataFields.s3.read(headers(bytes), lastModified: stored)
            // What is kept of it is read back as it was kept.
            let kept = MetadataFields.s3.kept(read)
            let again = MetadataFields.s3.kept(
                MetadataFields.s3.read(
                    MetadataFields.s3.headers(kept).reduce(into: HTTPHeaders()) { $0.add(name: $1.name, value: $1.value) },
                    lastModified: stored))
            try require(
                again.upstreamURL == kept.upstreamURL && again.upstreamETag == kept.upstreamETag, "\(kept) is read back as \(again)")
        },
    ]

    /// A line for each field.
    static func headers(_ bytes: [UInt8]) -> HTTPHeaders {
        var headers = HTTPHeaders()
        for line in text(bytes).split(separator: "\n") {
            let parts = line.split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
            // NIO's decoder passes no other names on, and its collection takes none.
            guard parts[0].utf8.allSatisfy({ $0 < 0x80 }) else { continue }
            headers.add(name: String(parts[0]), value: parts.count == 2 ? String(parts[1].drop { $0 == " " }) : "")
        }
        return headers
    }
}
