import GRDB
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

@Suite("Activity in SQLite")
struct SQLiteActivityTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()
    private let key = ActivityKey(high: 1, low: 2)

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func open(takeOver: Bool = true) throws -> SQLiteStateStore {
        try SQLiteStateStore(path: "\(directory.path)/state.sqlite", maxQueued: 10, takeOver: takeOver, clock: clock)
    }

    @Test("the process that serves next may compute at once")
    func takeOver() async throws {
        let first = try open()
        #expect(try await first.takeComputingLease("first", duration: .seconds(600)))
        await first.close()
        let reader = try open(takeOver: false)
        #expect(try await !reader.takeComputingLease("reader", duration: .seconds(600)))
        await reader.close()
        let second = try open()
        #expect(try await second.takeComputingLease("second", duration: .seconds(600)))
        await second.close()
    }

    @Test("a record that cannot be read counts as none, and is written anew")
    func damagedRecords() async throws {
        let store = try open()
        let record = ActivityRecord(firstSeen: 1, artifactClass: 2, pools: [])
        _ = try await store.updateActivity([key]) { _, stored in stored = record }
        let file = try DatabaseQueue(path: "\(directory.path)/state.sqlite")
        try await file.write { db in try db.execute(sql: "UPDATE activity SET record = x'01'") }
        try file.close()
        #expect(try await store.activity(of: [key]) == [nil])
        #expect(try await store.activityPage(after: nil) == ActivityPage(entries: [], next: nil))
        let update = try await store.updateActivity([key]) { _, stored in
            defer { stored = record }
            return stored == nil
        }
        #expect(update.outcomes == [true])
        #expect(try await store.activity(of: [key]) == [record])
        await store.close()
    }

    @Test("a count that cannot be ends nothing")
    func damagedCounts() async throws {
        let store = try open()
        let file = try DatabaseQueue(path: "\(directory.path)/state.sqlite")
        try await file.write { db in try db.execute(sql: "UPDATE counters SET value = ? WHERE name = 'activity'", arguments: [Int64.min]) }
        try file.close()
        let record = ActivityRecord(firstSeen: 1, artifactClass: 2, pools: [])
        _ = try await store.updateActivity([key]) { _, stored in stored = record }
        #expect(try await store.activity(of: [key]) == [record])
        await store.close()
    }
}
