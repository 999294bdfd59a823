import MirrorState
import Retention
import Testing

@Suite("What a use changes in an artifact's record")
struct ActivityUseTests {
    private static let here = ActivityRecord.number(of: "s3/eu-central-1")
    private static let there = ActivityRecord.number(of: "s3/us-east-1")
    private static let artifactClass = ActivityRecord.number(of: "https://artifacts.example.org/builds")
    private static let intervals = [here: 5_000.0, there: 5_000.0]
    private static let start: UInt32 = 1_800_000_000

    private func use(
        _ record: inout ActivityRecord?, at time: UInt32, in pool: UInt32 = here, isKept: Bool = true,
        intervals: [UInt32: Double] = intervals
    ) -> [String: Double] {
        let use = ActivityUse(
            key: ActivityKey(high: 1, low: 2), pool: pool, artifactClass: Self.artifactClass, time: time, bytes: 100, isKept: isKept)
        var sums = ContextSums(landmark: ContextSums.landmark(at: Double(Self.start)))
        ActivityRecord.use(&record, use, renewalIntervals: intervals).add(to: &sums, as: 0)
        // Of the root only, whose names have no class: events, waiting that was cut off, bytes, uses.
        return sums.named { $0 }.filter { $0.key.contains("::") }
    }

    /// Of the sums of the root.
    private func field(_ sums: [String: Double], _ number: Int) -> Double? { sums.first { $0.key.hasSuffix("::0:\(number)") }?.value }
    private func events(_ sums: [String: Double]) -> [Int] { (0..<AgeBins.count).filter { field(sums, $0) != nil } }
    private func censored(_ sums: [String: Double]) -> [Int] { (0..<AgeBins.count).filter { field(sums, AgeBins.count + $0) != nil } }

    @Test("a first use makes the record, and the next one ends the gap")
    func firstUses() throws {
        var record: ActivityRecord?
        var sums = use(&record, at: Self.start)
        #expect(
            record
                == ActivityRecord(
                    firstSeen: Self.start, artifactClass: Self.artifactClass,
                    pools: [
                        ActivityRecord.PoolUses(
                            pool: Self.here, uses: 1, first: Self.start, own: Self.start, clock: Self.start, place: 19)
                    ]))
        #expect(events(sums).isEmpty && censored(sums).isEmpty)
        #expect(field(sums, 2 * AgeBins.count) == 100)

        sums = use(&record, at: Self.start + 4_000)
        let uses = try #require(record?[Self.here])
        #expect((uses.uses, uses.first, uses.own, uses.clock) == (2, Self.start, Self.start + 4_000, Self.start + 4_000))
        #expect(events(sums) == [AgeBins.bin(4_000)])
        #expect(field(sums, AgeBins.bin(4_000)) == Weights.weight(Double(Self.start) - ContextSums.landmark(at: Double(Self.start))))
        #expect(uses.activity(of: 3).context == Context(3, isElsewhere: false, rate: Context.rate(uses: 1, since: 4_000), age: 0))
    }

    @Test("a use without a replica is recorded with the replica gone, until there is one again")
    func gone() {
        var record: ActivityRecord?
        _ = use(&record, at: Self.start, isKept: false)
        #expect(record?[Self.here]?.gone == Self.start)
        _ = use(&record, at: Self.start + 10)
        #expect(record?[Self.here]?.gone == 0)
        _ = use(&record, at: Self.start + 20, isKept: false)
        #expect(record?[Self.here]?.gone == Self.start + 20)
    }

    @Test("a use in another pool renews the clock, but neither too soon, nor its own uses, nor a pool without an interval")
    func renewal() throws {
        var record: ActivityRecord?
        _ = use(&record, at: Self.start)
        var sums = use(&record, at: Self.start + 4_999, in: Self.there)
        #expect(censored(sums).isEmpty)
        #expect(record?[Self.here]?.clock == Self.start)

        sums = use(&record, at: Self.start + 5_000, in: Self.there)
        #expect(censored(sums) == [AgeBins.bin(5_000)])
        #expect(events(sums) == [AgeBins.bin(1)])
        let renewed = try #require(record?[Self.here])
        #expect((renewed.uses, renewed.own, renewed.clock) == (1, Self.start, Self.start + 5_000))
        #expect(renewed.activity(of: 0).context.isElsewhere)

        // The next use here ends the wait that began with the renewal.
        sums = use(&record, at: Self.start + 9_000)
        #expect(events(sums) == [AgeBins.bin(4_000)])
        sums = use(&record, at: Self.start + 90_000, intervals: [Self.here: 5_000])
        #expect(censored(sums).isEmpty)
    }

    @Test("a record never goes back in time: a use that seems to be earlier counts as simultaneous")
    func timesNeverGoBack() throws {
        var record: ActivityRecord?
        _ = use(&record, at: Self.start)
        _ = use(&record, at: Self.start + 500)
        let sums = use(&record, at: Self.start + 497)
        #expect(events(sums) == [0])
        let uses = try #require(record?[Self.here])
        #expect((uses.uses, uses.own, uses.clock) == (3, Self.start + 500, Self.start + 500))
        // In another pool, too: no gap is negative.
        _ = use(&record, at: Self.start - 3_000, in: Self.there)
        #expect(record?[Self.there]?.first == Self.start + 500)
        #expect(record?.firstSeen == Self.start)
    }

    @Test("what a clock that was wrong has recorded is brought back to the next use")
    func wrongClocks() throws {
        var record: ActivityRecord?
        _ = use(&record, at: Self.start + 100_000)
        _ = use(&record, at: Self.start, isKept: false)
        let uses = try #require(record?[Self.here])
        #expect((uses.first, uses.own, uses.clock, uses.gone) == (Self.start, Self.start, Self.start, Self.start))
        #expect(record?.firstSeen == Self.start)
        _ = use(&record, at: .max)
        _ = use(&record, at: 0)
        #expect(record?.clock == 0)
    }

    @Test("uses are counted up to the largest number that a record can have, and pools up to their limit")
    func limits() throws {
        var full = ActivityRecord.PoolUses(
            pool: Self.here, uses: .max - 1, first: Self.start, own: Self.start, clock: Self.start, place: 19)
        full.open = 2
        var record: ActivityRecord? = ActivityRecord(firstSeen: Self.start, artifactClass: 1, pools: [full])
        for _ in 0..<3 { _ = use(&record, at: Self.start + 60) }
        #expect(record?[Self.here]?.uses == .max)
        #expect(record?[Self.here]?.open == 2)
        for pool in 0..<300 { _ = use(&record, at: Self.start + 60, in: UInt32(pool)) }
        #expect(record?.pools.count == ActivityRecord.maxPools)
        #expect(record?[299] == nil)
    }
}
