import MirrorCore
import MirrorTesting
import Testing

/// Counts the timers that were set, whether or not they were cancelled.
private struct TimerCounter: MonotonicClock {
    let timers = Watched(0)
    private let clock = ManualClock()

    var instant: ContinuousClock.Instant { clock.instant }

    func sleep(until deadline: ContinuousClock.Instant) async throws { try await clock.sleep(until: deadline) }

    func timer(at deadline: ContinuousClock.Instant, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        timers.change { $0 += 1 }
        return clock.timer(at: deadline, action)
    }

    func timer(after duration: Duration, _ action: @escaping @Sendable () -> Void) -> ClockTimer {
        timer(at: instant + duration, action)
    }
}

@Suite("Operations that can be left", .timeLimit(.minutes(1)))
struct LeavingTests {
    private let clock = ManualClock()
    private let door = Door()

    @Test("A task that is started now runs in its caller until it waits, and goes on by itself")
    func startsNow() async throws {
        let (door, steps) = (door, Watched<[String]>([]))
        let task = startNow { () async throws -> Bool in
            steps.change { $0.append("begun") }
            try await door.pass()
            steps.change { $0.append("ended") }
            return Task.isCancelled
        }
        #expect(steps.current == ["begun"])
        task.cancel()
        await #expect(throws: CancellationError.self) { try await task.value }
        #expect(steps.current == ["begun"])
        let other = startNow { 7 }
        #expect(await other.value == 7)
    }

    @Test("An operation that waits for nothing has its result, even if there is no time, and sets no timer")
    func waitsForNothing() async throws {
        let clock = TimerCounter()
        for limit in [Duration.zero, .seconds(5)] {
            #expect(try await leaving(after: limit, by: clock) { 7 } == 7)
        }
        #expect(clock.timers.current == 0)
        let (door, found) = (door, startNow { [door] in try await leaving(after: .seconds(5), by: clock) { try await door.pass() } })
        #expect(clock.timers.current == 1)
        door.open()
        _ = try await found.value
    }

    @Test("When the time is over the caller leaves, and the operation is cancelled")
    func timeIsOver() async throws {
        let (clock, door, isCancelled) = (clock, door, Watched(false))
        async let found = leaving(after: .seconds(5), by: clock) {
            do { try await door.pass() } catch { isCancelled.change { $0 = true } }
            return 7
        }
        try await door.waiting()
        await clock.sleepers(1)
        clock.advance(by: .milliseconds(4_999))
        // The timer has not rung; that the operation was cancelled would be seen only later.
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .milliseconds(1))
        #expect(try await found == nil)
        try await isCancelled.until { $0 }
    }

    @Test("An operation that ends in time leaves no timer behind")
    func inTime() async throws {
        let (clock, door) = (clock, door)
        async let found = leaving(after: .seconds(5), by: clock) {
            try await door.pass()
            return 7
        }
        await clock.sleepers(1)
        door.open()
        #expect(try await found == 7)
        #expect(clock.sleeperCount == 0)
    }
}
