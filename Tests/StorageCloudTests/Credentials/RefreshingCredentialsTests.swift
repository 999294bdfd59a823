import Logging
import MirrorCore
import MirrorTesting
import TestServers
import Testing

@testable import StorageCloud

@Suite(.timeLimit(.minutes(5))) struct RefreshingCredentialsTests {
    private let clock = ManualClock()
    private let source = ScriptedCredentials()
    private let log = LogRecorder(.trace)

    private func refreshing() -> RefreshingCredentials<TestCredentials> {
        let source = source
        return RefreshingCredentials(clock: clock, logger: log.logger) { try await source.load() }
    }

    private func credentials(_ id: String, for life: Duration? = nil) -> TestCredentials {
        TestCredentials(id: id, expires: life.map { clock.now + $0 })
    }

    private func keyID(_ refreshing: RefreshingCredentials<TestCredentials>) async throws -> String? {
        try await refreshing.credentials()?.id
    }

    /// The ID of what many ask for at once.
    private func keyIDs(_ refreshing: RefreshingCredentials<TestCredentials>, _ count: Int) async throws -> Set<String> {
        try await withThrowingTaskGroup(of: String.self) { group in
            for _ in 0..<count { group.addTask { try await refreshing.credentials()?.id ?? "none" } }
            return try await group.reduce(into: []) { $0.insert($1) }
        }
    }

    @Test func `any number of callers ask once`() async throws {
        let gate = FakeGate()
        source.give(credentials("A"), gate: gate)
        let refreshing = refreshing()
        async let found = keyIDs(refreshing, 500)
        try await gate.waiting()
        gate.open()
        #expect(try await found == ["A"])
        #expect(try await keyIDs(refreshing, 500) == ["A"])
        #expect(source.count == 1)
    }

    @Test func `credentials that last are not asked for again`() async throws {
        source.give(credentials("A"))
        source.give(credentials("B"))
        let refreshing = refreshing()
        #expect(try await keyID(refreshing) == "A")
        clock.advance(by: .seconds(1_000_000_000))
        #expect(try await keyID(refreshing) == "A")
        #expect(!refreshing.isAsking && source.count == 1)
    }

    @Test func `a time of day that is set back makes nobody use what has ended`() async throws {
        source.give(credentials("A", for: .seconds(3_600)))
        source.give(credentials("B", for: .seconds(7_200)))
        let refreshing = refreshing()
        #expect(try await keyID(refreshing) == "A")
        clock.setTime(by: .seconds(-86_400))
        clock.advance(by: .seconds(3_299))
        #expect(try await keyID(refreshing) == "A")
        #expect(!refreshing.isAsking && source.count == 1)
        clock.advance(by: .seconds(301))
        #expect(try await keyID(refreshing) == "B")
    }

    @Test func `a time of day that is set forward costs one question`() async throws {
        source.give(credentials("A", for: .seconds(3_600)))
        source.give(credentials("B", for: .seconds(90_000)))
        let refreshing = refreshing()
        #expect(try await keyID(refreshing) == "A")
        clock.setTime(by: .seconds(86_400))
        clock.advance(by: .seconds(10))
        #expect(try await keyID(refreshing) == "B")
        #expect(try await keyID(refreshing) == "B")
        #expect(source.count == 2)
    }

    @Test func `after a failure the next question is asked by the time that passes`() async throws {
        source.fail("away")
        source.give(credentials("A"))
        let refreshing = refreshing()
        await #expect(throws: CredentialsError.self) { try await refreshing.credentials() }
        clock.setTime(by: .seconds(-3_600))
        clock.advance(by: .seconds(1))
        #expect(try await keyID(refreshing) == "A")
    }

    @Test func `five minutes before the end newer ones are fetched while those at hand are given`() async throws {
        let gate = FakeGate()
        source.give(credentials("A", for: .seconds(3_600)))
        source.give(credentials("B", for: .seconds(7_200)), gate: gate)
        let refreshing = refreshing()
        #expect(try await keyID(refreshing) == "A")

        clock.advance(by: .seconds(3_600 - 301))
        #expect(try await keyID(refreshing) == "A")
        #expect(!refreshing.isAsking)

        clock.advance(by: .seconds(1))
        #expect(try await keyIDs(refreshing, 200) == ["A"])
        #expect(refreshing.isAsking)
        try await gate.waiting()
        clock.advance(by: .seconds(239))
        #expect(try await keyIDs(refreshing, 200) == ["A"])

        // A minute before the end: the same question is waited for.
        clock.advance(by: .seconds(1))
        async let found = keyIDs(refreshing, 200)
        gate.open()
        #expect(try await found == ["B"])
        #expect(source.count == 2)
    }

    @Test func `a minute before the end newer ones are asked for and waited for`() async throws {
        source.give(credentials("A", for: .seconds(600)))
        source.give(credentials("B", for: .seconds(6_000)))
        let refreshing = refreshing()
        #expect(try await keyID(refreshing) == "A")
        clock.advance(by: .seconds(540))
        #expect(try await keyID(refreshing) == "B")
        #expect(source.count == 2)
    }

    @Test func `what is still valid is used on when fetching fails, with pauses that grow`() async throws {
        source.give(credentials("A", for: .seconds(600)))
        source.fail("first")
        source.fail("second")
        source.give(credentials("B", for: .seconds(6_000)))
        let refreshing = refreshing()
        #expect(try await keyID(refreshing) == "A")
        clock.advance(by: .seconds(541))
        // Fifty-nine seconds are left: the failure is waited for, and then not repeated for a second.
        #expect(try await keyID(refreshing) == "A")
        #expect(source.count == 2)
        #expect(try await keyIDs(refreshing, 100) == ["A"])
        #expect(source.count == 2)
        clock.advance(by: .seconds(1))
        #expect(try await keyID(refreshing) == "A")
        #expect(source.count == 3)
        clock.advance(by: .milliseconds(1_999))
        #expect(try await keyID(refreshing) == "A")
        #expect(source.count == 3)
        clock.advance(by: .milliseconds(1))
        #expect(try await keyID(refreshing) == "B")

        #expect(log.all.count == 2)
        #expect(log.all.allSatisfy { $0.hasPrefix("warning Credentials could not be renewed; the present ones stay in use") })
        #expect(log.all.first?.contains("first") == true)
    }

    @Test func `when they have ended and none can be had, the last error is given without asking each time`() async throws {
        source.give(credentials("A", for: .seconds(600)))
        source.fail("nobody is there")
        let refreshing = refreshing()
        #expect(try await keyID(refreshing) == "A")
        clock.advance(by: .seconds(600))
        for _ in 0..<10 {
            let error = await #expect(throws: CredentialsError.self) { try await keyID(refreshing) }
            #expect(error?.message == "nobody is there")
        }
        #expect(source.count == 2)
        for number in 1...9 {
            clock.advance(by: .seconds(60))
            await #expect(throws: CredentialsError.self) { try await keyID(refreshing) }
            #expect(source.count == 2 + number)
        }
        #expect(log.all.last?.hasPrefix("warning There are no credentials") == true)
    }

    @Test func `refused credentials are asked for again, once`() async throws {
        source.give(credentials("A", for: .seconds(3_600)))
        source.give(credentials("B", for: .seconds(3_600)))
        let refreshing = refreshing()
        let first = try #require(try await refreshing.credentials())
        clock.advance(by: .seconds(60))
        for _ in 0..<100 { refreshing.invalidate(first) }
        #expect(try await keyIDs(refreshing, 100) == ["B"])
        // A straggler's answer says nothing of the newer ones.
        refreshing.invalidate(first)
        #expect(try await keyID(refreshing) == "B")
        #expect(source.count == 2)
    }

    @Test func `refused credentials are not used when no newer ones can be had`() async throws {
        source.give(credentials("A"))
        source.fail("nobody is there")
        let refreshing = refreshing()
        let first = try #require(try await refreshing.credentials())
        clock.advance(by: .seconds(60))
        refreshing.invalidate(first)
        let error = await #expect(throws: CredentialsError.self) { try await keyID(refreshing) }
        #expect(error?.message == "nobody is there")
    }

    @Test func `a source that gives refused ones again is not asked all the time`() async throws {
        source.give(credentials("A"))
        let refreshing = refreshing()
        for _ in 0..<100 { refreshing.invalidate(try #require(try await refreshing.credentials())) }
        #expect(source.count == 1)
        clock.advance(by: .seconds(10))
        for _ in 0..<100 { refreshing.invalidate(try #require(try await refreshing.credentials())) }
        #expect(source.count == 2)
    }

    @Test func `a source that gives what has ended is not asked all the time`() async throws {
        source.give(credentials("A", for: .seconds(-1)))
        let refreshing = refreshing()
        for _ in 0..<100 {
            let error = await #expect(throws: CredentialsError.self) { try await keyID(refreshing) }
            #expect(error?.code == .expired)
        }
        #expect(source.count == 1)
    }

    @Test func `a caller that is cancelled stops waiting, and the others do not`() async throws {
        let gate = FakeGate()
        source.give(credentials("A"), gate: gate)
        let refreshing = refreshing()
        let one = Task { try await keyID(refreshing) }
        async let other = keyID(refreshing)
        try await gate.waiting()
        one.cancel()
        await #expect(throws: CancellationError.self) { try await one.value }
        gate.open()
        #expect(try await other == "A")
        #expect(source.count == 1)
    }

    @Test func `a shutdown ends the question and gives nothing afterwards`() async throws {
        let gate = FakeGate()
        source.give(credentials("A"), gate: gate)
        let refreshing = refreshing()
        let asking = Task { try await keyID(refreshing) }
        try await gate.waiting()
        await refreshing.shutdown()
        await #expect(throws: CredentialsError.self) { try await asking.value }
        await #expect(throws: CredentialsError.self) { try await keyID(refreshing) }
        #expect(log.all.isEmpty)
    }
}
