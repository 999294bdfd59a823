import MirrorCore
import MirrorState

/// An open store, and shorthands for frequent steps of the cases.
struct ActivityScene: Sendable {
    let store: any StateStore & ActivityStore
    let clock: ManualClock

    /// Keys sort like their numbers, and all of them are in one part of a store that has parts by the first bits.
    func key(_ number: Int) -> ActivityKey { ActivityKey(high: 7 << 56, low: UInt64(number)) }

    /// Keys all over the range, the same each time.
    func scattered(_ number: Int) -> ActivityKey {
        ActivityKey(high: UInt64(number) &* 0x9E37_79B9_7F4A_7C15, low: UInt64(number) &* 0xBF58_476D_1CE4_E5B9)
    }

    func record(clock: UInt32, uses: UInt16 = 1) -> ActivityRecord {
        ActivityRecord(
            firstSeen: 1_000, artifactClass: 5,
            pools: [ActivityRecord.PoolUses(pool: 1, uses: uses, first: 1_000, own: clock, clock: clock, place: 19)])
    }

    /// Writes a record, replacing the existing one.
    @discardableResult
    func write(_ record: ActivityRecord?, _ key: ActivityKey) async throws -> ActivityUpdate<Void> {
        try await store.updateActivity([key]) { _, stored in stored = record }
    }

    func requireRecord(_ key: ActivityKey, _ expected: ActivityRecord?, file: String = #fileID, line: Int = #line) async throws {
        try requireEqual(try await store.activity(of: [key]), [expected], "record", file: file, line: line)
    }

    /// All records, over all pages.
    func all() async throws -> [ActivityPage.Entry] {
        var entries: [ActivityPage.Entry] = []
        var page = try await store.activityPage(after: nil)
        entries += page.entries
        while let next = page.next {
            page = try await store.activityPage(after: next)
            entries += page.entries
        }
        return entries
    }

    /// Runs `body` in `count` concurrent tasks.
    func race<Value: Sendable>(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Value) async throws -> [Value] {
        try await withThrowingTaskGroup(of: Value.self) { group in
            for number in 0..<count { group.addTask { try await body(number) } }
            return try await group.reduce(into: []) { $0.append($1) }
        }
    }
}
