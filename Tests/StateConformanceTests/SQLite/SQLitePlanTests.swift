import GRDB
import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

@Suite("How the SQLite state finds what it looks for", .timeLimit(.minutes(15)))
struct SQLitePlanTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()
    private let seen = SeenStatements()
    private var path: String { "\(directory.path)/state.sqlite" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// What SQLite says that it does to run a statement.
    private func plan(_ sql: String, _ file: DatabaseQueue) throws -> [String] {
        try file.write { db in
            let statement = try db.makeStatement(sql: "EXPLAIN QUERY PLAN \(sql)")
            statement.setUncheckedArguments(StatementArguments())
            return try Row.fetchAll(statement).map { $0["detail"] ?? "" }
        }
    }

    /// Everything that the suites do with a store.
    private func runSuites() async throws {
        for testCase in StateStoreSuite.cases + StateStoreSuite.durableCases {
            let place = try TemporaryDirectory()
            try await testCase.run(
                StateStoreSubject { [seen] clock, maxQueued, perOrigin in
                    try await seen.open(
                        "\(place.path)/state.sqlite", maxQueued: maxQueued, maxQueuedPerOrigin: perOrigin, takeOver: false, clock: clock)
                })
        }
        for testCase in ActivityStoreSuite.cases {
            let place = try TemporaryDirectory()
            try await testCase.run(
                ActivityStoreSubject { [seen] clock, history, maxSums in
                    try await seen.open(
                        "\(place.path)/state.sqlite", maxQueued: 1_000, history: history, maxSums: maxSums, takeOver: false, clock: clock)
                })
        }
    }

    /// A start with replicas in the file, and the count after it.
    private func takeOver() async throws {
        let before = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: false, clock: clock)
        for number in 0..<3 {
            let id = try Sample.id(number)
            _ = try await before.recordPresent(id, Sample.object(id))
        }
        await before.close()
        let store = try await seen.open(path, takeOver: true, clock: clock)
        try await eventually("the totals are counted") { seen.all.contains { $0.contains("max(number)") } }
        await store.close()
    }

    @Test("no statement reads all replicas, or all of a pool")
    func scansNothing() async throws {
        try await runSuites()
        try await takeOver()
        let kinds = ["SELECT", "INSERT", "UPDATE", "DELETE", "WITH"]
        let statements = Set(seen.all).filter { sql in kinds.contains { sql.hasPrefix($0) } }.filter { $0.contains("replicas") }
        // Of those that run only at a start, only after the clock was set back, and only when something is removed.
        for part in ["token = NULL", "marked_by_time", "min(pool)", "max(number)", "DELETE FROM replicas", "errors_by_retry"] {
            #expect(statements.contains { $0.contains(part) }, "\(part)")
        }
        let file = try DatabaseQueue(path: path)
        for sql in statements.sorted() {
            for step in try plan(sql, file) {
                #expect(!step.hasPrefix("SCAN replicas"), "\(sql): \(step)")
                // A search for nothing but the pool, in an index of all its replicas.
                for index in ["replicas_by_name", "replicas_by_status", "present_by_use"] {
                    #expect(!step.hasSuffix("\(index) (pool=?)"), "\(sql): \(step)")
                }
                if sql.hasPrefix("SELECT pool, url") { #expect(!step.contains("TEMP B-TREE"), "\(sql): \(step)") }
            }
        }
        try file.close()
    }
}
