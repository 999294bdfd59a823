import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

/// Somebody sets the time of day while the mirror runs.
@Suite("The time of day is set", .timeLimit(.minutes(1)))
struct TimeOfDayTests {
    private static let steps = [Duration.seconds(-3_600), .seconds(3_600)]

    private func run(_ change: (inout EngineFixture.Setup) -> Void = { _ in }, _ body: (EngineFixture, ManualClock) async throws -> Void)
        async throws
    {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            change(&$0)
        }) { try await body($0, clock) }
    }

    @Test("A request is answered when its wait is over, and not before", arguments: steps)
    func waits(step: Duration) async throws {
        try await run({ $0.hasWorkers = false }) { engine, clock async throws in
            let answer = Task { try await engine.ask("/a.txt", wait: .seconds(5)) }
            await engine.waiting(1)
            await clock.sleepers(1)
            clock.setTime(by: step)
            clock.advance(by: .milliseconds(4_980))
            await engine.waiting(1)
            #expect(engine.waiters.count == 1)
            clock.advance(by: .milliseconds(20))
            #expect(try await answer.value.fallback == .timedOut)
        }
    }

    @Test("A copy under way keeps its lease while others are begun, and is made once", arguments: steps)
    func keepsLeases(step: Duration) async throws {
        try await run { engine, clock async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", .text("hello").with { $0.gate = gate })
            engine.origin.on("/b.txt", .text("other"))
            async let first = engine.ask("/a.txt")
            try await gate.waiting()
            clock.setTime(by: step)
            #expect(try await engine.ask("/b.txt").size == 5)
            gate.open()
            #expect(try await first.size == 5)
            #expect(engine.origin.requests.count { $0.path == "/a.txt" } == 1)
            #expect(engine.counters.total(EngineMetrics.Name.copies, "set-aside") == 0)
        }
    }

    @Test("How fast an origin sends is measured by the time that passes", arguments: steps)
    func measuresRates(step: Duration) async throws {
        let clock = ManualClock()
        let progress = CopyProgress(clock: clock)
        progress.beginWaiting()
        progress.received(3_000)
        clock.setTime(by: step)
        #expect(progress.takeRates(over: .seconds(30)) == nil)
        clock.advance(by: .seconds(30))
        #expect(progress.takeRates(over: .seconds(30))?.last == 100)
    }

    @Test("A set time is noticed once, and a clock that drifts is not")
    func watch() {
        let clock = ManualClock()
        var watch = TimeOfDayWatch(clock)
        var wasSet = watch.wasSet()
        #expect(!wasSet)
        clock.advance(by: .seconds(86_400))
        clock.setTime(by: .milliseconds(900))
        wasSet = watch.wasSet()
        #expect(!wasSet)
        for step in Self.steps {
            clock.setTime(by: step)
            wasSet = watch.wasSet()
            #expect(wasSet)
            wasSet = watch.wasSet()
            #expect(!wasSet)
        }
    }
}
