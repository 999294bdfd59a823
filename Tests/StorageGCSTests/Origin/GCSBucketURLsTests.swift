import MirrorCore
import StorageCloud
import Testing

@testable import StorageGCS

@Suite("URLs of objects in a bucket")
struct GCSBucketURLsTests {
    private static let google = GCSBucketURLs(endpoint: .google, bucket: "my-bucket")

    private static func own(_ url: String, bucket: String = "my-bucket") throws -> GCSBucketURLs {
        GCSBucketURLs(endpoint: GCSEndpoint(try ArtifactURL(url)), bucket: bucket)
    }

    @Test(
        "Every spelling means one object, whose URL is one",
        arguments: [
            "gs://my-bucket/dir/a b+ü.bin", "GS://my-bucket/dir/a b+ü.bin",
            "https://storage.googleapis.com/my-bucket/dir/a%20b%2B%C3%BC.bin",
            "https://storage.googleapis.com/my-bucket/dir/a%20b+%c3%bc.bin",
            "HTTPS://STORAGE.GoogleAPIs.com:443/my-bucket/dir/a%20b+ü.bin", "http://storage.googleapis.com/my-bucket/dir/a%20b+ü.bin",
            "https://storage.googleapis.com./my-bucket/dir%2Fa%20b+ü.bin", "https://my-bucket.storage.googleapis.com/dir/a%20b+ü.bin",
            "https://storage.cloud.google.com/my-bucket/dir/a%20b+ü.bin?authuser=1",
            "https://commondatastorage.googleapis.com/my-bucket/dir/a%20b+ü.bin",
            "https://my-bucket.commondatastorage.googleapis.com/dir/a%20b+ü.bin",
            "https://storage-download.googleapis.com/my-bucket/dir/a%20b+ü.bin",
            "https://storage.us-central1.rep.googleapis.com/my-bucket/dir/a%20b+ü.bin",
            "https://storage.googleapis.com/download/storage/v1/b/my-bucket/o/dir%2Fa%20b+%C3%BC.bin?alt=media",
            "https://storage.googleapis.com/storage/v1/b/my-bucket/o/dir%2Fa%20b+%C3%BC.bin?alt=media&prettyPrint=false&key=K",
            "https://www.googleapis.com/storage/v1/b/my-bucket/o/dir%2Fa%20b+%C3%BC.bin?userProject=p&alt=media",
            "https://www.googleapis.com/download/storage/v1/b/my-bucket/o/dir%2Fa%20b+%C3%BC.bin?alt=media#fragment",
            "https://storage.googleapis.com/my-bucket/dir/a%20b+ü.bin?X-Goog-Algorithm=GOOG4-RSA-SHA256&X-Goog-Credential=c&X-Goog-Date=d&X-Goog-Expires=60&X-Goog-SignedHeaders=host&X-Goog-Signature=00ff",
            "https://my-bucket.storage.googleapis.com/dir/a%20b+ü.bin?GoogleAccessId=a&Expires=1&Signature=s%2B",
            "https://storage.googleapis.com/my-bucket/dir/a%20b+ü.bin?X-Amz-Signature=s&X-Amz-Date=d",
            "https://storage.googleapis.com/my-bucket/dir/a%20b+ü.bin?response-content-disposition=attachment&",
        ])
    func spellings(_ url: String) {
        let object = Self.google.object(url)
        #expect(object == GCSObjectName(key: "dir/a b+ü.bin"))
        #expect(
            object.flatMap { Self.google.url(of: $0) }?.description == "https://storage.googleapis.com/my-bucket/dir/a%20b%2B%C3%BC.bin")
    }

    @Test(
        "A generation is kept, wherever it stands",
        arguments: [
            "gs://my-bucket/a#1234567890", "https://storage.googleapis.com/my-bucket/a?generation=1234567890",
            "https://my-bucket.storage.googleapis.com/a?X-Goog-Signature=0&generation=1234567890",
            "https://storage.googleapis.com/storage/v1/b/my-bucket/o/a?generation=1234567890&alt=media",
        ])
    func generations(_ url: String) throws {
        let object = try #require(Self.google.object(url))
        #expect(object == GCSObjectName(key: "a", version: "1234567890"))
        let written = try #require(Self.google.url(of: object))
        #expect(written.description == "https://storage.googleapis.com/my-bucket/a?generation=1234567890")
        #expect(Self.google.object(written.description) == object)
    }

    @Test(
        "Behind gs:// a name stands as it is",
        arguments: [
            ("gs://my-bucket/a%20b", "a%20b"), ("gs://my-bucket/a?b=c", "a?b=c"), ("gs://my-bucket/a#b", "a#b"),
            ("gs://my-bucket/a#", "a#"), ("gs://my-bucket/a#12x", "a#12x"), ("gs://my-bucket//a//b/", "/a//b/"),
            ("gs://my-bucket/100%", "100%"),
        ])
    func literal(_ url: String, _ key: String) throws {
        let object = try #require(Self.google.object(url))
        #expect(object == GCSObjectName(key: key))
        let written = try #require(Self.google.url(of: object))
        #expect(Self.google.object(written.description) == object)
    }

    @Test(
        "What is not an object of the bucket, or asks for something else of it, is not read",
        arguments: [
            "", "my-bucket/a", "gs://", "gs://my-bucket", "gs://my-bucket/", "gs://my-bucket2/a", "gs://MY-BUCKET/a", "gs:/my-bucket/a",
            "gs://my-bucket/a/../b", "gs://my-bucket/./a", "gs://my-bucket/#12", "s3://my-bucket/a",
            "ftp://storage.googleapis.com/my-bucket/a", "https://storage.googleapis.com/my-bucket",
            "https://storage.googleapis.com/my-bucket/", "https://storage.googleapis.com/other/a",
            "https://storage.googleapis.com:444/my-bucket/a", "https://user@storage.googleapis.com/my-bucket/a",
            "https://storage.googleapis.com/my-bucket/a/%2E%2E/b", "https://storage.googleapis.com/my-bucket/a?acl",
            "https://storage.googleapis.com/my-bucket/a?uploads", "https://storage.googleapis.com/my-bucket/a?alt=media",
            "https://storage.googleapis.com/my-bucket/a?generation=x",
            "https://storage.googleapis.com/my-bucket/a?generation=1&generation=2",
            "https://storage.googleapis.com/my-bucket/a?generation=12345678901234567890", "https://storage.googleapis.com/my-bucket/a?x=1",
            "https://storage.googleapis.com/my-bucket/a%zz", "https://storage.googleapis.com/my-bucket/a%ff",
            "https://storage.googleapis.com.evil.example/my-bucket/a", "https://evilstorage.googleapis.com/my-bucket/a",
            "https://other.storage.googleapis.com/a", "https://my-bucket.evil.example/a",
            "https://storage.evil.rep.googleapis.com.example/my-bucket/a", "https://storage.a.b.rep.googleapis.com/my-bucket/a",
            "https://storage..rep.googleapis.com/my-bucket/a", "https://storage.googleapis.com/storage/v1/b/my-bucket/o/a",
            "https://storage.googleapis.com/storage/v1/b/my-bucket/o/a?alt=json",
            "https://storage.googleapis.com/storage/v1/b/other/o/a?alt=media",
            "https://storage.googleapis.com/storage/v1/b/my-bucket/o?alt=media",
            "https://storage.googleapis.com/storage/v1/b/my-bucket/o/a/b?alt=media", "https://www.googleapis.com/my-bucket/a",
            "https://www.googleapis.com/upload/storage/v1/b/my-bucket/o/a?alt=media", "https://example.org/my-bucket/a",
        ])
    func foreign(_ url: String) {
        #expect(Self.google.object(url) == nil)
    }

    @Test("A bucket that has the name of a path of the JSON API is read in the path all the same")
    func storageBucket() {
        let urls = GCSBucketURLs(endpoint: .google, bucket: "storage")
        #expect(urls.object("https://storage.googleapis.com/storage/v1/a") == GCSObjectName(key: "v1/a"))
        #expect(urls.object("https://storage.googleapis.com/storage/v1/b/storage/o/a?alt=media") == GCSObjectName(key: "a"))
    }

    @Test("An endpoint of one's own is at its own address, by either scheme where it is at the scheme's port")
    func ownEndpoint() throws {
        let urls = try Self.own("https://storage.example.org")
        for url in [
            "gs://my-bucket/a", "https://storage.example.org/my-bucket/a", "http://storage.example.org/my-bucket/a",
            "https://storage.example.org/storage/v1/b/my-bucket/o/a?alt=media",
        ] {
            let object = urls.object(url)
            #expect(object == GCSObjectName(key: "a"), "\(url)")
            #expect(object.flatMap { urls.url(of: $0) }?.description == "https://storage.example.org/my-bucket/a")
        }
        #expect(urls.object("https://storage.googleapis.com/my-bucket/a") == nil)
        #expect(urls.object("https://my-bucket.storage.example.org/a") == nil)
        let local = try Self.own("http://127.0.0.1:4443")
        #expect(local.object("http://127.0.0.1:4443/my-bucket/a") == GCSObjectName(key: "a"))
        #expect(local.object("http://127.0.0.1/my-bucket/a") == nil)
        #expect(local.object("http://127.0.0.1:4444/my-bucket/a") == nil)
    }

    @Test("What is written does not depend on which of Google's endpoints is configured")
    func regional() throws {
        let urls = try Self.own("https://storage.europe-west3.rep.googleapis.com")
        let object = try #require(urls.object("https://my-bucket.storage.googleapis.com/a"))
        #expect(urls.url(of: object)?.description == "https://storage.googleapis.com/my-bucket/a")
    }

    @Test("A bucket with dots or odd characters is itself alone")
    func dots() throws {
        let urls = GCSBucketURLs(endpoint: .google, bucket: "www.example.org")
        #expect(urls.object("https://www.example.org.storage.googleapis.com/a") == GCSObjectName(key: "a"))
        #expect(urls.object("https://storage.googleapis.com/www%2Eexample.org/a") == GCSObjectName(key: "a"))
        #expect(urls.object("https://wwwxexample.org.storage.googleapis.com/a") == nil)
        #expect(urls.object("https://www.example.org/a") == nil)
    }

    @Test("A name that no URL holds has none", arguments: ["", ".", "a/../b", String(repeating: "ü", count: 3_000)])
    func unheld(_ key: String) {
        #expect(Self.google.url(of: GCSObjectName(key: key)) == nil)
    }
}
