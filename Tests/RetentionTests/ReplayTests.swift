import Testing

@testable import Retention

@Suite("Replays")
struct ReplayTests {
    private static let prices = PoolPrices(egress: 1, storage: 730, put: 0, get: 0, originGet: 0)
    private static let gibibyte = Int64(1 << 30)

    private static func replay(_ prices: PoolPrices, _ uses: [(artifact: UInt64, bytes: Int64, time: Int64)]) -> [ReplayPolicy: Ledger] {
        var replay = Replay(ReplayOptions())
        let pool = replay.addPool(prices)
        for use in uses {
            let artifact = replay.artifact(use.artifact) ?? replay.addArtifact(use.artifact, bytes: use.bytes, artifactClass: 0)
            replay.use(artifact, in: pool, at: use.time)
        }
        replay.end()
        return Dictionary(uniqueKeysWithValues: ReplayPolicy.allCases.map { ($0, replay.total(of: $0)) })
    }

    @Test("a use that comes with an earlier time counts as if it were at the time of the last")
    func clockSteps() throws {
        let ledgers = Self.replay(
            Self.prices, [(1, Self.gibibyte, 10_000_000), (1, Self.gibibyte, 5_000_000), (1, Self.gibibyte, 11_800_000)])
        #expect(try #require(ledgers[.breakEven]).hits == 2)
        #expect(abs(try #require(ledgers[.store]).storage - 0.5) < 1e-12)
    }

    @Test("a hole of centuries is passed without a table for each of its days")
    func longHole() throws {
        let ledgers = Self.replay(Self.prices, [(1, Self.gibibyte, 0), (1, Self.gibibyte, 1 << 46)])
        #expect(try #require(ledgers[.hazard]).copies == 2)
    }

    @Test("what has no size, and storage that costs nothing, make no total that is not a number")
    func zeros() throws {
        let free = PoolPrices(egress: 0, storage: 0, put: 0, get: 0, originGet: 0)
        let day: Int64 = 86_400_000
        for (prices, bytes) in [(free, Self.gibibyte), (free, 0), (Self.prices, 0)] {
            let ledgers = Self.replay(prices, (0..<50).map { (UInt64($0 % 3), bytes, Int64($0) * day) })
            for policy in ReplayPolicy.allCases {
                let ledger = try #require(ledgers[policy])
                #expect(ledger.total == 0, "\(policy)")
                #expect(ledger.hits + ledger.copies + ledger.redirects == 50, "\(policy)")
            }
        }
    }

    @Test("the clairvoyant policy pays the least of all combinations of keeping and dropping")
    func clairvoyant() throws {
        let fees = PoolPrices(egress: 1, storage: 730, put: 0.7, get: 0.01, originGet: 0.02)
        let costs = fees.costs(of: Double(Self.gibibyte))
        for seed in 0..<200 {
            var state = UInt64(seed) &* 2_862_933_555_777_941_757 &+ 3_037_000_493
            let gaps = (0..<7).map { _ -> Int64 in
                state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
                return Int64((state >> 33) % 9_000_000)
            }
            var time: Int64 = 0
            var uses = [(UInt64(1), Self.gibibyte, Int64(0))]
            for gap in gaps {
                time += gap
                uses.append((1, Self.gibibyte, time))
            }
            // Each bit: kept through the gap.
            var least = Double.infinity
            for kept in 0..<(1 << gaps.count) {
                var total = kept & 1 == 1 ? costs.copy : costs.redirect
                for (index, gap) in gaps.enumerated() {
                    let isNext = index + 1 < gaps.count && kept & (1 << (index + 1)) != 0
                    if kept & (1 << index) != 0 {
                        total += costs.storage * Double(gap) / 1_000 + costs.hit
                    } else {
                        total += isNext ? costs.copy : costs.redirect
                    }
                }
                least = min(least, total)
            }
            let ledger = try #require(Self.replay(fees, uses)[.clairvoyant])
            #expect(abs(ledger.total - least) < 1e-9, "seed \(seed)")
            #expect(ledger.hits + ledger.copies + ledger.redirects == uses.count)
        }
    }

    @Test("the best fixed life costs what a replay with it would")
    func fixedLives() {
        var replay = Replay(ReplayOptions())
        let pool = replay.addPool(Self.prices)
        for artifact in UInt64(0)..<50 {
            let number = replay.addArtifact(artifact, bytes: Self.gibibyte, artifactClass: 0)
            for use in 0..<4 { replay.use(number, in: pool, at: Int64(artifact) * 1_000_000 + Int64(use) * 59_000) }
        }
        replay.end()
        let best = replay.bestFixedLife(in: pool)
        #expect(best.seconds == 60)
        // A copy, three gaps of 59 s and a tail of a minute, each.
        #expect(abs(best.total - 50 * (1 + (3 * 59.0 + 60) / 3_600)) < 1e-9)
    }

    @Test("what is remembered of an artifact and of its pools fits into a cache line and a half")
    func sizes() {
        #expect(MemoryLayout<ReplayKey>.stride == 64)
        #expect(MemoryLayout<ReplayArtifact>.stride == 24)
    }

    @Test("many artifacts are found again")
    func index() {
        var index = ArtifactIndex()
        for number in UInt64(0)..<5_000 { _ = index.insert(number &* 0x9E37_79B9_7F4A_7C15, bytes: Int64(number), artifactClass: 1) }
        for number in UInt64(0)..<5_000 { #expect(index.find(number &* 0x9E37_79B9_7F4A_7C15) == Int(number)) }
        #expect(index.find(7) == nil)
    }

    @Test("of two that wait equally long, the one that is read more often is worth more per byte")
    func expectedSaving() {
        let costs = PoolPrices(egress: 0.02, storage: 0.023, put: 5e-6, get: 4e-7, originGet: 4e-7).costs(of: Double(Self.gibibyte))
        func hazards(_ events: Double) -> Hazards {
            Hazards(
                events: (0..<AgeBins.count).map { $0 == 40 ? events : 0 }, censored: (0..<AgeBins.count).map { $0 == 50 ? 100 : 0 },
                prior: nil)
        }
        let (often, seldom) = (hazards(1_000), hazards(10))
        #expect(often.value(costs, after: 86_400) > seldom.value(costs, after: 86_400))
        #expect(seldom.value(costs, after: 86_400) >= 0)
        // Behind all gaps that were seen, nothing more is expected than what is borrowed from younger ages.
        #expect(often.value(costs, after: 86_400) > often.value(costs, after: 86_400 * 200))
    }
}
