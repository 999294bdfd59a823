import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageS3

@Suite("Locations of objects")
struct StoreLocationTests {
    private func expires(_ url: String) -> Int64? {
        url.split(separator: "&").first { $0.hasPrefix("X-Amz-Expires=") }.flatMap { Int64($0.dropFirst(14)) }
    }

    @Test("A public location is the bucket's address, or stands behind the configured one, encoded")
    func publicURL() async throws {
        let object = try SampleObject("a b+ü.bin", size: 1)
        let end = "\(object.key.hash)/a%20b%2B%C3%BC.bin"
        try await StoreFixture.run { fixture async throws in
            let location = try await fixture.store.location(of: object.key, life: .seconds(60))
            #expect(location.url == fixture.origin.url("/test-bucket/\(end)"))
            #expect(location.expires == nil)
            #expect(fixture.origin.requests.isEmpty)
        }
        for base in ["https://cdn.example.org/x", "https://cdn.example.org/x/"] {
            let url = try ArtifactURL(base)
            try await StoreFixture.run(change: { $0.publicURL = url }) { fixture async throws in
                #expect(try await fixture.store.location(of: object.key, life: .seconds(60)).url == "https://cdn.example.org/x/\(end)")
            }
        }
    }

    @Test("A presigned location works as long as asked for, seven days at most")
    func presigned() async throws {
        let object = try SampleObject(size: 1)
        try await StoreFixture.run(change: { $0.access = .presigned }) { fixture async throws in
            let before = SystemClock().now
            let location = try await fixture.store.location(of: object.key, life: .seconds(600))
            let ends = try #require(location.expires)
            #expect(before.duration(to: ends) >= .seconds(600))
            #expect(before.duration(to: ends) < .seconds(605))
            #expect(expires(location.url) ?? 0 >= 600)
            #expect(location.url.contains("X-Amz-Signature="))
            let long = try await fixture.store.location(of: object.key, life: .seconds(10_000_000))
            #expect(expires(long.url) == 604_800)
            #expect(fixture.store.capabilities.features.contains(.presignedLocations))
        }
    }

    @Test("A presigned location ends a minute before its credentials")
    func credentialsEnd() async throws {
        let object = try SampleObject(size: 1)
        func credentials(_ life: Duration) -> GivenCredentials {
            GivenCredentials([
                S3Credentials(accessKeyID: "K", secretAccessKey: "S", sessionToken: "T", expires: SystemClock().now + life)
            ])
        }
        let soon = credentials(.seconds(300))
        try await StoreFixture.run(credentials: soon, change: { $0.access = .presigned }) { fixture async throws in
            let location = try await fixture.store.location(of: object.key, life: .seconds(3_600))
            #expect(expires(location.url) ?? .max <= 240)
            let ends = try #require(location.expires)
            #expect(SystemClock().now.duration(to: ends) <= .seconds(240))
        }
        for useless in [credentials(.seconds(50)), GivenCredentials([nil])] {
            try await StoreFixture.run(credentials: useless, change: { $0.access = .presigned }) { fixture async throws in
                _ = try await requireStorageError(.permissionDenied, "location") {
                    try await fixture.store.location(of: object.key, life: .seconds(600))
                }
            }
        }
    }

    @Test(
        "A bucket is a part of the host where its name can be one",
        arguments: [
            ("my-bucket", "my-bucket.s3.eu-west-1.amazonaws.com", "/"), ("my.bucket", "s3.eu-west-1.amazonaws.com", "/my.bucket/"),
            ("My_Bucket", "s3.eu-west-1.amazonaws.com", "/My_Bucket/"), ("-ab", "s3.eu-west-1.amazonaws.com", "/-ab/"),
        ])
    func addressing(_ bucket: String, _ host: String, _ prefix: String) throws {
        let address = S3Endpoint.aws(region: "eu-west-1").address(bucket: bucket)
        #expect(address.host == host)
        #expect(address.hostField == host)
        #expect(address.pathPrefix == prefix)
    }

    @Test("An endpoint is read from its address, and moves to another region where the region is in its name")
    func endpoints() throws {
        let own = S3Endpoint(url: try ArtifactURL("http://127.0.0.1:9000"), region: "r1")
        #expect(own.addressing == .path)
        #expect(own.address(bucket: "abc").hostField == "127.0.0.1:9000")
        #expect(own.moved(to: "r2")?.host == "127.0.0.1")
        #expect(own.moved(to: "r2")?.region == "r2")
        let dual = S3Endpoint.aws(region: "us-west-2", dualStack: true)
        #expect(dual.host == "s3.dualstack.us-west-2.amazonaws.com")
        #expect(dual.moved(to: "eu-central-1")?.host == "s3.dualstack.eu-central-1.amazonaws.com")
        #expect(S3Endpoint.aws(region: "cn-north-1").host == "s3.cn-north-1.amazonaws.com.cn")
    }

    @Test(
        "Nobody is sent to a host that a service makes up for a region",
        arguments: [
            "evil.example", "evil.example/", "evil.example#", "evil.example:443", "a@b", "a b", "", "-", "-a", "a-", "a\r\nb", "a\0b",
            "a%2fb", "ü",
            "US-EAST-1", String(repeating: "a", count: 33), "..", ".", "a/../b",
        ])
    func noRegion(_ text: String) throws {
        #expect(try S3Endpoint(url: ArtifactURL("https://s3.example.org"), region: "r1").moved(to: text) == nil)
        #expect(S3Endpoint.aws(region: "us-east-1").moved(to: text) == nil)
    }

    @Test("Amazon's endpoint moves to what looks like one of its regions, and to no other partition")
    func amazonsRegions() throws {
        let standard = S3Endpoint.aws(region: "us-east-1")
        for region in ["eu-central-1", "ap-southeast-4", "me-central-1", "us-west-2", "mx-central-1"] {
            #expect(standard.moved(to: region)?.host == "s3.\(region).amazonaws.com")
        }
        for region in [
            "dualstack", "s3", "auto", "evil", "website-us-east-1", "us-east", "us-east-1a", "us-east-100", "us--1", "cn-north-1",
            "us-gov-west-1",
        ] {
            #expect(standard.moved(to: region) == nil, "\(region)")
        }
        #expect(S3Endpoint.aws(region: "cn-north-1").moved(to: "cn-northwest-1")?.host == "s3.cn-northwest-1.amazonaws.com.cn")
        #expect(S3Endpoint.aws(region: "cn-north-1").moved(to: "us-east-1") == nil)
        #expect(S3Endpoint.aws(region: "us-gov-west-1").moved(to: "us-gov-east-1")?.host == "s3.us-gov-east-1.amazonaws.com")
        #expect(S3Endpoint.aws(region: "us-gov-west-1").moved(to: "us-east-1") == nil)
    }
}
