import MirrorCore
import MirrorEngine
import MirrorState
import Retention
import StateSQLite
import TestServers
import Testing

@testable import CloudMirror
@testable import MirrorNode

@Suite("Checks of what was learned")
struct LearningCheckTests {
    private static let names = ["https://a.example/x", "https://a.example/y"]
    private static let pool = ActivityRecord.number(of: "local/dev")

    private func configuration(_ policy: RetentionConfiguration.Policy = .cost, in directory: String = "/none") -> Configuration {
        var configuration = Configuration(services: .standard, stateDirectory: directory)
        configuration.pools[0].retention.policy = policy
        return configuration
    }

    /// - Parameter uses: Of classes in `local/dev`.
    private func sums(_ uses: [String: Int]) -> [String: Double] {
        let costs = PoolPrices(egress: 1, storage: 1, put: 0, get: 0, originGet: 0).costs(of: 1)
        return uses.reduce(into: [:]) { sums, use in
            var account = GuardAccount()
            for _ in 0..<use.value { account.countUse(costs) }
            let added = account.added(since: GuardAccount(), artifactClass: ActivityRecord.number(of: use.key), pool: Self.pool)
            sums.merge(added) { $0 + $1 }
        }
    }

    private func guards(_ classes: [String], in pool: UInt32 = Self.pool) -> [UInt8] {
        var guarded = GuardedClasses()
        for name in classes { guarded.since[GuardedClasses.Key(artifactClass: ActivityRecord.number(of: name), pool: pool)] = 1 }
        return guarded.encoded
    }

    @Test("Guarded classes are named for the pools that go by cost, and said to need nothing")
    func guarded() {
        let learned = ActivitySummary(sums: [:], classes: Self.names, guards: guards(Self.names))
        let findings = LearningCheck(configuration()).findings(learned)
        #expect(findings.map(\.key) == ["pools.local/dev.retention.policy"])
        #expect(findings.first?.text.hasPrefix("2 classes are guarded, such as https://a.example/x: ") == true)
        #expect(findings.first?.severity == .warning)
        #expect(LearningCheck(configuration(.ttl)).findings(learned).isEmpty)
        let elsewhere = ActivitySummary(sums: [:], classes: Self.names, guards: guards(Self.names, in: 1))
        #expect(LearningCheck(configuration()).findings(elsewhere).isEmpty)
    }

    @Test("More than half of the uses in the class for the rest are too many", arguments: [(3, true), (2, false)])
    func other(others: Int, isFound: Bool) {
        let learned = ActivitySummary(
            sums: sums([Self.names[0]: 1, Self.names[1]: 1, ClassList.other: others]), classes: Self.names, guards: [])
        #expect(LearningCheck(configuration()).findings(learned).map(\.key) == (isFound ? ["retention.classes"] : []))
    }

    @Test("What a mirror has learned is read from its file while it serves, and no file is made where there is none")
    func reads() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/state.sqlite"
        #expect(SQLiteStateStore.summary(at: path) == nil)
        let store = try SQLiteStateStore(path: path, maxQueued: 10, takeOver: true)
        #expect(SQLiteStateStore.summary(at: path) == ActivitySummary(sums: [:], classes: [], guards: []))
        _ = try await store.addSums(sums([ClassList.other: 1]))
        _ = try await store.addClasses(Self.names)
        _ = try await store.replaceDocument(.guards, with: guards([Self.names[1]]), version: 0)
        var lines: [String] = []
        await LearningCheck(configuration(in: directory.path)).run { lines.append($0.row) }
        #expect(lines.count == 2)
        #expect(lines.first?.contains("the class https://a.example/y is guarded") == true)
        await store.close()
    }
}
