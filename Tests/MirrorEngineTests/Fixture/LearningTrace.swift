import Retention
import Testing

/// Requests of thirty days, the same each time, for three kinds of artifacts in two pools: some are read often for some days, some come back after
/// one and a half, and some are read once.
enum LearningTrace {
    struct Use: Sendable {
        /// Seconds since the first.
        let time: Int
        let artifact: Int
        /// 0 or 1.
        let pool: Int
    }

    static let uses: [Use] = {
        var state: UInt64 = 42
        func next(_ limit: Int) -> Int {
            state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            return Int((state >> 33) % UInt64(limit))
        }
        var uses = [Use(time: 0, artifact: 0, pool: 0)]
        for artifact in 1..<90 {
            var time = 60 + next(16 * 86_400)
            for _ in 0..<[9, 5, 1][artifact % 3] {
                uses.append(Use(time: time, artifact: artifact, pool: next(5) == 0 ? 1 : 0))
                time += artifact % 3 == 0 ? 7_200 + next(14_400) : 131_000 + next(5_000)
            }
        }
        return uses.sorted { $0.time < $1.time }
    }()

    static func path(_ artifact: Int) -> String { "\(["often", "again", "once"][artifact % 3])/\(artifact)" }

    /// What the learning policy of a plan does at each use, and how many are hits by that policy and by half of T*.
    ///
    /// - Parameter start: When the first use is, in seconds since 1970.
    static func plan(
        bytes: Int64, _ prices: PoolPrices, admission: Admission = .always, from start: Int
    ) throws -> (decisions: Decisions, hits: (halfBreakEven: Int, hazard: Int)) {
        var options = ReplayOptions()
        options.recordsDecisions = true
        options.admission = admission
        var replay = Replay(options)
        for _ in 0..<2 { _ = replay.addPool(prices) }
        for use in uses {
            let hash = UInt64(use.artifact)
            let artifact = replay.artifact(hash) ?? replay.addArtifact(hash, bytes: bytes, artifactClass: UInt32(use.artifact % 3))
            replay.use(artifact, in: use.pool, at: Int64(start + use.time) * 1_000)
        }
        replay.end()
        let decisions = replay.decisions
        return (try #require(decisions), (replay.total(of: .halfBreakEven).hits, replay.total(of: .hazard).hits))
    }
}
