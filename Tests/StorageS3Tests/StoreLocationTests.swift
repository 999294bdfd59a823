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
            try await StoreFixture.run(change: { $0.reading.publicURL = url }) { fixture async throws in
                #expect(try await fixture.store.location(of: object.key, life: .seconds(60)).url == "https://cdn.example.org/x/\(end)")
            }
        }
    }

    /// At the beginning of a window.
    private static let start = Timestamp(milliseconds: 1_700_000_100_000)

    @Test("A presigned location works as long as asked for, from the end of its window on, seven days at most", arguments: [0, 299_999])
    func presigned(_ milliseconds: Int64) async throws {
        let object = try SampleObject(size: 1)
        let clock = ManualClock(now: Self.start + .milliseconds(milliseconds))
        try await StoreFixture.run(clock: clock, change: { $0.reading.access = .presigned }) { fixture async throws in
            let location = try await fixture.store.location(of: object.key, life: .seconds(600))
            #expect(location.expires == Self.start + .seconds(900))
            #expect(expires(location.url) == 900)
            #expect(location.url.contains("X-Amz-Date=20231114T221500Z&"))
            #expect(location.url.contains("X-Amz-Signature="))
            let long = try await fixture.store.location(of: object.key, life: .seconds(10_000_000))
            #expect(expires(long.url) == 604_800)
            #expect(long.expires == Self.start + .seconds(604_800))
            #expect(fixture.store.capabilities.features.contains(.presignedLocations))
        }
    }

    @Test("A presigned location ends a minute before its credentials")
    func credentialsEnd() async throws {
        let object = try SampleObject(size: 1)
        let clock = ManualClock(now: Self.start + .seconds(100))
        func credentials(_ life: Duration) -> GivenCredentials {
            GivenCredentials([
                S3Credentials(accessKeyID: "K", secretAccessKey: "S", sessionToken: "T", expires: clock.now + life)
            ])
        }
        let soon = credentials(.seconds(300))
        try await StoreFixture.run(credentials: soon, clock: clock, change: { $0.reading.access = .presigned }) { fixture async throws in
            let location = try await fixture.store.location(of: object.key, life: .seconds(3_600))
            #expect(location.expires == clock.now + .seconds(240))
            // From the beginning of the window.
            #expect(expires(location.url) == 340)
        }
        for useless in [credentials(.seconds(60)), credentials(.seconds(50)), GivenCredentials([nil])] {
            try await StoreFixture.run(credentials: useless, clock: clock, change: { $0.reading.access = .presigned }) {
                fixture async throws in
                _ = try await requireStorageError(.permissionDenied, "location") {
                    try await fixture.store.location(of: object.key, life: .seconds(600))
                }
            }
        }
    }

    /// - Parameter credentialsEnd: Seconds; `nil` for credentials that last, the others end before a location would.
    @Test(
        "Stores with the same credentials and clocks a second apart give one URL for as long as a window lasts",
        arguments: [nil, 400] as [Int?])
    func sameURL(credentialsEnd: Int?) async throws {
        let object = try SampleObject(size: 1)
        let clocks = [Self.start, Self.start + .seconds(1)].map { ManualClock(now: $0) }
        let credentials = S3Credentials(
            accessKeyID: "K", secretAccessKey: "S", expires: credentialsEnd.map { Self.start + .seconds($0) })
        try await StoreFixture.run(
            credentials: GivenCredentials([credentials]), clock: clocks[0], change: { $0.reading.access = .presigned }
        ) { fixture async throws in
            let other = S3Store(
                configuration: fixture.store.configuration, http: fixture.store.client.http, clock: clocks[1],
                logger: fixture.store.logger)
            func locations() async throws -> [ObjectLocation] {
                var locations: [ObjectLocation] = []
                for store in [fixture.store, other] {
                    locations.append(try await store.location(of: object.key, life: .seconds(300)))
                }
                return locations
            }
            func advance(by duration: Duration) { for clock in clocks { clock.advance(by: duration) } }
            let first = try await locations()
            #expect(first[0] == first[1])
            for step in [150_000, 148_999] as [Int64] {
                advance(by: .milliseconds(step))
                #expect(try await locations() == first)
            }
            // The later clock is in the next window.
            advance(by: .milliseconds(1))
            let both = try await locations()
            #expect(both[0] == first[0])
            #expect(both[1].url != first[0].url)
            // And then both are.
            advance(by: .seconds(1))
            #expect(try await locations() == [both[1], both[1]])
        }
    }

    @Test("Windows are those of the service's clock, and a location ends by the machine's")
    func skewed() async throws {
        let object = try SampleObject(size: 1)
        let clock = ManualClock(now: Self.start - .seconds(20_000))
        try await StoreFixture.run(clock: clock, change: { $0.reading.access = .presigned }) { fixture async throws in
            #expect(fixture.store.client.clockOffset.learn(date: "Tue, 14 Nov 2023 22:16:40 GMT", at: clock.now))
            let location = try await fixture.store.location(of: object.key, life: .seconds(300))
            #expect(location.url.contains("X-Amz-Date=20231114T221500Z&X-Amz-Expires=600&"))
            #expect(location.expires == clock.now + .seconds(500))
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
