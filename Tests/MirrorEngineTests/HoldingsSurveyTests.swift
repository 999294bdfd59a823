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
        try await survey.take(of: pool)
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
        try await survey.take(of: pool)
        #expect(unread == 7)
    }

    @Test("Sizes that no sum can hold stop no survey")
    func absurdSizes() async throws {
        for number in 0..<3 { _ = try await add("/\(number).bin", .max) }
        try await survey.take(of: pool)
        #expect(unread == 3 * Double(Int64.max))
    }

    @Test("After each page that took a second, a survey pauses for 99")
    func pauses() async throws {
        for number in 0..<501 { _ = try await add("/\(number).bin", 1) }
        let slow = ScriptedStateStore(memory)
        let survey = HoldingsSurvey(state: slow, factory: counters, clock: clock)
        slow.before(.leastRecentlyUsed) { [clock] in clock.advance(by: .seconds(1)) }
        let taking = Task { try await survey.take(of: pool) }
        for _ in 0..<2 {
            await clock.sleepers(1)
            #expect(unread == nil)
            clock.advance(by: .milliseconds(98_999))
            await clock.sleepers(1)
            #expect(unread == nil)
            clock.advance(by: .milliseconds(1))
        }
        try await taking.value
        #expect(unread == 501)
    }

    @Test("A machine that was asleep during a page does not make a survey pause for months")
    func asleep() async throws {
        _ = try await add("/a.bin", 1)
        let slow = ScriptedStateStore(memory)
        let survey = HoldingsSurvey(state: slow, factory: counters, clock: clock)
        slow.before(.leastRecentlyUsed) { [clock] in clock.advance(by: .seconds(86_400)) }
        let taking = Task { try await survey.take(of: pool) }
        await clock.sleepers(1)
        clock.advance(by: .seconds(600))
        try #require(clock.sleeperCount == 0)
        try await taking.value
        #expect(unread == 1)
    }

    @Test("What is used or copied during a survey counts once, among the most recent")
    func usedMeanwhile() async throws {
        let early = try await add("/early.bin", 1_000)
        clock.advance(by: .seconds(86_400))
        for number in 0..<500 { _ = try await add("/\(number).bin", 1) }
        clock.advance(by: .seconds(1))
        let late = try await add("/late.bin", 100)
        clock.advance(by: .seconds(7_200))
        let slow = ScriptedStateStore(memory)
        let survey = HoldingsSurvey(state: slow, factory: counters, clock: clock)
        slow.before(.leastRecentlyUsed) { [clock] in clock.advance(by: .seconds(1)) }
        let taking = Task { try await survey.take(of: pool) }
        await clock.sleepers(1)
        // The first page has it, the second would have it again; the other one is on the second page.
        try await memory.touch([ReplicaUse(id: early, at: clock.now), ReplicaUse(id: late, at: clock.now)])
        _ = try await add("/new.bin", 10_000)
        for _ in 0..<2 {
            await clock.sleepers(1)
            clock.advance(by: .seconds(99))
        }
        try await taking.value
        #expect(age("7d") == 1_000)
        #expect(age("1d") == 500)
        #expect(age("1h") == 10_100)
    }
}
