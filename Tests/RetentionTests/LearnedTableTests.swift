import Testing

@testable import Retention

@Suite("The table that processes share")
struct LearnedTableTests {
    private static let gibibyte = 1_073_741_824.0
    private static let prices = PoolPrices(egress: 0.02, storage: 0.023, put: 5e-6, get: 4e-7, originGet: 4e-7)
    private static let hourly = Context(0, isElsewhere: false, rate: 2, age: 3)
    private static let rare = Context(1, isElsewhere: true, rate: 6, age: 1)

    private static var sums: ContextSums {
        var sums = ContextSums(landmark: 1_000)
        for number in 0..<200 {
            sums.addEvent(hourly, gap: 3_600 + Double(number), since: Double(number) * 4_000)
            sums.addSize(hourly, bytes: gibibyte)
            sums.addCensored(rare, gap: 900_000, since: Double(number) * 100)
            sums.addSize(rare, bytes: gibibyte / 2)
        }
        return sums
    }

    private static var learned: LearnedTable {
        var maker = TableMaker(sums, at: 1_000_000)
        maker.addWaiting(rare, since: 500_000)
        return maker.learned(classes: ["https://a.example.org/x", "models"])
    }

    @Test("a process that reads it has the same lives as the one that made it")
    func roundTrip() throws {
        var maker = TableMaker(Self.sums, at: 1_000_000)
        maker.addWaiting(Self.rare, since: 500_000)
        let own = maker.table([Self.prices])
        let learned = Self.learned
        let read = try #require(LearnedTable(encoded: learned.encoded))
        #expect(read == learned)
        let lives = read.lives([Self.prices])
        for node in 0..<own.nodes { #expect(lives.life(node: node, pool: 0) == own.life(node: node, pool: 0), "\(node)") }
        #expect(own.life(node: learned.node(Self.hourly, in: "https://a.example.org/x"), pool: 0).seconds > 3_600)
    }

    @Test("a wait that seems to have begun in the future weighs as one that begins now")
    func futureWait() {
        func learned(since clock: Double) -> LearnedTable {
            var maker = TableMaker(Self.sums, at: 1_000_000)
            maker.addWaiting(Self.rare, since: clock)
            return maker.learned(classes: ["https://a.example.org/x", "models"])
        }
        let decade = 10 * 365 * 86_400.0
        #expect(learned(since: 1_000_000 + decade) == learned(since: 1_000_000))
        #expect(learned(since: 1_000_000) != learned(since: 999_000))
    }

    @Test("a class is found by its name, whatever its number is elsewhere, and what it does not know has the life of everything")
    func names() throws {
        let learned = Self.learned
        let elsewhere = Context(7, isElsewhere: true, rate: 6, age: 1)
        let node = learned.node(elsewhere, in: "models")
        #expect(learned.tree.words(of: node) { learned.classes[Int($0)] } == ["models", "1", "6", "1"])
        #expect(learned.path(node).count == 5)
        #expect(learned.path(node).last == 0)
        #expect(learned.node(elsewhere, in: "unknown") == 0)
        let younger = Context(7, isElsewhere: false, rate: 0, age: 0)
        #expect(learned.node(younger, in: "models") == learned.path(node)[3])
    }

    @Test("bytes that are cut off, or not a table, are none")
    func damaged() {
        let bytes = Self.learned.encoded
        for length in stride(from: 0, to: bytes.count, by: 61) {
            #expect(LearnedTable(encoded: Array(bytes[..<length])) == nil, "\(length)")
        }
        #expect(LearnedTable(encoded: bytes + [0]) == nil)
        for place in stride(from: 0, to: bytes.count, by: 7) {
            var damaged = bytes
            damaged[place] = 0xFF
            // Whatever it says, it does not end the process.
            if let read = LearnedTable(encoded: damaged) { #expect(read.nodes.count == read.tree.count, "\(place)") }
        }
    }

    @Test(
        "classes that an operator names are found by the beginning of a URL",
        arguments: [
            ("https://a.example.org/nightly/2026/x.tar", "https://a.example.org/nightly/"),
            ("https://a.example.org/r/v1.2/linux/x.tar?sig=/", "https://a.example.org/r/*/linux/"),
            ("https://a.example.org/r/v1.2/other/linux/x.tar", "https://a.example.org/r/*/other"),
            ("https://a.example.org/r/ab-cd-linux.tar", "https://a.example.org/r/*-linux"),
            ("https://b.example.org/some/where/x.tar", "https://b.example.org/some/where"),
        ])
    func patterns(url: String, expected: String) {
        let classes = ClassPatterns([
            "https://a.example.org/nightly/", "https://a.example.org/r/*/linux/", "https://a.example.org/r/*-linux",
            "https://a.example.org/r/*/other",
        ])
        #expect(classes.artifactClass(of: url) == expected)
    }
}
