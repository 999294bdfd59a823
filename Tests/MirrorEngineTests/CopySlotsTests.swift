import MirrorCore
import MirrorState
import MirrorTesting
import Testing

@testable import MirrorEngine

@Suite("Slots for copies")
struct CopySlotsTests {
    private let clock: ManualClock
    private let credit: OriginCredit

    init() {
        clock = ManualClock()
        credit = OriginCredit(clock: clock)
    }

    private func lease(_ origin: String, lane: CopyLane? = nil) throws -> CopyLease {
        let id = ReplicaID(artifact: try ArtifactURL("https://\(origin).example.org/a.bin"), pool: try #require(PoolID("local/dev")))
        return CopyLease(id: id, token: 1, attempt: 1, queuedAt: clock.now, expires: clock.now, lane: lane)
    }

    private func lane(_ origin: String) throws -> CopyLane { CopyLane(of: try lease(origin).id.artifact) }

    private func begin(_ slots: CopySlots, _ origin: String, lane: CopyLane? = nil) throws -> CopySlots.Copy {
        slots.begin(try lease(origin, lane: lane), CopyProgress(clock: clock))
    }

    @Test("An origin of which nothing is under way goes first; one whose share is used up is passed over")
    func sharesSlots() throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 4, maxPerOrigin: 2), credit: credit)
        #expect(slots.turn == .lease([[]]))
        let first = try begin(slots, "a")
        #expect(slots.turn == .lease([[try lane("a")], []]))
        _ = try begin(slots, "a")
        #expect(slots.turn == .lease([[try lane("a")]]))
        _ = try begin(slots, "b")
        #expect(slots.turn == .lease([[try lane("a"), try lane("b")], [try lane("a")]]))
        _ = try begin(slots, "c")
        #expect(slots.turn == .full)
        slots.end(first)
        #expect(slots.turn == .lease([[try lane("a"), try lane("b"), try lane("c")], []]))
    }

    @Test("The share is half of the slots, rounded up, unless it is given")
    func defaultShare() {
        #expect([1, 2, 3, 16].map { CopyConfiguration(concurrency: $0).maxPerOrigin } == [1, 1, 2, 8])
        #expect(CopyConfiguration(concurrency: 16, maxPerOrigin: 16).maxPerOrigin == 16)
    }

    @Test("An origin that does not send what it states has one slot for ten minutes")
    func withoutCredit() throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 4, maxPerOrigin: 4), credit: credit)
        let first = try begin(slots, "a")
        for _ in 0..<OriginCredit.tolerance { credit.lose(first.origin) }
        #expect(slots.turn == .lease([[first.origin], []]))
        // A slow copy counts, too.
        #expect(slots.measure(try begin(slots, "a"), bytesPerSecond: 1, isSlow: true))
        #expect(!credit.isGood(first.origin))
        #expect(credit.isGood(try lane("b")))
        #expect(slots.turn == .lease([[first.origin]]))
        slots.end(first)
        #expect(slots.turn == .lease([[]]))
        clock.advance(by: OriginCredit.memory)
        #expect(credit.isGood(first.origin))
    }

    @Test("Of the origins that lost their credit a bounded number is remembered, those of late")
    func forgetsCredit() throws {
        for number in 0...OriginCredit.maxRemembered {
            for _ in 0...OriginCredit.tolerance { credit.lose(try lane("o\(number)")) }
        }
        #expect(credit.isGood(try lane("o0")))
        #expect(!credit.isGood(try lane("o1")))
    }

    @Test("Of the copies whose last attempt never ended one is made at a time, whatever their origins")
    func onlyOneSuspect() throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 4, maxPerOrigin: 4), credit: credit)
        let suspect = try begin(slots, "a", lane: .unfinished)
        #expect(slots.turn == .lease([[try lane("a"), .unfinished], [.unfinished]]))
        slots.end(suspect)
        #expect(slots.turn == .lease([[]]))
    }

    @Test("A slow copy gives its slot and its origin's share up, once, for as long as it runs")
    func slowCopiesGiveWay() throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 1, maxPerOrigin: 1, slowConcurrency: 1), credit: credit)
        let slow = try begin(slots, "a")
        #expect(!slots.measure(slow, bytesPerSecond: 100, isSlow: false))
        #expect(slots.turn == .full)
        #expect(slots.measure(slow, bytesPerSecond: 2, isSlow: true))
        #expect(slots.turn == .lease([[]]))
        #expect(!slots.measure(slow, bytesPerSecond: 1_000, isSlow: false))
        #expect(!slots.measure(slow, bytesPerSecond: 1, isSlow: true))
        #expect(slots.turn == .lease([[]]))
        _ = try begin(slots, "a")
        #expect(slots.turn == .full)
    }

    @Test("When more are slow than may be, the slowest makes room, one at a time")
    func theSlowestMakesRoom() async throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 2, maxPerOrigin: 1, slowConcurrency: 1), credit: credit)
        let copies = try ["a", "a", "b"].map { try begin(slots, $0) }
        for (copy, rate) in zip(copies, [30, 10, 20] as [Int64]) { #expect(slots.measure(copy, bytesPerSecond: rate, isSlow: true)) }
        #expect(slots.turn == .makeRoom([]))
        slots.yieldSlowest()
        #expect(slots.turn == .full)
        // Returns because it was notified.
        await copies[1].yielding.wait(upTo: nil, clock: clock)
        slots.end(copies[1])
        #expect(slots.turn == .lease([[]]))
    }

    @Test("For people it says which origin is slow, in a bounded number")
    func tellsOfOrigins() throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 200), credit: credit)
        let slow = try [begin(slots, "slow"), begin(slots, "slow")]
        let quick = try begin(slots, "quick")
        #expect(slots.measure(slow[0], bytesPerSecond: 5, isSlow: true))
        #expect(!slots.measure(slow[1], bytesPerSecond: 70, isSlow: false))
        #expect(!slots.measure(quick, bytesPerSecond: 900, isSlow: false))
        #expect(
            slots.origins == [
                .init(origin: "https://slow.example.org", running: 2, slow: 1, bytesPerSecond: 75, slowed: 1),
                .init(origin: "https://quick.example.org", running: 1, slow: 0, bytesPerSecond: 900, slowed: 0),
            ])
        for copy in slow + [quick] { slots.end(copy) }
        #expect(slots.origins == [.init(origin: "https://slow.example.org", slowed: 1)])
        for number in 0..<300 {
            let copy = try begin(slots, "o\(number)")
            #expect(slots.measure(copy, bytesPerSecond: 0, isSlow: true))
            slots.end(copy)
        }
        #expect(slots.origins.count == 100)
        #expect(slots.origins.contains { $0.origin == "https://o299.example.org" })
    }

    // MARK: Rates

    @Test("The rate is what came in the window, when the origin was waited for")
    func measuresRates() async throws {
        let progress = CopyProgress(clock: clock)
        progress.beginWaiting()
        clock.advance(by: .seconds(20))
        progress.received(6_000)
        #expect(progress.takeRate(over: .seconds(30)) == nil)
        // Two readers at the same time are no twofold wait.
        progress.beginWaiting()
        clock.advance(by: .seconds(10))
        #expect(progress.takeRate(over: .seconds(30)) == 200)
        progress.endWaiting()
        progress.endWaiting()
        // The pool, or memory, was waited for.
        clock.advance(by: .seconds(16))
        progress.beginWaiting()
        clock.advance(by: .seconds(14))
        #expect(progress.takeRate(over: .seconds(30)) == nil)
        clock.advance(by: .seconds(30))
        #expect(progress.takeRate(over: .seconds(30)) == 0)
    }
}
