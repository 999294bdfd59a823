import MirrorCore
import MirrorTesting
import Testing

@testable import MirrorEngine

@Suite("Deadlines", .timeLimit(.minutes(1)))
struct DeadlinesTests {
    private final class Bell: Alarm {
        let rings = Watched<[Deadlines.Ending]>([])

        func ring(_ ending: Deadlines.Ending) { rings.change { $0.append(ending) } }
    }

    private let clock = ManualClock()
    private let deadlines: Deadlines

    init() {
        deadlines = Deadlines(clock: clock)
    }

    private func bell(in time: Duration) -> Bell {
        let bell = Bell()
        deadlines.set(bell, at: clock.instant + time)
        return bell
    }

    @Test("Each rings once at its own time, within ten milliseconds, also one that was set later and is earlier")
    func order() async throws {
        let late = bell(in: .milliseconds(5_001))
        await clock.sleepers(1)
        let early = bell(in: .milliseconds(999))
        clock.advance(by: .milliseconds(1_000))
        try await early.rings.until { $0 == [.timeIsOver] }
        #expect(late.rings.current.isEmpty)
        clock.advance(by: .milliseconds(4_010))
        try await late.rings.until { $0 == [.timeIsOver] }
        #expect(early.rings.current.count == 1)
    }

    @Test("One that is taken back never rings, and with the last the timer goes")
    func takenBack() async throws {
        let (one, other) = (bell(in: .seconds(1)), bell(in: .seconds(1)))
        await clock.sleepers(1)
        deadlines.takeBack(one)
        clock.advance(by: .seconds(1))
        try await other.rings.until { $0.count == 1 }
        #expect(one.rings.current.isEmpty)
        let last = bell(in: .seconds(1))
        await clock.sleepers(1)
        deadlines.takeBack(last)
        #expect(clock.sleeperCount == 0)
        // What was taken back is not there to be moved.
        deadlines.move(last, to: clock.instant)
        clock.advance(by: .seconds(10))
        #expect(last.rings.current.isEmpty)
    }

    @Test("One that is moved rings at its new time alone")
    func moved() async throws {
        let (moved, other) = (bell(in: .seconds(1)), bell(in: .seconds(2)))
        deadlines.move(moved, to: clock.instant + .seconds(3))
        clock.advance(by: .seconds(2))
        try await other.rings.until { $0.count == 1 }
        #expect(moved.rings.current.isEmpty)
        clock.advance(by: .seconds(1))
        try await moved.rings.until { $0 == [.timeIsOver] }
    }

    @Test("Closing rings all; who comes later has a moment for what is in memory, and none for what takes longer")
    func closing() async throws {
        let early = bell(in: .seconds(1))
        deadlines.close()
        #expect(early.rings.current == [.closed])
        let later = bell(in: .seconds(1))
        #expect(later.rings.current.isEmpty)
        clock.advance(by: .milliseconds(250))
        try await later.rings.until { $0 == [.closed] }
        let waiting = bell(in: .seconds(1))
        deadlines.move(waiting, to: clock.instant + .seconds(60))
        #expect(waiting.rings.current == [.closed])
    }

    @Test("A set time of day changes nothing", arguments: [Duration.seconds(-3_600), .seconds(3_600)])
    func timeIsSet(step: Duration) async throws {
        let bell = bell(in: .seconds(5))
        await clock.sleepers(1)
        clock.setTime(by: step)
        clock.advance(by: .milliseconds(4_990))
        #expect(bell.rings.current.isEmpty)
        clock.advance(by: .milliseconds(10))
        try await bell.rings.until { $0 == [.timeIsOver] }
    }
}
