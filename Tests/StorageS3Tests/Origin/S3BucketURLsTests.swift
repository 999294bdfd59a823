import MirrorCore
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

@Suite struct S3BucketURLsTests {
    private static let aws = S3BucketURLs(endpoint: .aws(region: "us-west-2"), bucket: "my-artifacts")
    private static let custom = S3BucketURLs(
        endpoint: S3Endpoint(scheme: .https, host: "s3.example.org", port: 9_000, region: "us-east-1", addressing: .virtual),
        bucket: "my-artifacts")
    private static let canonical = "https://my-artifacts.s3.us-west-2.amazonaws.com/a/b%20c.zip"
    private static let path = "my-artifacts/a/b%20c.zip"

    private static func canonical(_ urls: S3BucketURLs, _ text: String) -> String? {
        urls.object(text).flatMap(urls.url(of:))?.description
    }

    @Test(
        "Every spelling of an object at Amazon is one artifact",
        arguments: [
            "s3://my-artifacts/a/b c.zip",
            "S3://my-artifacts/a/b c.zip",
            "https://my-artifacts.s3.us-west-2.amazonaws.com/a/b%20c.zip",
            "http://my-artifacts.s3.us-west-2.amazonaws.com:80/a/b%20c.zip",
            "HTTPS://My-Artifacts.S3.US-West-2.AmazonAWS.com.:443/a/b%20c.zip",
            "https://my-artifacts.s3.us-west-2.amazonaws.com/a%2Fb c.zip#fragment",
            "https://my-artifacts.s3.us-west-2.amazonaws.com/%61/b%20c.zip?",
            "https://my-artifacts.s3.amazonaws.com/a/b%20c.zip",
            "https://my-artifacts.s3-us-west-2.amazonaws.com/a/b%20c.zip",
            "https://my-artifacts.s3-external-1.amazonaws.com/a/b%20c.zip",
            "https://my-artifacts.s3.dualstack.us-west-2.amazonaws.com/a/b%20c.zip",
            "https://my-artifacts.s3-fips.us-west-2.amazonaws.com/a/b%20c.zip",
            "https://my-artifacts.s3-fips.dualstack.us-west-2.amazonaws.com/a/b%20c.zip",
            "https://my-artifacts.s3-accelerate.amazonaws.com/a/b%20c.zip",
            "https://my-artifacts.s3.eu-central-1.amazonaws.com/a/b%20c.zip",
            "https://s3.amazonaws.com/\(path)",
            "https://s3.us-west-2.amazonaws.com/\(path)",
            "https://s3-us-west-2.amazonaws.com/\(path)",
            "https://s3.dualstack.us-west-2.amazonaws.com/\(path)",
            "https://s3-fips.us-west-2.amazonaws.com/\(path)",
            "https://s3.us-west-2.amazonaws.com/my%2Dartifacts/a/b%20c.zip",
        ])
    func spellings(_ text: String) {
        #expect(Self.canonical(Self.aws, text) == Self.canonical)
    }

    @Test(
        "What is another bucket, another service, another site or no object is not ours",
        arguments: [
            "", "s3:", "s3://", "s3://my-artifacts", "s3://my-artifacts/", "s3://other/a", "s3://my-artifacts.evil/a",
            "s3a://my-artifacts/a",
            "ftp://my-artifacts.s3.amazonaws.com/a", "https://my-artifacts.s3.us-west-2.amazonaws.com",
            "https://s3.amazonaws.com/my-artifacts",
            "https://s3.amazonaws.com/my-artifacts/", "https://s3.amazonaws.com/my-artifacts2/a",
            "https://s3.amazonaws.com/other/my-artifacts/a",
            "https://my-artifacts.s3.us-west-2.amazonaws.com:8443/a", "https://my-artifacts.s3.us-west-2.amazonaws.com.evil.org/a",
            "https://evil-my-artifacts.s3.amazonaws.com/a", "https://x.my-artifacts.s3.amazonaws.com/a",
            "https://s3.amazonaws.com.cn/\(path)",
            "https://user@my-artifacts.s3.amazonaws.com/a", "https://my-artifacts.s3-website-us-west-2.amazonaws.com/a",
            "https://my-artifacts.s3-website.us-west-2.amazonaws.com/a", "https://s3-control.us-west-2.amazonaws.com/my-artifacts/a",
            "https://my-artifacts.s3.us-gov-west-1.amazonaws.com/a", "https://my-artifacts.s3.cn-north-1.amazonaws.com.cn/a",
            "https://my-artifacts.amazonaws.com/a", "https://s3-accelerate.amazonaws.com/my-artifacts/a",
            "https://evils3.amazonaws.com/\(path)",
        ])
    func others(_ text: String) {
        #expect(Self.aws.object(text) == nil)
    }

    @Test(
        "Keys that a client would change on the way are not ours",
        arguments: [
            "s3://my-artifacts/../a", "s3://my-artifacts/a/.", "s3://my-artifacts/./a", "https://s3.amazonaws.com/my-artifacts/a/../b",
            "https://s3.amazonaws.com/my-artifacts/a/%2E%2e/b", "https://s3.amazonaws.com/my-artifacts/a%2F..%2Fb",
            "https://s3.amazonaws.com/my-artifacts/..", "https://s3.amazonaws.com/my-artifacts/%FF",
            "https://s3.amazonaws.com/my-artifacts/%4",
        ])
    func dots(_ text: String) {
        #expect(Self.aws.object(text) == nil)
    }

    @Test(
        "Signatures of every version and overrides of fields are dropped",
        arguments: [
            "X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Credential=A%2F20260101%2Fus-west-2%2Fs3%2Faws4_request&X-Amz-Date=20260101T000000Z"
                + "&X-Amz-Expires=60&X-Amz-SignedHeaders=host&X-Amz-Security-Token=t%2F&X-Amz-Signature=00",
            "AWSAccessKeyId=A&Signature=s%3D&Expires=1", "AWSAccessKeyId=A&Signature=s%3D&Expires=1&x-amz-security-token=t",
            "response-content-type=text%2Fplain&response-content-disposition=x", "x-id=GetObject&X-Amz-Checksum-Mode=ENABLED", "&", "",
        ])
    func signatures(_ query: String) {
        #expect(Self.canonical(Self.aws, "\(Self.canonical)?\(query)") == Self.canonical)
    }

    @Test("A version stays")
    func versions() {
        let expected = "\(Self.canonical)?versionId=a%2Fb%2Bc"
        for text in [
            "\(Self.canonical)?versionId=a/b+c", "\(Self.canonical)?X-Amz-Signature=0&versionId=a%2Fb%2Bc",
            "s3://my-artifacts/a/b c.zip?versionId=a/b+c",
        ] {
            #expect(Self.canonical(Self.aws, text) == expected)
        }
        #expect(Self.canonical(Self.aws, expected) == expected)
    }

    @Test(
        "A query that asks for something else than the object is not ours",
        arguments: [
            "acl", "tagging", "partNumber=2", "torrent", "uploads", "list-type=2", "versionId", "versionId=", "versionId=a&versionId=b",
            "cachebuster=1",
            "versionid=a", "%zz=1",
        ])
    func queries(_ query: String) {
        #expect(Self.aws.object("\(Self.canonical)?\(query)") == nil)
    }

    @Test(
        "A key is what the service knows it as, in whatever spelling",
        arguments: [
            ("a+b", "a+b"), ("a%2Bb", "a+b"), ("a%20b", "a b"), ("a b", "a b"), ("a%2Fb", "a/b"), ("/a", "/a"), ("a//b", "a//b"),
            ("a/", "a/"),
            ("%C3%BC", "ü"), ("ü", "ü"), ("a%252Fb", "a%2Fb"), ("a=b&c,d;e:f@g!h", "a=b&c,d;e:f@g!h"), ("%3F%23", "?#"), ("...", "..."),
            ("%5C", "\\"),
        ])
    func keys(_ path: String, key: String) {
        #expect(Self.aws.object("https://s3.us-west-2.amazonaws.com/my-artifacts/\(path)")?.key == key)
        #expect(Self.custom.object("https://my-artifacts.s3.example.org:9000/\(path)")?.key == key)
    }

    @Test("Behind s3:// a key stands as it is", arguments: ["100%", "a%20b", "a+b", "a?b#c", "ü /x"])
    func literalKeys(_ key: String) {
        #expect(Self.aws.object("s3://my-artifacts/\(key)") == S3ObjectName(key: key))
    }

    @Test(
        "A server of one's own has its buckets in the path or before its host, at its port",
        arguments: [
            "https://s3.example.org:9000/my-artifacts/a/b%20c.zip", "http://S3.Example.org:9000/my-artifacts/a/b%20c.zip",
            "https://my-artifacts.s3.example.org:9000/a/b%20c.zip", "s3://my-artifacts/a/b c.zip",
        ])
    func customSpellings(_ text: String) {
        #expect(Self.canonical(Self.custom, text) == "https://s3.example.org:9000/my-artifacts/a/b%20c.zip")
    }

    @Test(
        "Amazon's names mean nothing to a server of one's own",
        arguments: [
            "https://my-artifacts.s3.us-west-2.amazonaws.com/a", "https://s3.example.org/my-artifacts/a",
            "https://example.org:9000/my-artifacts/a",
        ])
    func customOthers(_ text: String) {
        #expect(Self.custom.object(text) == nil)
    }

    @Test("The canonical form is the one of the bucket's endpoint")
    func canonicalForms() {
        func form(_ endpoint: S3Endpoint, _ bucket: String) -> String? {
            S3BucketURLs(endpoint: endpoint, bucket: bucket).url(of: S3ObjectName(key: "k"))?.description
        }
        #expect(
            form(.aws(region: "us-west-2", dualStack: true, addressing: .path), "bucket") == "https://bucket.s3.us-west-2.amazonaws.com/k")
        #expect(form(.aws(region: "us-west-2"), "dotted.bucket") == "https://s3.us-west-2.amazonaws.com/dotted.bucket/k")
        #expect(form(.aws(region: "cn-north-1"), "bucket") == "https://bucket.s3.cn-north-1.amazonaws.com.cn/k")
        #expect(
            form(S3Endpoint(scheme: .http, host: "::1", port: 80, region: "x", addressing: .virtual), "Odd_Bucket")
                == "http://[::1]/Odd_Bucket/k")
        let china = S3BucketURLs(endpoint: .aws(region: "cn-north-1"), bucket: "bucket")
        #expect(china.object("https://s3.cn-northwest-1.amazonaws.com.cn/bucket/k")?.key == "k")
        #expect(china.object("https://s3.cn-northwest-1.amazonaws.com/bucket/k") == nil)
    }

    @Test("Whatever the key, its URL is read as the same key, and written as the same URL", arguments: [0, 1] as [UInt64])
    func roundTrip(seed: UInt64) throws {
        var random = SeededGenerator(seed: seed)
        let alphabet = Array("aZ09-._~/+ %&=?#:;,@!$'()*[]{}|\\\"<>^`\u{E4}\u{65E5}\u{1F600}\t\u{7F}")
        var held = 0
        for _ in 0..<2_000 {
            let key = String((0..<Int(random.next() % 24 + 1)).map { _ in alphabet[Int(random.next() % UInt64(alphabet.count))] })
            let version: String? = random.next() % 3 == 0 ? String(key.reversed()) : nil
            for urls in [Self.aws, Self.custom] {
                let object = S3ObjectName(key: key, version: version)
                let isDotted = key.split(separator: "/").contains { $0 == "." || $0 == ".." }
                guard let url = urls.url(of: object) else {
                    #expect(isDotted, "\(key)")
                    continue
                }
                #expect(!isDotted)
                #expect(urls.object(url.description) == object)
                #expect(urls.object(url.description).flatMap(urls.url(of:)) == url)
                #expect(try ArtifactURL(url.description) == url)
                held += 1
            }
        }
        #expect(held > 3_000)
    }
}
