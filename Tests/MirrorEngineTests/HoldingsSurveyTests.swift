import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("What pools hold, by age", .timeLimit(.minutes(1)))
struct HoldingsSurveyTests {
    private let clock = ManualClock()
    private let memory: MemoryStateStore
    private let counters = CountingMetrics()
    private let survey: HoldingsSurvey
    private let pool: PoolID

    init() throws {
        memory = MemoryStateStore(clock: clock)
        survey = HoldingsSurvey(state: memory, factory: counters, clock: clock)
        pool = try #require(PoolID("local/dev"))
    }

    private func add(_ path: String, _ size: Int64) async throws -> ReplicaID {
        let id = ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org\(path)"), pool: pool)
        let object = StoredObject(key: ObjectKey(id.artifact), size: size, sha256: nil, storedAt: clock.now, lastUsed: clock.now)
        _ = try await memory.recordPresent(id, object)
        return id
    }

    private func age(_ word: String) -> Double? { counters.gauge(HoldingsSurvey.Name.ages, "local/dev", word) }
    private var unread: Double? { counters.gauge(HoldingsSurvey.Name.unread, "local/dev") }

    @Test("Bytes count by the time of their last use, each once, over several pages")
    func ages() async throws {
        // Each is of another age when the survey is taken; the last ones fill more than two pages.
        for (size, pause) in [(10_000, 31 * 86_400), (20_000, 20 * 86_400), (40_000, 5 * 86_400), (80_000, 7_200)] as [(Int64, Int64)] {
            _ = try await add("/\(size).bin", size)
            clock.advance(by: .seconds(pause))
        }
        for number in 0..<1_001 { _ = try await add("/\(number).bin", 1) }
        try await survey.takeIfDue(of: pool)
        #expect(age("1h") == 1_001)
        #expect(age("1d") == 80_000)
        #expect(age("7d") == 40_000)
        #expect(age("30d") == 20_000)
        #expect(age("older") == 10_000)
    }

    @Test("What was used again after its first minute is read; what was used by the first client alone is not")
    func unreadBytes() async throws {
        let read = try await add("/read.bin", 5)
        let once = try await add("/once.bin", 7)
        clock.advance(by: .seconds(60))
        try await memory.touch([ReplicaUse(id: once, at: clock.now)])
        clock.advance(by: .milliseconds(1))
        try await memory.touch([ReplicaUse(id: read, at: clock.now)])
        try await survey.takeIfDue(of: pool)
        #expect(unread == 7)
    }

    @Test("Sizes that no sum can hold stop no survey")
    func absurdSizes() async throws {
        for number in 0..<3 { _ = try await add("/\(number).bin", .max) }
        try await survey.takeIfDue(of: pool)
        #expect(unread == 3 * Double(Int64.max))
    }

    @Test("A survey that took a second is followed by a pause of 99")
    func pauses() async throws {
        let slow = ScriptedStateStore(memory)
        let survey = HoldingsSurvey(state: slow, factory: counters, clock: clock)
        slow.before(.leastRecentlyUsed) { [clock] in clock.advance(by: .seconds(1)) }
        try await survey.takeIfDue(of: pool)
        #expect(unread == 0)
        _ = try await add("/a.bin", 3)
        clock.advance(by: .milliseconds(98_999))
        try await survey.takeIfDue(of: pool)
        #expect(unread == 0)
        clock.advance(by: .milliseconds(1))
        try await survey.takeIfDue(of: pool)
        #expect(unread == 3)
    }
}
