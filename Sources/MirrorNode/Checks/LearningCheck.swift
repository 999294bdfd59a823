import Logging
import MirrorCore
import MirrorEngine
package import MirrorState
package import MirrorStorage
import NIOPosix
import Retention
import StateRedis
import StateSQLite

/// Says where what was learned is not used, or of little use, in pools with the policy `cost`.
package struct LearningCheck: Sendable {
    /// From this share of the uses on, classes are too coarse.
    private static let manyUses = 0.5

    private let configuration: Configuration

    package init(_ configuration: Configuration) {
        self.configuration = configuration
    }

    /// - Parameter report: Called with each line. There is none if the state cannot be read: ``StateCheck`` says why.
    package func run(report: (SetupLine) -> Void) async {
        guard configuration.pools.contains(where: { $0.retention.policy == .cost }), let learned = await learned() else { return }
        for finding in findings(learned) { report(finding.line) }
    }

    private func learned() async -> ActivitySummary? {
        switch configuration.state {
        case .sqlite(let path): return SQLiteStateStore.summary(at: path)
        case .redis(let redis):
            let store = redis.openState(
                configuration, group: MultiThreadedEventLoopGroup.singleton,
                logger: Logger(label: "cloud-mirror", factory: { _ in SwiftLogNoOpLogHandler() }))
            let learned = try? await store.summary()
            await store.close()
            return learned
        }
    }

    package func findings(_ learned: ActivitySummary) -> [Finding] {
        let names = Dictionary(learned.classes.map { (ActivityRecord.number(of: $0), $0) }) { first, _ in first }
        let guarded = GuardedClasses(encoded: learned.guards)
        return configuration.pools.filter { $0.retention.policy == .cost }.flatMap { pool in
            let number = ActivityRecord.number(of: pool.id.description)
            let classes = guarded.since.keys.filter { $0.pool == number }.map { names[$0.artifactClass] ?? ClassList.other }.sorted()
            return Self.guarded(classes, in: pool.id) + Self.other(GuardAccount.uses(in: learned.sums, pool: number), in: pool.id)
        }
    }

    private static func guarded(_ classes: [String], in pool: PoolID) -> [Finding] {
        guard let first = classes.first else { return [] }
        let which = classes.count == 1 ? "the class \(first) is guarded" : "\(classes.count) classes are guarded, such as \(first)"
        return [
            Finding(
                .warning, "pools.\(pool).retention.policy",
                "\(which): what was learned has cost too much there, so copies are kept for the break-even life until that is made up for; nothing has "
                    + "to be done (docs/money.md)")
        ]
    }

    private static func other(_ uses: [UInt32: Double], in pool: PoolID) -> [Finding] {
        let others = uses[ActivityRecord.number(of: ClassList.other)] ?? 0
        guard others > manyUses * uses.values.reduce(0, +) else { return [] }
        return [
            Finding(
                .warning, "retention.classes",
                "more than half of the uses in \(pool) are of artifacts beyond the first \(ClassList.maxClasses) classes, of which is only learned what "
                    + "holds for all of them; write patterns for artifacts that are used alike")
        ]
    }
}
