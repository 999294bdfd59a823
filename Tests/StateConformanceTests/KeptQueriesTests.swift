import MirrorCore
import MirrorTesting
import RedisClient
import StateRedis
import StateSQLite
import TestServers
import Testing

@testable import MirrorState

@Suite("Kept queries")
struct KeptQueriesTests {
    private let clock = ManualClock()

    @Test("The oldest go when there are too many of them, or too many bytes")
    func isBounded() throws {
        // Of the queries and of their names.
        let queries = KeptQueries(clock: clock, maxCount: 3, maxBytes: 10 + 3 * (try Sample.id(1).artifact.description.utf8.count))
        for number in 1...3 { queries.keep(FetchQuery("\(number)"), for: try Sample.id(number)) }
        // A newer one of the oldest makes it the youngest.
        queries.keep(FetchQuery("new"), for: try Sample.id(1))
        queries.keep(FetchQuery("4"), for: try Sample.id(4))
        func kept() throws -> [String?] { try (1...4).map { queries.query(for: try Sample.id($0))?.text } }
        #expect(try kept() == ["new", nil, "3", "4"])
        queries.keep(FetchQuery("1234567"), for: try Sample.id(4))
        #expect(try kept() == ["new", nil, nil, "1234567"])
        queries.keep(FetchQuery(String(repeating: "x", count: 200)), for: try Sample.id(2))
        #expect(try kept() == [nil, nil, nil, nil])
        queries.keep(FetchQuery("0123456789"), for: try Sample.id(3))
        #expect(try kept() == [nil, nil, "0123456789", nil])
    }

    @Test("One that is kept again and again, or dropped each time, costs no more than one")
    func doesNotGrow() throws {
        let queries = KeptQueries(clock: clock, maxCount: 4, maxBytes: 1_000)
        for number in 1...1_000 {
            queries.keep(FetchQuery("\(number)"), for: try Sample.id(1))
            queries.keep(FetchQuery("\(number)"), for: try Sample.id(2))
            queries.drop(try Sample.id(2))
        }
        #expect(queries.query(for: try Sample.id(1))?.text == "1000")
        #expect(queries.query(for: try Sample.id(2)) == nil)
        #expect(queries.orderCount < 100)
    }

    @Test("A query is kept for its life and no longer, by stores in this process, however the clock is set", arguments: [0, -3_600, 3_600])
    func ends(setBy seconds: Int) async throws {
        let directory = try TemporaryDirectory()
        let stores: [any StateStore] = [
            MemoryStateStore(clock: clock),
            try SQLiteStateStore(path: "\(directory.path)/state.sqlite", maxQueued: 10_000, takeOver: true, clock: clock),
        ]
        let id = try Sample.id(1)
        for store in stores { try await store.keepQuery(FetchQuery("sig=1"), for: id) }
        clock.setTime(by: .seconds(seconds))
        clock.advance(by: FetchQuery.life - .milliseconds(1))
        for store in stores { #expect(try await store.query(for: id) == FetchQuery("sig=1")) }
        clock.advance(by: .milliseconds(1))
        for store in stores {
            #expect(try await store.query(for: id) == nil)
            await store.close()
        }
    }

    @Test("No file of a SQLite store holds a query at any time, and none survives its process")
    func isNotOnDisk() async throws {
        let directory = try TemporaryDirectory()
        let path = "\(directory.path)/state.sqlite"
        let id = try Sample.id(1)
        let secret = "X-Amz-Signature=5ec4e7"
        func files() throws -> [String] { try directory.files(in: "").filter { $0.contains("state.sqlite") } }
        func holdsSecret() throws -> Bool {
            try files().contains { String(decoding: try directory.read($0), as: UTF8.self).contains("5ec4e7") }
        }
        var store = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: true, clock: clock)
        try await store.keepQuery(FetchQuery(secret), for: id)
        #expect(try await store.claim(id) == .claimed)
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "w", duration: .seconds(15)))
        #expect(try await store.query(for: id) == FetchQuery(secret))
        #expect(try !files().isEmpty)
        #expect(try !holdsSecret())
        try await store.finish(lease, .retry(after: .zero))
        await store.close()
        #expect(try !holdsSecret())
        store = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: true, clock: clock)
        #expect(try await store.query(for: id) == nil)
        await store.close()
    }
}

@Suite("Kept queries in Redis", .enabled(if: RedisServer.isExpected), .timeLimit(.minutes(5)))
struct RedisQueryTests {
    @Test("A query has a key of its own in the pool's slot, which ends by itself, and goes with the copy")
    func hasAnEnd() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(nil)
        let admin = RedisTestClient(place.configuration)
        let id = try Sample.id(1)
        let key = place.key(id).replacing(":replica:", with: ":query:")
        try await store.keepQuery(FetchQuery("sig=1"), for: id)
        #expect(try await admin.ask("GET", key).string == "sig=1")
        let life = try #require(try await admin.ask("PTTL", key).integer)
        #expect((FetchQuery.life.wholeMilliseconds - 60_000...FetchQuery.life.wholeMilliseconds).contains(life))
        #expect(try await store.claim(id) == .claimed)
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "w", duration: .seconds(15)))
        #expect(try await admin.ask("GET", key).string == "sig=1")
        // No record, index or stream has it.
        let record = try await admin.ask("HVALS", place.key(id)).array?.compactMap(\.string) ?? []
        #expect(record.contains("pending"))
        #expect(!record.joined().contains("sig=1"))
        try await store.finish(lease, .present(Sample.object(id)))
        #expect(try await admin.ask("EXISTS", key).integer == 0)
        await store.close()
        await admin.close()
    }

    @Test("The oldest go when there are too many bytes of them, and what goes with its copy does not count any more")
    func isBounded() async throws {
        let place = try await RedisPlace.onServer()
        let store = try await place.open(nil)
        let admin = RedisTestClient(place.configuration)
        let query = FetchQuery(String(repeating: "q", count: 8_000))
        for number in 0..<2_200 { try await store.keepQuery(query, for: try Sample.id(number)) }
        #expect(try await store.query(for: try Sample.id(0)) == nil)
        #expect(try await store.query(for: try Sample.id(2_199)) == query)
        let kept = try #require(try await admin.ask("ZCARD", place.key("queries")).integer)
        #expect((1_900...2_097).contains(kept))
        // Again and again the same one.
        for _ in 0..<100 { try await store.keepQuery(query, for: try Sample.id(2_199)) }
        #expect(try await admin.ask("ZCARD", place.key("queries")).integer == kept)
        for number in 2_199 - Int(kept)..<2_200 {
            let id = try Sample.id(number)
            #expect(try await store.claim(id) == .claimed)
            #expect(try await store.remove(id))
        }
        #expect(try await admin.ask("ZCARD", place.key("queries")).integer == 0)
        #expect(try await admin.ask("HGET", place.key("counters"), "query_bytes").string == "0")
        await store.close()
        await admin.close()
    }

    @Test("What one process keeps another reads")
    func travels() async throws {
        let place = try await RedisPlace.onServer()
        let (front, copier) = (try await place.open(nil), try await place.open(nil))
        let id = try Sample.id(1)
        try await front.keepQuery(FetchQuery("sig=1"), for: id)
        #expect(try await front.claim(id) == .claimed)
        #expect(try await copier.query(for: id) == FetchQuery("sig=1"))
        try await front.keepQuery(FetchQuery("sig=2"), for: id)
        #expect(try await copier.query(for: id) == FetchQuery("sig=2"))
        for store in [front, copier] { await store.close() }
    }
}
