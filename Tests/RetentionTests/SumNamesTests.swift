import Testing

@testable import Retention

@Suite("Sums by name")
struct SumNamesTests {
    private static let classes: [UInt32: UInt32] = [0xAB: 0, 0xCD: 1]
    private static let stored: [UInt32] = [0xAB, 0xCD]

    /// Some of each kind, in two classes.
    private static func observe(_ sums: inout ContextSums, from start: Double, _ range: Range<Int>) {
        for number in range {
            let context = Context(UInt32(number % 2), isElsewhere: number % 3 == 0, rate: number % 5, age: number % 4)
            let time = start + Double(number) * 40_000
            sums.addSize(context, bytes: Double(1_000 * number))
            sums.addEvent(context, gap: Double(100 * number), since: time)
            if number % 4 == 0 { sums.addCensored(context, gap: Double(900 * number), since: time) }
        }
    }

    private static func add(_ sums: ContextSums, to all: inout [String: Double]) {
        all.merge(sums.named { stored[Int($0)] }) { $0 + $1 }
    }

    private static func requireSame(_ one: ContextSums, _ other: ContextSums) throws {
        let (first, second) = (one.named { $0 }, other.named { $0 })
        #expect(first.count == second.count)
        for (name, value) in first {
            let sum = try #require(second[name])
            #expect((sum - value).magnitude <= 1e-9 * max(value.magnitude, sum.magnitude), "\(name)")
        }
    }

    @Test("the parts of two processes make the same sums as all of it, also over the beginning of a landmark")
    func parts() throws {
        let landmark = ContextSums.landmark(at: 1_900_000_000)
        let start = landmark - 100 * 40_000
        var all = ContextSums(landmark: landmark)
        Self.observe(&all, from: start, 0..<200)

        var named: [String: Double] = [:]
        for range in [0..<30, 30..<110, 110..<200] {
            // The landmark of a part is that of its beginning.
            var part = ContextSums(landmark: ContextSums.landmark(at: start + Double(range.lowerBound) * 40_000))
            Self.observe(&part, from: start, range)
            Self.add(part, to: &named)
        }
        #expect(named.keys.contains { $0.hasPrefix("n11:") } && named.keys.contains { $0.hasPrefix("n12:") })
        let read = ContextSums(named: named, at: start + 200 * 40_000, classes: Self.classes)
        #expect(read.landmark == landmark)
        try Self.requireSame(all, read)
        // A process whose clock is behind the new landmark reads it as well.
        let early = ContextSums(named: named, at: landmark - 1, classes: Self.classes)
        var expected = ContextSums(landmark: landmark - 60 * Weights.halfLife)
        expected.merge(all) { $0 }
        try Self.requireSame(expected, early)
    }

    @Test("names of other sums, of other classes, and of anything else are passed over")
    func otherNames() {
        let names = [
            "n12:ff:0:1", "n12:ab:0:124", "n12:ab:115:0", "n12:ab:0", "n12:ab:0:1:2", "n:ab:0:0", "n12:xyz:0:0", "n12:ab:-1:0",
            "x12:ab:0:0",
            "", "n", "dab:1", "n99999999999999999999:ab:0:0", "n9:ab:0:0",
        ]
        let sums = Dictionary(uniqueKeysWithValues: names.map { ($0, 1.0) })
        let read = ContextSums(named: sums.merging(["n12:ab:0:1": .nan]) { $1 }, at: 1_900_000_000, classes: Self.classes)
        #expect(read.named { $0 }.isEmpty)
    }

    @Test("sums of landmarks before the last one are outdated")
    func outdated() {
        let names = ["n12:ab:0:1", "n11:ab:0:1", "n10:ab:0:1", "n3::0:1", "dab:1", "n13:ab:0:1"]
        #expect(ContextSums.outdated(names, at: 1_900_000_000) == ["n10:ab:0:1", "n3::0:1"])
        #expect(ContextSums.outdated(["n0:ab:0:1"], at: 0).isEmpty)
        #expect(ContextSums.landmark(at: -1) == 0)
    }

    @Test("a full tree has the ancestors, whatever else there is no room for")
    func fullTree() {
        let classes = Dictionary(uniqueKeysWithValues: (0..<1_001).map { (UInt32($0 + 1_000), UInt32($0)) })
        var sums = ["n12::0:0": 1.0]
        for stored in classes.keys {
            for place in 0..<21 { sums["n12:\(String(stored, radix: 16)):\(place):0"] = 1 }
        }
        let read = ContextSums(named: sums, at: 1_900_000_000, classes: classes)
        #expect(read.tree.count == ContextTree.maxNodes)
        let named = read.named { $0 }
        #expect(named.keys.count { $0.hasSuffix(":0:0") } == 1_002)
        #expect(named["n12::0:0"] == 1)
    }

    @Test("accounts that two processes have added to are one, and whether it is guarded is not a sum")
    func accounts() {
        let costs = PoolPrices(egress: 0.02, storage: 0.023, put: 5e-6, get: 4e-7, originGet: 4e-7).costs(of: 1e9)
        var all = GuardAccount()
        var sums: [String: Double] = [:]
        for number in 0..<100 {
            let before = all
            var open = 0.0
            all.countUse(costs)
            all.commit(costs, kept: 1_000 * Double(number), open: &open)
            if number == 50 { all.fade(86_400) }
            sums.merge(all.added(since: before, artifactClass: 0xAB, pool: 7)) { $0 + $1 }
        }
        let read = GuardAccount(named: sums, artifactClass: 0xAB, pool: 7, isGuarded: true)
        #expect(read.isGuarded)
        #expect((read.debt - all.debt).magnitude <= 1e-9 * all.debt.magnitude)
        #expect((read.allowance - all.allowance).magnitude <= 1e-9 * all.allowance)
        #expect(Set(sums.keys) == ["dab:7", "uab:7", "mab:7"])
        #expect(GuardAccount(named: sums, artifactClass: 0xAB, pool: 8, isGuarded: false) == GuardAccount())
        #expect(all.added(since: all, artifactClass: 1, pool: 1).isEmpty)
        #expect(GuardAccount(named: ["dab:7": .infinity], artifactClass: 0xAB, pool: 7, isGuarded: false) == GuardAccount())
    }
}
