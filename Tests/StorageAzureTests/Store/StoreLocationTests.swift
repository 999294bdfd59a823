import MirrorCore
import MirrorStorage
import MirrorTesting
import StorageCloud
import TestServers
import Testing

@testable import StorageAzure

@Suite("Locations of objects", .timeLimit(.minutes(5)))
struct StoreLocationTests {
    private func end(_ url: String) throws -> Timestamp {
        let text = url.components(between: "&se=", and: "&").first.flatMap { PercentCoding.decode($0) } ?? ""
        return try #require(Timestamp(rfc3339: text))
    }

    @Test("A public location is the container's address, or stands behind the configured one, encoded")
    func publicURL() async throws {
        let object = try SampleObject("a b+ü.bin", size: 1)
        let end = "\(object.key.hash)/a%20b%2B%C3%BC.bin"
        try await StoreFixture.run { fixture async throws in
            let location = try await fixture.store.location(of: object.key, life: .seconds(60))
            #expect(location.url == "\(fixture.server.url)/testaccount/test-container/\(end)")
            #expect(location.expires == nil)
            #expect(fixture.requests.isEmpty)
        }
        for base in ["https://cdn.example.org/x", "https://cdn.example.org/x/"] {
            var setup = StoreFixture.Setup()
            setup.publicURL = try ArtifactURL(base)
            setup.keyPrefix = "p/"
            try await StoreFixture.run(setup) { fixture async throws in
                #expect(try await fixture.store.location(of: object.key, life: .seconds(60)).url == "https://cdn.example.org/x/p/\(end)")
            }
        }
    }

    @Test("A presigned location works as long as asked for and up to a minute longer, seven days at most, and is the same for a minute")
    func presigned() async throws {
        let object = try SampleObject("a b.bin", size: 1)
        let clock = ManualClock(now: Timestamp(milliseconds: 1_769_860_830_500))
        var setup = StoreFixture.Setup()
        setup.access = .presigned
        setup.clock = clock
        try await StoreFixture.run(setup) { fixture async throws in
            let location = try await fixture.store.location(of: object.key, life: .seconds(600))
            #expect(try end(location.url) == Timestamp(milliseconds: 1_769_860_800_000) + .seconds(660))
            #expect(location.expires == (try end(location.url)))
            let prefix = "\(fixture.server.url)/testaccount/test-container/\(object.key.hash)/a%20b.bin?sv=2023-11-03&se="
            #expect(location.url.hasPrefix(prefix) && location.url.contains("&sr=b&sp=r&sig="))
            #expect(!location.url.contains("spr="), "the container itself is reached without TLS")
            clock.advance(by: .milliseconds(29_499))
            #expect(try await fixture.store.location(of: object.key, life: .seconds(600)) == location)
            clock.advance(by: .milliseconds(1))
            #expect(try await fixture.store.location(of: object.key, life: .seconds(600)) != location)
            let long = try await fixture.store.location(of: object.key, life: .seconds(10_000_000))
            #expect(try end(long.url) == Timestamp(milliseconds: 1_769_860_860_000) + .seconds(604_860))
            #expect(fixture.requests.isEmpty)
            #expect(fixture.store.capabilities.features.contains(.presignedLocations))
        }
    }

    @Test("A location behind an address with TLS works by TLS alone")
    func https() async throws {
        let object = try SampleObject(size: 1)
        var setup = StoreFixture.Setup()
        setup.access = .presigned
        setup.publicURL = try ArtifactURL("https://cdn.example.org")
        try await StoreFixture.run(setup) { fixture async throws in
            let location = try await fixture.store.location(of: object.key, life: .seconds(600))
            #expect(location.url.hasPrefix("https://cdn.example.org/\(object.key.hash)/artifact.bin?sv=2023-11-03&spr=https&se="))
        }
    }

    @Test("Neither a SAS token nor nothing signs locations, and no SAS token gets into one")
    func unsigned() async throws {
        let object = try SampleObject(size: 1)
        for credentials in [GivenCredentials.signature("sv=1&sig=secret"), GivenCredentials([nil])] {
            var setup = StoreFixture.Setup()
            setup.credentials = credentials
            setup.access = .presigned
            try await StoreFixture.run(setup) { fixture async throws in
                let error = try await requireStorageError(.permissionDenied, "location") {
                    try await fixture.store.location(of: object.key, life: .seconds(600))
                }
                #expect(!error.description.contains("secret"))
            }
            setup.access = .public
            try await StoreFixture.run(setup) { fixture async throws in
                #expect(try await !fixture.store.location(of: object.key, life: .seconds(600)).url.contains("secret"))
            }
        }
    }

    /// The service's answer to whoever asks for a key of an identity.
    private static func delegationKey(from start: Timestamp, to end: Timestamp) -> ScriptedServer.Answer {
        .init(
            body: """
                <UserDelegationKey><SignedOid>o-1</SignedOid><SignedTid>t-1</SignedTid>\
                <SignedStart>\(SharedAccessSignature.time(start))</SignedStart>\
                <SignedExpiry>\(SharedAccessSignature.time(end))</SignedExpiry><SignedService>b</SignedService>\
                <SignedVersion>2023-11-03</SignedVersion><Value>\(GivenCredentials.key)</Value></UserDelegationKey>
                """)
    }

    @Test("With a token a key is asked for once, and signs all locations as the account's would, but in the identity's name")
    func delegation() async throws {
        let object = try SampleObject(size: 1)
        var setup = StoreFixture.Setup()
        setup.access = .presigned
        setup.credentials = .tokens("t")
        let script: StoreFixture.Script = { request in
            guard request.kind == .delegationKey else { return nil }
            let now = SystemClock().now
            return Self.delegationKey(from: now, to: now + .seconds(86_400))
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            try await withThrowingTaskGroup(of: ObjectLocation.self) { group in
                for _ in 0..<10 { group.addTask { try await fixture.store.location(of: object.key, life: .seconds(600)) } }
                for try await location in group {
                    #expect(location.url.contains("&skoid=o-1&sktid=t-1&skt=") && location.url.contains("&sig="))
                }
            }
            #expect(fixture.kinds == [.delegationKey])
            let request = try #require(fixture.requests.first)
            #expect(request.header("authorization") == "Bearer t")
            let times = ["Start", "Expiry"].compactMap { request.text.components(between: "<\($0)>", and: "</\($0)>").first }
            let start = try #require(Timestamp(rfc3339: times[0]))
            let expiry = try #require(Timestamp(rfc3339: times[1]))
            #expect(start.milliseconds % 21_600_000 == 0 && start <= SystemClock().now)
            #expect(start.duration(to: expiry) == .seconds(30 * 3_600))
        }
    }

    @Test("A location does not outlast the key that signs it, and who may not have one is told which role to assign")
    func delegationLimits() async throws {
        let object = try SampleObject(size: 1)
        var setup = StoreFixture.Setup()
        setup.access = .presigned
        setup.credentials = .tokens("t")
        let ends = SystemClock().now + .seconds(4 * 3_600)
        let script: StoreFixture.Script = { request in
            request.kind == .delegationKey ? Self.delegationKey(from: SystemClock().now, to: ends) : nil
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            let location = try await fixture.store.location(of: object.key, life: .seconds(36_000))
            #expect(try end(location.url).milliseconds / 1_000 == ends.milliseconds / 1_000)
        }
        let refused: StoreFixture.Script = { _ in FakeBlobs.error(403, "AuthorizationPermissionMismatch") }
        try await StoreFixture.run(setup, script: refused) { fixture async throws in
            let error = try await requireStorageError(.permissionDenied, "location") {
                try await fixture.store.location(of: object.key, life: .seconds(600))
            }
            #expect(error.message.contains("Storage Blob Delegator"), "\(error)")
        }
    }
}
