import Testing

@testable import Retention

@Suite("What is observed")
struct ContextTests {
    /// Ten thousand uses of a few hundred artifacts in three pools, from a generator of our own: the same each time.
    private static func uses() -> [(artifact: Int, pool: Int, time: Double)] {
        var state: UInt64 = 7
        func random(_ limit: UInt64) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % limit)
        }
        var time = 1_700_000_000.0
        return (0..<10_000).map { _ in
            time += Double(random(3_000))
            return (random(300), random(3), time)
        }
    }

    private static let prices = (0..<3).map {
        PoolPrices(egress: 0.02 + Double($0) * 0.01, storage: 0.023, put: 5e-6, get: 4e-7, originGet: 4e-7)
    }

    /// Records the uses, each by the process that `process` says, and makes the table of all.
    private static func table(_ processes: Int, _ process: (Int) -> Int) -> (table: RetentionTable, sums: ContextSums) {
        let uses = uses()
        var sums = [ContextSums](repeating: ContextSums(landmark: uses[0].time), count: processes)
        var records: [Int: [Int: PoolActivity]] = [:]
        var firstSeen: [Int: Double] = [:]
        for (number, use) in uses.enumerated() {
            let process = process(number)
            let bytes = Double(1_000_000 * (use.artifact + 1))
            let age = Context.age(use.time - firstSeen[use.artifact, default: use.time])
            firstSeen[use.artifact] = firstSeen[use.artifact] ?? use.time
            for (pool, var activity) in records[use.artifact] ?? [:] where pool != use.pool {
                _ = activity.renew(at: use.time, age: age, after: prices[pool].renewalInterval, bytes: bytes, into: &sums[process])
                records[use.artifact]?[pool] = activity
            }
            if var activity = records[use.artifact]?[use.pool] {
                activity.use(at: use.time, age: age, bytes: bytes, into: &sums[process])
                records[use.artifact]?[use.pool] = activity
            } else {
                records[use.artifact, default: [:]][use.pool] = PoolActivity(
                    at: use.time, of: UInt32(use.artifact % 5), age: age, bytes: bytes, into: &sums[process])
            }
        }
        var all = ContextSums(landmark: uses[0].time)
        for part in sums { all.merge(part) { $0 } }
        var maker = TableMaker(all, at: uses[uses.count - 1].time)
        for pools in records.values { for activity in pools.values { maker.addWaiting(activity.context, since: activity.clock) } }
        return (maker.table(prices), all)
    }

    @Test("two processes with half of the uses each make the same table as one")
    func merging() throws {
        let (one, sums) = Self.table(1) { _ in 0 }
        let (two, otherSums) = Self.table(2) { $0 % 2 }
        #expect(one.nodes == two.nodes)
        #expect(one.nodes > 50)
        var lives: Set<Double> = []
        for artifactClass in UInt32(0)..<5 {
            for isElsewhere in [false, true] {
                for rate in 0..<8 {
                    for age in 0..<6 {
                        let context = Context(artifactClass, isElsewhere: isElsewhere, rate: rate, age: age)
                        for pool in 0..<3 {
                            let (a, b) = (one.life(context, of: sums.tree, pool: pool), two.life(context, of: otherSums.tree, pool: pool))
                            #expect(a.seconds == b.seconds)
                            #expect(abs(a.useProbability - b.useProbability) < 1e-9)
                            #expect(abs(a.meanWait - b.meanWait) <= 1e-9 * b.meanWait)
                            lives.insert(a.seconds)
                        }
                    }
                }
            }
        }
        // Not the same for everything.
        #expect(lives.count > 3)
    }

    @Test("moving the landmark changes no table")
    func rebasing() {
        var sums = ContextSums(landmark: 0)
        let context = Context(0, isElsewhere: false, rate: 1, age: 1)
        let year = 365 * 86_400.0
        for day in 0..<3_000 { sums.addEvent(context, gap: Double(day % 50) * 3_600, since: Double(day) * 86_400) }
        sums.addSize(context, bytes: 1e9)
        let prices = [PoolPrices(egress: 0.02, storage: 0.023, put: 5e-6, get: 4e-7, originGet: 4e-7)]
        let before = TableMaker(sums, at: 8.3 * year).table(prices)
        sums.rebase(at: 8.3 * year)
        #expect(sums.landmark == 1_800 * 86_400)
        let after = TableMaker(sums, at: 8.3 * year).table(prices)
        let (a, b) = (before.life(context, of: sums.tree, pool: 0), after.life(context, of: sums.tree, pool: 0))
        #expect(a.seconds == b.seconds)
        #expect(abs(a.meanWait - b.meanWait) < 1e-9 * a.meanWait)
    }

    @Test("a full tree gives what is new to its nearest ancestor")
    func fullTree() {
        var tree = ContextTree()
        var artifactClass: UInt32 = 0
        while tree.count < ContextTree.maxNodes {
            for rate in 0..<8 { for age in 0..<6 { _ = tree.insert(Context(artifactClass, isElsewhere: true, rate: rate, age: age)) } }
            artifactClass += 1
        }
        let known = Context(0, isElsewhere: true, rate: 3, age: 2)
        let unknownAge = Context(artifactClass + 1, isElsewhere: false, rate: 3, age: 2)
        let nearest = tree.insert(unknownAge)
        #expect(nearest == 0)
        let number = tree.insert(known)
        #expect(tree.words(of: number) { "c\($0)" } == ["c0", "1", "3", "2"])
        #expect(tree.node(Context(0, isElsewhere: false, rate: 0, age: 0), among: .max) == 1)
        // A table that was made before the context was known.
        #expect(tree.node(known, among: 2) == 1)
        #expect(tree.count == ContextTree.maxNodes)
    }

    @Test("a class is the origin and its directories, without what says which one")
    func classes() {
        func name(_ url: String) -> String { ClassRule.origin.artifactClass(of: url.utf8) }
        #expect(name("https://a.example/dist/v1.2/linux/x86_64/file.tar.gz") == "https://a.example/dist/*/linux/*")
        #expect(name("https://a.example:8443/one/two/three/four/five/file") == "https://a.example:8443/one/two/three/four")
        #expect(name("https://a.example/file?path=/x/y/z") == "https://a.example")
        #expect(name("/downloads/nightly/file") == "/downloads/nightly")
        #expect(name("https://a.example/\(String(repeating: "a", count: 41))/f") == "https://a.example/*")
        #expect(
            name("https://a.example/\(String(repeating: "a", count: 40))/f") == "https://a.example/\(String(repeating: "a", count: 40))")
        #expect(name("") == "")
        #expect(ClassRule.directory.artifactClass(of: "a/1/2".utf8) == "a/1")
        #expect(ClassRule.directory.artifactClass(of: "a".utf8) == "")
    }

    @Test("after a thousand classes all others are one")
    func manyClasses() {
        var list = ClassList()
        let numbers = (0..<1_100).map { list.number(of: "c\($0)") }
        #expect(numbers == (0..<1_100).map { UInt32(min($0, ClassList.maxClasses)) })
        #expect(list.name(numbers[1_099]) == ClassList.other)
        let known = list.number(of: "c7")
        #expect(known == 7)
        #expect(list.names.count == ClassList.maxClasses + 1)
    }
}
