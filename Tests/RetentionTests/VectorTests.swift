import Testing

@testable import Retention

@Suite("What another implementation computes")
struct VectorTests {
    private static func isClose(_ a: Double, _ b: Double) -> Bool { abs(a - b) <= 1e-9 * max(1e-12, abs(b)) }

    @Test("bins, rates and ages are the same")
    func units() throws {
        let units = try Vectors.load().units
        #expect(AgeBins.edges.count == units.edges.count)
        #expect(Array(AgeBins.edges.prefix(units.edges.first.count)) == units.edges.first)
        #expect(Self.isClose(try #require(AgeBins.edges.last), units.edges.last))
        for vector in units.bin { #expect(AgeBins.bin(vector.gap) == vector.bin, "gap \(vector.gap)") }
        for vector in units.rateClass { #expect(Context.rate(uses: vector.uses, since: vector.span) == vector.class, "\(vector)") }
        for vector in units.ageClass { #expect(Context.age(vector.age) == vector.class, "\(vector)") }
    }

    @Test("each edge belongs to the bin below it, and what is longer to the next")
    func bins() {
        for bin in 0..<AgeBins.count {
            #expect(AgeBins.bin(AgeBins.edges[bin + 1]) == bin)
            #expect(AgeBins.bin(AgeBins.edges[bin + 1].nextUp) == min(bin + 1, AgeBins.count - 1))
        }
        #expect(AgeBins.bin(.infinity) == AgeBins.count - 1)
    }

    @Test("hazards, and the life that follows from them")
    func table() throws {
        let vector = try Vectors.load().units.table
        func bins(_ weights: [String: Double]) -> [Double] { (0..<AgeBins.count).map { weights["\($0)"] ?? 0 } }
        let root = Hazards(events: bins(vector.events), censored: bins(vector.censored), prior: nil)
        let child = Hazards(events: bins(vector.childEvents), censored: bins(vector.childCensored), prior: root.values)
        for bin in 0..<AgeBins.count {
            #expect(Self.isClose(root.values[bin], vector.hazard[bin]), "bin \(bin)")
            #expect(Self.isClose(child.values[bin], vector.childHazard[bin]), "bin \(bin) of the child")
        }
        let costs = try #require(try Vectors.priceSet("aws").prices(region: "r0")).costs(of: 104_857_600)
        #expect(Self.isClose(costs.copy, vector.object.copy))
        #expect(Self.isClose(costs.hit, vector.object.hit))
        #expect(Self.isClose(costs.storage, vector.object.storage))
        #expect(Self.isClose(costs.breakEven, vector.object.tstar))
        for (hazards, expected) in [(root, vector.object.root), (child, vector.object.child)] {
            let life = hazards.life(costs)
            #expect(Self.isClose(life.seconds, expected.T))
            #expect(Self.isClose(life.useProbability, expected.F))
            #expect(Self.isClose(life.meanWait, expected.I))
            #expect(Self.isClose(life.value(costs), expected.value))
        }
    }

    private static let names = ["three-reads", "two-parts", "tiny-objects", "bursts", "used-elsewhere", "guard-engages"]

    private static func trace(_ name: String) throws -> Vectors.Trace {
        try #require(try Vectors.load().traces.first { $0.name == name })
    }

    @Test("no list of uses is left out")
    func allNames() throws {
        #expect(try Vectors.load().traces.map(\.name) == Self.names)
    }

    @Test("each policy pays the same for the same uses", arguments: names)
    func costs(_ name: String) throws {
        let trace = try Self.trace(name)
        let replay = try NamedReplay(trace.requests, try Vectors.priceSet(trace.prices))
        for policy in ReplayPolicy.allCases { try Self.expect(replay.ledgers[policy], trace.costs[policy.rawValue], policy.rawValue) }
    }

    @Test("the learning policy without its guard, and with admission by cost, pays the same", arguments: names)
    func variants(_ name: String) throws {
        let trace = try Self.trace(name)
        var options = ReplayOptions()
        options.isGuarded = false
        let prices = try Vectors.priceSet(trace.prices)
        let unguarded = try NamedReplay(trace.requests, prices, options)
        try Self.expect(unguarded.ledgers[.hazard], trace.costs["hazard-unguarded"], "unguarded")
        options.isGuarded = true
        options.admission = .cost
        let selective = try NamedReplay(trace.requests, prices, options)
        try Self.expect(selective.ledgers[.hazard], trace.costs["hazard-cost-admission"], "admission")
    }

    private static func expect(_ ledger: Ledger?, _ costs: Vectors.Costs?, _ what: String) throws {
        let (ledger, costs) = (try #require(ledger), try #require(costs))
        #expect(isClose(ledger.storage, costs.storage), "storage of \(what)")
        #expect(isClose(ledger.egress, costs.egress), "egress of \(what)")
        #expect(isClose(ledger.requests, costs.requests), "requests of \(what)")
        #expect(isClose(ledger.total, costs.total), "total of \(what)")
        #expect([ledger.hits, ledger.copies, ledger.redirects] == [costs.hits, costs.copies, costs.redirects], "counts of \(what)")
    }

    @Test("the learning policy decides the same at each use, and has the same tables", arguments: names)
    func decisions(_ name: String) throws {
        let trace = try Self.trace(name)
        let replay = try NamedReplay(trace.requests, try Vectors.priceSet(trace.prices))
        let decisions = try #require(replay.decisions)
        #expect(decisions.isHit.map { $0 ? "h" : "c" }.joined() == trace.hazard.outcomes)
        // The vectors have milliseconds.
        #expect(zip(decisions.keep, trace.hazard.keep).allSatisfy { abs($0 - $1) <= 0.001 })
        #expect(decisions.keep.count == trace.hazard.keep.count)
        let start = try #require(trace.requests.first).time
        for expected in trace.hazard.tables {
            let table = try #require(replay.tables.first { $0.time - start == expected.time })
            #expect(Set(table.lives.keys) == Set(expected.T.keys))
            for (context, regions) in expected.T {
                for (region, life) in regions {
                    #expect(abs((table.lives[context]?[region] ?? -1) - life) < 1e-6, "\(context) in \(region) at \(expected.time)")
                }
            }
            #expect(table.guarded == expected.guarded.count)
        }
    }
}
