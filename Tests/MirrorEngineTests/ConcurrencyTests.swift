import MirrorCore
import MirrorTesting
import Synchronization
import Testing

@testable import MirrorEngine

@Suite("Signal", .timeLimit(.minutes(1)))
struct SignalTests {
    private let signal = Signal()
    private let clock = ManualClock()

    @Test("A notification that comes before the wait is kept, and only one is")
    func kept() async {
        signal.notify()
        signal.notify()
        await signal.wait(upTo: nil, clock: clock)
        async let second: Void = signal.wait(upTo: .seconds(1), clock: clock)
        await clock.sleepers(1)
        clock.advance(by: .seconds(1))
        await second
    }

    @Test("A notification wakes who waits, before the time-out")
    func wakes() async {
        async let waiting: Void = signal.wait(upTo: .seconds(1), clock: clock)
        await clock.sleepers(1)
        signal.notify()
        await waiting
        #expect(clock.sleeperCount == 0)
    }

    @Test("A wait ends when its task is cancelled")
    func cancelled() async {
        let waiting = Task { await signal.wait(upTo: nil, clock: clock) }
        waiting.cancel()
        await waiting.value
        #expect(waiting.isCancelled)
    }

    @Test("A wait that was over by time leaves nothing behind that would swallow a notification")
    func afterTimeout() async {
        async let first: Void = signal.wait(upTo: .seconds(1), clock: clock)
        await clock.sleepers(1)
        clock.advance(by: .seconds(1))
        await first
        signal.notify()
        await signal.wait(upTo: nil, clock: clock)
    }

    @Test("Of any number of notifications from other tasks none is lost")
    func races() async {
        let clock = clock
        for _ in 0..<500 {
            let signal = Signal()
            await withTaskGroup(of: Void.self) { group in
                group.addTask { signal.notify() }
                group.addTask { await signal.wait(upTo: nil, clock: clock) }
            }
        }
    }
}

@Suite("Single flight", .timeLimit(.minutes(1)))
struct SingleFlightTests {
    private struct Failure: Error {}

    private let flights = SingleFlight<String, Int>()
    /// One task runs at a time, until it waits: so that followers are known to be there.
    private let steps = StepExecutor()
    private let door = Door()
    private let runs = Watched(0)

    /// A caller whose work takes until the door is open.
    private func caller(_ key: String = "key", _ work: @escaping @Sendable (_ run: Int) async throws -> Int) -> Task<Int, any Error> {
        let (flights, door, runs) = (flights, door, runs)
        let task = Task(executorPreference: steps) {
            try await flights.run(key) {
                let run = runs.change { number in
                    number += 1
                    return number
                }
                try await door.pass()
                return try await work(run)
            }
        }
        steps.run()
        return task
    }

    @Test("Callers with one key share one run and its result")
    func shares() async throws {
        let callers = (0..<50).map { _ in caller { $0 } }
        #expect(runs.current == 1)
        door.open()
        for task in callers { #expect(try await steps.finish(task).get() == 1) }
        #expect(runs.current == 1)
    }

    @Test("Callers with other keys do not wait")
    func otherKeys() async throws {
        let callers = (0..<5).map { caller("key \($0)") { _ in 7 } }
        #expect(runs.current == 5)
        door.open()
        for task in callers { #expect(try await steps.finish(task).get() == 7) }
    }

    @Test("An error of the run is the error of all")
    func throwsForAll() async throws {
        let callers = (0..<5).map { _ in caller { _ in throw Failure() } }
        door.open()
        for task in callers {
            let result = await steps.finish(task)
            #expect(throws: Failure.self) { try result.get() }
        }
        #expect(runs.current == 1)
    }

    @Test("When the caller that does the work is cancelled, another does it for the rest")
    func leaderCancelled() async throws {
        let leader = caller { $0 }
        let followers = (0..<5).map { _ in caller { $0 } }
        #expect(runs.current == 1)
        leader.cancel()
        let result = await steps.finish(leader)
        #expect(throws: CancellationError.self) { try result.get() }
        steps.run()
        #expect(runs.current == 2)
        door.open()
        for task in followers { #expect(try await steps.finish(task).get() == 2) }
        #expect(runs.current == 2)
    }

    @Test("A run that is over is not the next caller's")
    func overIsOver() async throws {
        door.open()
        #expect(try await steps.finish(caller { $0 }).get() == 1)
        #expect(try await steps.finish(caller { $0 }).get() == 2)
    }
}
