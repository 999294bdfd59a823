import MirrorState
import MirrorTesting
import RedisClient
import StateRedis
import TestServers
import Testing

@Suite("Activity in Redis", .enabled(if: RedisServer.isExpected), .timeLimit(.minutes(5)))
struct RedisActivityTests {
    private let clock = ManualClock()
    private let key = ActivityKey(high: 3 << 54 | 5, low: 2)
    private let record = ActivityRecord(
        firstSeen: 1, artifactClass: 2, pools: [ActivityRecord.PoolUses(pool: 1, uses: 1, first: 1, own: 1, clock: 1, place: 19)])

    /// The part of the records that ``key`` is in.
    private func part(_ place: RedisPlace) -> String { "\(place.prefix):activity:1:{activity:3}:records" }

    @Test("what one process writes is there for another, which is told of documents")
    func processes() async throws {
        let place = try await RedisPlace.onServer()
        let one = try await place.open(clock)
        let other = try await place.open(clock)
        var told = await other.activityChanges().makeAsyncIterator()
        _ = try await one.updateActivity([key]) { [record] _, stored in stored = record }
        #expect(try await other.activity(of: [key]) == [record])
        #expect(try await one.addSums(["a": 1]) == ["a": 1])
        #expect(try await other.addSums(["a": 2]) == ["a": 3])
        #expect(try await one.addClasses(["x"]) == ["x"])
        #expect(try await other.addClasses(["y"]) == ["x", "y"])
        #expect(try await one.takeComputingLease("one", duration: .seconds(60)))
        #expect(try await !other.takeComputingLease("other", duration: .seconds(60)))
        let version = try await one.replaceDocument(.table, with: [1, 2], version: 0)
        #expect(await told.next() != nil)
        #expect(try await other.document(.table)?.number == version)
        await one.close()
        await other.close()
    }

    @Test("a record that cannot be read counts as none, and is written anew")
    func damagedRecords() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        _ = try await store.updateActivity([key]) { [record] _, stored in stored = record }
        let field = try #require(try await admin.ask("HKEYS", part(place)).array?.first?.bytes)
        #expect(field == key.bytes)
        let script = "for _, field in ipairs(redis.call('HKEYS', KEYS[1])) do redis.call('HSET', KEYS[1], field, 'x') end"
        try await admin.ask("EVAL", script, "1", part(place))
        try await admin.ask("HSET", part(place), "short", "x")
        #expect(try await store.activity(of: [key]) == [nil])
        #expect(try await store.activityPage(after: nil).entries.isEmpty)
        let update = try await store.updateActivity([key]) { [record] _, stored in
            defer { stored = record }
            return stored == nil
        }
        #expect(update.outcomes == [true])
        #expect(try await store.activity(of: [key]) == [record])
        await store.close()
        await admin.close()
    }

    @Test("records may be evicted, and are unknown then; the sums of what was learnt may not")
    func eviction() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(clock)
        let admin = RedisTestClient(place.configuration)
        _ = try await store.updateActivity([key]) { [record] _, stored in stored = record }
        _ = try await store.addSums(["a": 1])
        #expect(try await admin.ask("TTL", part(place)).integer ?? 0 > 365 * 86_400)
        #expect(try await admin.ask("TTL", "\(place.prefix):activity:1:{learned:all}:sums") == .integer(-1))
        try await admin.ask("DEL", part(place))
        #expect(try await store.activity(of: [key]) == [nil])
        await store.close()
        await admin.close()
    }

    @Test("the server's time ends the right to compute where the store has no clock of its own")
    func serverTime() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(nil)
        #expect(try await store.takeComputingLease("one", duration: .milliseconds(0)))
        #expect(try await store.takeComputingLease("other", duration: .seconds(600)))
        #expect(try await !store.takeComputingLease("one", duration: .seconds(600)))
        await store.close()
    }
}
