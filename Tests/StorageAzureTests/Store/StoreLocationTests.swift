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

    @Test("With a token a key is asked for once, and signs all locations as the account's would, but in the identity's name")
    func delegation() async throws {
        let object = try SampleObject(size: 1)
        var setup = StoreFixture.Setup()
        setup.access = .presigned
        setup.credentials = .tokens("t")
        let script: StoreFixture.Script = { request in
            guard request.kind == .delegationKey else { return nil }
            let now = SystemClock().now
            return FakeBlobs.delegationKey(from: now, to: now + .seconds(86_400))
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
            let window = start + Self.lead
            #expect(window.milliseconds % 21_600_000 == 0 && window <= SystemClock().now)
            #expect(window.duration(to: expiry) == .seconds(30 * 3_600))
        }
    }

    /// A key for the times that are asked for. It depends on nothing else.
    private static func delegationKey(for request: BlobRequest) throws -> ScriptedServer.Answer {
        let times = ["Start", "Expiry"].compactMap { name in
            request.text.components(between: "<\(name)>", and: "</\(name)>").first.flatMap { Timestamp(rfc3339: $0) }
        }
        guard times.count == 2 else { return FakeBlobs.error(400, "InvalidXmlDocument") }
        return FakeBlobs.delegationKey(from: times[0], to: times[1])
    }

    /// How long before its window a key is valid.
    private static let lead: Duration = .seconds(900)
    /// The beginning of a key's window.
    private static let window = Timestamp(milliseconds: 1_769_860_800_000)

    /// The queries of an object's locations that a process gives after each of the waits.
    private func queries(
        of object: SampleObject, startingAt begin: Timestamp, after waits: [Duration], failing: Int = 0
    ) async throws -> [String] {
        let clock = ManualClock(now: begin)
        var setup = StoreFixture.Setup()
        setup.access = .presigned
        setup.credentials = .tokens("t")
        setup.clock = clock
        let turns = Turns()
        let script: StoreFixture.Script = { request in
            guard request.kind == .delegationKey else { return nil }
            return try turns.next() == failing ? FakeBlobs.error(503, "ServerBusy") : Self.delegationKey(for: request)
        }
        return try await StoreFixture.run(setup, script: script) { fixture async throws in
            var queries: [String] = []
            for wait in waits {
                clock.advance(by: wait)
                let url = try await fixture.store.location(of: object.key, life: .seconds(600)).url
                queries.append(String(url.drop { $0 != "?" }))
            }
            return queries
        }
    }

    private func keyStart(_ query: String) -> String? { query.components(between: "&skt=", and: "&").first }

    @Test("With a token, too, all processes give the same location, whenever they have started")
    func sameKey() async throws {
        let object = try SampleObject(size: 1)
        let old = try await queries(
            of: object, startingAt: Self.window + .seconds(3_600), after: [.zero, .seconds(5 * 3_600 - 1), .seconds(3_601)])
        let new = try await queries(of: object, startingAt: Self.window + .seconds(7 * 3_600), after: [.zero])
        #expect(old[2] == new[0])
        #expect(keyStart(old[0]) == keyStart(old[1]) && keyStart(old[1]) != keyStart(old[2]))
        #expect(keyStart(old[0]).flatMap { PercentCoding.decode($0) } == SharedAccessSignature.time(Self.window - Self.lead))
    }

    @Test("A key that is new signs locations that servers whose clocks are behind accept, too")
    func newKey() async throws {
        let object = try SampleObject(size: 1)
        let query = try #require(try await queries(of: object, startingAt: Self.window, after: [.zero]).first)
        let start = try #require(keyStart(query).flatMap { PercentCoding.decode($0) }.flatMap { Timestamp(rfc3339: $0) })
        #expect(start.duration(to: Self.window) == Self.lead)
    }

    @Test("Without the key of the window, the one before signs")
    func failingKey() async throws {
        let object = try SampleObject(size: 1)
        let starts = try await queries(
            of: object, startingAt: Self.window, after: [.zero, .seconds(6 * 3_600), .seconds(120)], failing: 2
        ).map(keyStart)
        #expect(starts[0] != nil && starts[0] == starts[1] && starts[1] != starts[2])
    }

    @Test("The windows of keys are those of the service's clock", arguments: [-3_600, 3_600])
    func keyWindow(_ ahead: Int) async throws {
        let object = try SampleObject(size: 1)
        let clock = ManualClock(now: Self.window + .seconds(7_200 + ahead))
        var setup = StoreFixture.Setup()
        setup.access = .presigned
        setup.credentials = .tokens("t")
        setup.clock = clock
        let script: StoreFixture.Script = { request in
            guard request.kind == .delegationKey else { return nil }
            var answer = try Self.delegationKey(for: request)
            answer.headers.append(("Date", (clock.now - .seconds(ahead)).httpDate))
            return answer
        }
        try await StoreFixture.run(setup, script: script) { fixture async throws in
            for (wait, keys) in [(.zero, 1), (.seconds(4 * 3_600 - 1), 1), (.seconds(1), 2)] as [(Duration, Int)] {
                clock.advance(by: wait)
                _ = try await fixture.store.location(of: object.key, life: .seconds(600))
                #expect(fixture.count(.delegationKey) == keys)
            }
            let starts = fixture.requests.compactMap { $0.text.components(between: "<Start>", and: "</Start>").first }
            let windows = [Self.window, Self.window + .seconds(6 * 3_600)]
            #expect(starts == windows.map { SharedAccessSignature.time($0 - Self.lead) })
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
            request.kind == .delegationKey ? FakeBlobs.delegationKey(from: SystemClock().now, to: ends) : nil
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
