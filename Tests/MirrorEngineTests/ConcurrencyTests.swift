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

    @Test("A function is called at the next notification, or at once if one was kept, and not once it is forgotten")
    func calls() async {
        let calls = Watched(0)
        signal.whenNotified { calls.change { $0 += 1 } }
        #expect(calls.current == 0)
        signal.notify()
        #expect(calls.current == 1)
        // Nothing waited for this one.
        signal.notify()
        #expect(calls.current == 1)
        signal.whenNotified { calls.change { $0 += 10 } }
        #expect(calls.current == 11)
        signal.whenNotified { calls.change { $0 += 100 } }
        signal.forget()
        signal.notify()
        #expect(calls.current == 11)
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
    /// One task runs at a time, until it waits: so that callers are known to be there.
    private let steps = StepExecutor()
    private let door = Door()
    private let runs = Watched(0)

    /// A caller whose work takes until the door is open.
    private func caller(
        _ key: String = "key", of flights: SingleFlight<String, Int>? = nil, _ work: @escaping @Sendable (_ run: Int) async throws -> Int
    ) -> Task<Int, any Error> {
        let (flights, door, runs) = (flights ?? self.flights, door, runs)
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
        #expect(flights.count == 1)
        door.open()
        for task in callers { #expect(try await steps.finish(task).get() == 1) }
        #expect(runs.current == 1)
        #expect(flights.count == 0)
    }

    @Test("Callers with other keys do not wait")
    func otherKeys() async throws {
        let callers = (0..<5).map { caller("key \($0)") { _ in 7 } }
        try await runs.until { $0 == 5 }
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

    @Test("A caller that is cancelled leaves at once, the first one too, and the work goes on for the others")
    func callerLeaves() async throws {
        let callers = (0..<5).map { _ in caller { $0 } }
        try await door.waiting()
        for task in callers.prefix(3) {
            task.cancel()
            let result = await steps.finish(task)
            #expect(throws: CancellationError.self) { try result.get() }
        }
        door.open()
        for task in callers.dropFirst(3) { #expect(try await steps.finish(task).get() == 1) }
        #expect(runs.current == 1)
    }

    @Test("When all have left the work is cancelled, and who comes then has it done anew")
    func allLeave() async throws {
        let first = caller { $0 }
        try await door.waiting()
        first.cancel()
        _ = await steps.finish(first)
        #expect(flights.count == 0)
        let second = caller { $0 }
        try await runs.until { $0 == 2 }
        door.open()
        #expect(try await steps.finish(second).get() == 2)
    }

    @Test("Work that goes on alone is there for who comes next")
    func goesOnAlone() async throws {
        let flights = SingleFlight<String, Int>(goesOnAlone: true)
        let first = caller(of: flights) { $0 }
        try await door.waiting()
        first.cancel()
        let result = await steps.finish(first)
        #expect(throws: CancellationError.self) { try result.get() }
        #expect(flights.count == 1)
        let second = caller(of: flights) { $0 }
        door.open()
        #expect(try await steps.finish(second).get() == 1)
    }

    @Test("Who is cancelled before it comes does no work")
    func cancelledBefore() async throws {
        let (flights, runs) = (flights, runs)
        let late = Task {
            while !Task.isCancelled { await Task.yield() }
            return try await flights.run("key") {
                runs.change {
                    $0 += 1; return 1
                }
            }
        }
        late.cancel()
        await #expect(throws: CancellationError.self) { try await late.value }
        #expect(runs.current == 0)
    }

    @Test("Work that waits for nothing is done in its caller's thread")
    func inCallersThread() async throws {
        let (flights, runs) = (flights, runs)
        let task = Task(executorPreference: steps) {
            try await flights.run("key") {
                runs.change {
                    $0 += 1; return 1
                }
            }
        }
        steps.run()
        #expect(runs.current == 1)
        #expect(try await steps.finish(task).get() == 1)
        #expect(flights.count == 0)
    }

    @Test("A run that is over is not the next caller's")
    func overIsOver() async throws {
        door.open()
        #expect(try await steps.finish(caller { $0 }).get() == 1)
        #expect(try await steps.finish(caller { $0 }).get() == 2)
    }
}
