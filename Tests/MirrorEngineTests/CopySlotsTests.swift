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
        #expect([1, 2, 3, 16].map { CopyConfiguration(concurrency: $0).slotsPerOrigin } == [1, 1, 2, 8])
        #expect(CopyConfiguration(concurrency: 16, maxPerOrigin: 16).slotsPerOrigin == 16)
    }

    @Test("An origin that does not send what it states has one slot for ten minutes")
    func withoutCredit() throws {
        // So many that the slots which slow origins share are not all taken.
        let slots = CopySlots(CopyConfiguration(concurrency: 16, maxPerOrigin: 4), credit: credit)
        let first = try begin(slots, "a")
        for _ in 0..<OriginCredit.tolerance { credit.lose(first.origin) }
        #expect(slots.turn == .lease([[first.origin], []]))
        // A slow copy counts, too.
        #expect(slots.measure(try begin(slots, "a"), bytesPerSecond: 1, .slow))
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
        #expect(!slots.measure(slow, bytesPerSecond: 100, .quick))
        #expect(slots.turn == .full)
        #expect(slots.measure(slow, bytesPerSecond: 2, .slow))
        #expect(slots.turn == .lease([[]]))
        #expect(!slots.measure(slow, bytesPerSecond: 1_000, .quick))
        #expect(!slots.measure(slow, bytesPerSecond: 1, .slow))
        #expect(slots.turn == .lease([[]]))
        _ = try begin(slots, "a")
        #expect(slots.turn == .full)
    }

    @Test("When more are slow than may be, the slowest makes room, one at a time")
    func theSlowestMakesRoom() async throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 2, maxPerOrigin: 1, slowConcurrency: 1), credit: credit)
        let copies = try ["a", "a", "b"].map { try begin(slots, $0) }
        for (copy, rate) in zip(copies, [30, 10, 20] as [Int64]) { #expect(slots.measure(copy, bytesPerSecond: rate, .slow)) }
        #expect(slots.turn == .makeRoom([]))
        slots.yieldSlowest()
        #expect(slots.turn == .full)
        // Returns because it was notified.
        await copies[1].yielding.wait(upTo: nil, clock: clock)
        slots.end(copies[1])
        #expect(slots.turn == .lease([[]]))
    }

    @Test("A copy that is being published does not make room any more")
    func publishing() async throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 2, maxPerOrigin: 1, slowConcurrency: 1), credit: credit)
        let copies = try ["a", "b"].map { try begin(slots, $0) }
        for (copy, rate) in zip(copies, [10, 20] as [Int64]) { #expect(slots.measure(copy, bytesPerSecond: rate, .slow)) }
        _ = try begin(slots, "c")
        let others: Set<CopyLane> = [try lane("d")]
        #expect(slots.mustYield(copies[0], to: others))
        slots.setPublishing(copies[0], true)
        #expect(!slots.mustYield(copies[0], to: others))
        slots.setPublishing(copies[0], false)
        #expect(slots.mustYield(copies[0], to: others), "it is made another way")
        slots.setPublishing(copies[0], true)
        slots.yieldSlowest()
        await copies[1].yielding.wait(upTo: nil, clock: clock)
        slots.end(copies[1])
        _ = try begin(slots, "b")
        #expect(slots.turn == .full, "nothing could make room")
    }

    @Test("Origins whose copies are too slow have a quarter of the slots together, however many they are, for ten minutes")
    func slowOriginsShare() throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 16), credit: credit)
        let slow = (0..<16).map { "slow\($0)" }
        let lanes = Set(try slow.map(lane))
        let copies = try slow.map { try begin(slots, $0) }
        #expect(slots.turn == .full)
        for copy in copies { #expect(slots.measure(copy, bytesPerSecond: 20 << 10, .late)) }
        // Who was merely late has its credit.
        #expect(credit.isGood(copies[0].origin))
        for copy in copies { slots.end(copy) }
        let next = try slow.prefix(3).map { try begin(slots, $0) }
        #expect(slots.turn == .lease([Set(next.map(\.origin)), []]))
        let last = try begin(slots, slow[3])
        #expect(slots.turn == .lease([lanes]))
        for number in 0..<12 { _ = try begin(slots, "quick\(number)") }
        #expect(slots.turn == .full)
        slots.end(last)
        clock.advance(by: OriginCredit.memory)
        #expect(slots.turn == .lease([Set(next.map(\.origin)).union(try (0..<12).map { try lane("quick\($0)") }), []]))
    }

    @Test("A copy that is merely late makes room for origins that are not slow themselves; one that sends next to nothing for all")
    func lateCopiesMakeRoom() async throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 2, maxPerOrigin: 1, slowConcurrency: 1), credit: credit)
        let copies = try ["a", "b", "c"].map { try begin(slots, $0) }
        for (copy, rate) in zip(copies, [300, 100, 200] as [Int64]) { #expect(slots.measure(copy, bytesPerSecond: rate, .late)) }
        #expect(slots.turn == .makeRoom(Set(copies.map(\.origin))))
        #expect(!slots.measure(copies[2], bytesPerSecond: 210, .slow))
        // The two others load their origins still.
        #expect(slots.turn == .makeRoom([copies[0].origin, copies[1].origin]))
        slots.yieldSlowest()
        await copies[2].yielding.wait(upTo: nil, clock: clock)
    }

    @Test("On a slow line copies do not end one another, however long they take, and no origin has more of them than it may have")
    func slowLine() throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 2, maxPerOrigin: 4, slowConcurrency: 2), credit: credit)
        let copies = try (0..<4).map { _ in try begin(slots, "a") }
        for _ in 0..<10 {
            for copy in copies { _ = slots.measure(copy, bytesPerSecond: 100, .late) }
            clock.advance(by: .seconds(120))
        }
        #expect(slots.turn == .makeRoom([copies[0].origin]))
        #expect(copies.allSatisfy { !slots.mustYield($0, to: [copies[0].origin]) })
        for copy in copies[2...] { slots.end(copy) }
        let fewer = CopySlots(CopyConfiguration(concurrency: 4, maxPerOrigin: 2), credit: OriginCredit(clock: clock))
        let late = try (0..<2).map { _ in try begin(fewer, "a") }
        for copy in late { _ = fewer.measure(copy, bytesPerSecond: 100, .late) }
        #expect(fewer.turn == .lease([[late[0].origin]]))
    }

    @Test("A copy that is merely late ends for memory that origins wait for which are not slow themselves")
    func lateCopiesYieldMemory() throws {
        let slots = CopySlots(CopyConfiguration(), credit: credit)
        let copies = try ["quick", "late", "slow"].map { try begin(slots, $0) }
        for (copy, pace) in zip(copies, [.quick, .late, .slow] as [CopyPace]) { _ = slots.measure(copy, bytesPerSecond: 1, pace) }
        func yielding(to origins: String...) throws -> [Bool] {
            let origins = Set(try origins.map(lane))
            return copies.map { slots.mustYield($0, to: origins) }
        }
        #expect(try yielding() == [false, false, false])
        #expect(try yielding(to: "slow") == [false, false, true])
        #expect(try yielding(to: "slow", "other") == [false, true, true])
    }

    @Test("For people it says which origin is slow, in a bounded number")
    func tellsOfOrigins() throws {
        let slots = CopySlots(CopyConfiguration(concurrency: 200), credit: credit)
        let slow = try [begin(slots, "slow"), begin(slots, "slow")]
        let quick = try begin(slots, "quick")
        #expect(slots.measure(slow[0], bytesPerSecond: 5, .slow))
        #expect(!slots.measure(slow[1], bytesPerSecond: 70, .quick))
        #expect(!slots.measure(quick, bytesPerSecond: 900, .quick))
        #expect(
            slots.origins == [
                .init(origin: "https://slow.example.org", running: 2, slow: 1, bytesPerSecond: 75, slowed: 1),
                .init(origin: "https://quick.example.org", running: 1, slow: 0, bytesPerSecond: 900, slowed: 0),
            ])
        for copy in slow + [quick] { slots.end(copy) }
        #expect(slots.origins == [.init(origin: "https://slow.example.org", slowed: 1)])
        for number in 0..<300 {
            let copy = try begin(slots, "o\(number)")
            #expect(slots.measure(copy, bytesPerSecond: 0, .slow))
            slots.end(copy)
        }
        #expect(slots.origins.count == 100)
        #expect(slots.origins.contains { $0.origin == "https://o299.example.org" })
    }

    // MARK: Rates

    @Test(
        "A copy needs more the longer it holds its slot, and one that is quick on average may hold it for hours",
        arguments: [
            (20, 20, 1, .quick), (20, 20, 2, .late), (15, 15, 1, .slow), (100, 100, 6, .quick), (100, 100, 7, .late),
            (50_000, 50_000, 3_000, .quick), (16, 50_000, 3_000, .quick), (15, 50_000, 3_000, .slow),
        ] as [(Int64, Int64, Int, CopyPace)])
    func pace(last: Int64, average: Int64, windows: Int, expected: CopyPace) {
        let rates = CopyProgress.Rates(last: last << 10, average: average << 10, windows: windows)
        #expect(CopyPace(rates, minRate: 16 << 10) == expected)
        #expect(CopyPace(rates, minRate: 0) == .quick)
    }

    @Test("The rate is what came in the window, when the origin was waited for")
    func measuresRates() async throws {
        let progress = CopyProgress(clock: clock)
        progress.beginWaiting()
        clock.advance(by: .seconds(20))
        progress.received(6_000)
        #expect(progress.takeRates(over: .seconds(30)) == nil)
        // Two readers at the same time are no twofold wait.
        progress.beginWaiting()
        clock.advance(by: .seconds(10))
        #expect(progress.takeRates(over: .seconds(30)) == .init(last: 200, average: 200, windows: 1))
        progress.endWaiting()
        progress.endWaiting()
        // The pool, or memory, was waited for.
        clock.advance(by: .seconds(16))
        progress.beginWaiting()
        clock.advance(by: .seconds(14))
        #expect(progress.takeRates(over: .seconds(30)) == nil)
        clock.advance(by: .seconds(30))
        #expect(progress.takeRates(over: .seconds(30)) == .init(last: 0, average: 100, windows: 2))
    }
}
