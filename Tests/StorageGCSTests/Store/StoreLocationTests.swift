import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageGCS

@Suite("Locations of objects", .timeLimit(.minutes(5)))
struct StoreLocationTests {
    private func item(_ name: String, _ url: String) -> String? {
        url.split(separator: "?").last?.split(separator: "&").first { $0.hasPrefix("\(name)=") }
            .flatMap { PercentCoding.decode($0.dropFirst(name.utf8.count + 1)) }
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

    @Test(
        "A signed location works for as long as asked for at every moment of its window, and seven days at most", arguments: [true, false])
    func signed(_ isKey: Bool) async throws {
        let object = try SampleObject(size: 1)
        let signer: URLSigner = try isKey ? .key(SigningVectors.key()) : .keys(GCSKeys(accessID: "GOOG1", secret: "s"))
        let credentials = GivenCredentials([GCSCredentials(.token("T"), signer: signer)])
        try await StoreFixture.run(credentials: credentials, change: { $0.reading.access = .presigned }) { fixture async throws in
            let before = SystemClock().now
            let location = try await fixture.store.location(of: object.key, life: .seconds(600))
            let ends = try #require(location.expires)
            #expect(before.duration(to: ends) >= .seconds(600))
            #expect(before.duration(to: ends) <= .seconds(905))
            #expect(item("X-Goog-Expires", location.url) == "902")
            #expect(item("X-Goog-Algorithm", location.url) == (isKey ? "GOOG4-RSA-SHA256" : "GOOG4-HMAC-SHA256"))
            #expect(item("X-Goog-Credential", location.url)?.hasPrefix("\(signer.name)/") == true)
            #expect(item("X-Goog-Signature", location.url)?.utf8.count == (isKey ? 512 : 64))
            let long = try await fixture.store.location(of: object.key, life: .seconds(10_000_000))
            #expect(item("X-Goog-Expires", long.url) == "604800")
            #expect(fixture.store.capabilities.features.contains(.presignedLocations))
            #expect(fixture.origin.requests.isEmpty)
        }
    }

    @Test("All nodes give one address for the length of a window, and then another")
    func window() async throws {
        let object = try SampleObject(size: 1)
        let credentials = GivenCredentials([GCSCredentials(.token("T"), signer: .key(try SigningVectors.key()))])
        // A multiple of five minutes.
        let (one, other) = (
            ManualClock(now: Timestamp(milliseconds: 1_700_000_100_000)), ManualClock(now: Timestamp(milliseconds: 1_700_000_399_000))
        )
        let url = try ArtifactURL("https://cdn.example.org/")
        func location(_ clock: ManualClock) async throws -> ObjectLocation {
            try await StoreFixture.run(
                credentials: credentials, clock: clock,
                change: {
                    $0.reading.access = .presigned
                    $0.reading.publicURL = url
                }
            ) { fixture async throws in
                try await fixture.store.location(of: object.key, life: .seconds(600))
            }
        }
        let (first, second) = (try await location(one), try await location(other))
        #expect(first.url == second.url)
        #expect(first.expires == second.expires)
        #expect(item("X-Goog-Date", first.url) == "20231114T221500Z")
        other.advance(by: .seconds(1))
        #expect(try await location(other).url != first.url)
    }

    @Test("Where only the service has the key, each signature is asked for once in a window")
    func service() async throws {
        try await StoreFixture.run(clock: ManualClock(), change: { $0.reading.access = .presigned }) { fixture async throws in
            let address = try ArtifactURL(fixture.origin.url("/v1/projects/-/serviceAccounts/a@p.iam.gserviceaccount.com:signBlob"))
            let signing = BlobSigning(account: "a@p.iam.gserviceaccount.com", address: address, token: "T", delegates: [])
            var configuration = fixture.store.configuration
            configuration.credentials = StaticCredentials(GCSCredentials(.token("T"), signer: .service(signing)))
            let store = GCSStore(configuration: configuration, connection: fixture.store.client.connection)
            fixture.origin.on(address.path, .status(200, #"{"keyId": "k", "signedBlob": "AQIDBA=="}"#))
            let object = try SampleObject(size: 1)
            let first = try await store.location(of: object.key, life: .seconds(600))
            #expect(item("X-Goog-Signature", first.url) == "01020304")
            #expect(item("X-Goog-Credential", first.url)?.hasPrefix("a@p.iam.gserviceaccount.com/") == true)
            #expect(try await store.location(of: object.key, life: .seconds(600)) == first)
            #expect(fixture.origin.requests.map(\.method) == ["POST"])
            #expect(fixture.origin.requests.first?.token == "T")
            // The service may retire its key.
            let long = try await store.location(of: object.key, life: .seconds(604_800))
            #expect(item("X-Goog-Expires", long.url) == "43200")
        }
    }

    @Test("A service that refuses to sign is told with what it needs", arguments: [403, 500])
    func refused(_ status: Int) async throws {
        try await StoreFixture.run(clock: CredentialScene.hasty, change: { $0.reading.access = .presigned }) { fixture async throws in
            let address = try ArtifactURL(fixture.origin.url("/sign"))
            let signing = BlobSigning(account: "a@p", address: address, token: "the-token", delegates: [])
            var configuration = fixture.store.configuration
            configuration.credentials = StaticCredentials(GCSCredentials(.token("the-token"), signer: .service(signing)))
            let store = GCSStore(configuration: configuration, connection: fixture.store.client.connection)
            fixture.origin.on("/sign", .status(status, #"{"error": {"status": "PERMISSION_DENIED", "message": "no the-token"}}"#))
            let object = try SampleObject(size: 1)
            let error = try await requireStorageError(status == 403 ? .permissionDenied : .unavailable, "location") {
                try await store.location(of: object.key, life: .seconds(600))
            }
            #expect(error.message.contains("Service Account Token Creator"))
            #expect(!error.message.contains("the-token"))
        }
    }

    @Test("Without anything to sign with there is no signed location", arguments: [true, false])
    func unsigned(_ isAnonymous: Bool) async throws {
        let credentials = GivenCredentials([isAnonymous ? nil : GCSCredentials(.token("T"), signer: nil)])
        try await StoreFixture.run(credentials: credentials, change: { $0.reading.access = .presigned }) { fixture async throws in
            let object = try SampleObject(size: 1)
            let error = try await requireStorageError(.permissionDenied, "location") {
                try await fixture.store.location(of: object.key, life: .seconds(600))
            }
            #expect(error.message.contains("impersonate"))
        }
    }

    @Test(
        "An endpoint is read from its address",
        arguments: [
            ("https://storage.googleapis.com", true, "storage.googleapis.com"), ("http://127.0.0.1:4443", false, "127.0.0.1:4443"),
            ("https://[fd00::1]:8443", false, "[fd00::1]:8443"),
            ("https://storage.me-central2.rep.googleapis.com", true, "storage.me-central2.rep.googleapis.com"),
            ("https://storage.example.org:443", false, "storage.example.org"),
        ])
    func endpoints(_ url: String, _ isGoogle: Bool, _ authority: String) throws {
        let endpoint = GCSEndpoint(try ArtifactURL(url))
        #expect(endpoint.isGoogle == isGoogle)
        #expect(endpoint.authority == authority)
        #expect(endpoint.url.hasSuffix("://\(authority)"))
        #expect(endpoint.path(ofKey: "a b/ü", in: "x.y") == "/x.y/a%20b/%C3%BC")
    }
}
