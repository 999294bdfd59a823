import GRDB
import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

/// Rows that were not written by this version of the program, or that are damaged.
@Suite("The SQLite state store and rows that it cannot read", .timeLimit(.minutes(5)))
struct SQLiteRecordTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()
    private var path: String { "\(directory.path)/state.sqlite" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func open() throws -> SQLiteStateStore {
        try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: false, clock: clock)
    }

    private func tamper(_ id: ReplicaID, _ change: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: "UPDATE replicas SET \(change) WHERE hash = ?", arguments: [id.artifact.nameHash]) }
        try queue.close()
    }

    /// Damages a row as a disk does: any type is accepted, and an index is not told.
    ///
    /// - Parameter index: Left as it is; `nil` for none.
    private func damage(_ id: ReplicaID, _ change: String, behind index: String? = nil) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.writeWithoutTransaction { db in
            let table = try String.fetchOne(db, sql: "SELECT sql FROM sqlite_schema WHERE name = 'replicas'")
            let hidden = try Row.fetchOne(
                db, sql: "SELECT type, name, tbl_name, rootpage, sql FROM sqlite_schema WHERE name = ?", arguments: [index])
            try db.execute(sql: "PRAGMA writable_schema = ON")
            try db.execute(sql: "UPDATE sqlite_schema SET sql = replace(sql, 'STRICT', '') WHERE name = 'replicas'")
            try db.execute(sql: "DELETE FROM sqlite_schema WHERE name = ?", arguments: [index])
            try db.execute(sql: "PRAGMA writable_schema = RESET")
            try db.execute(sql: "UPDATE replicas SET \(change) WHERE hash = ?", arguments: [id.artifact.nameHash])
            try db.execute(sql: "PRAGMA writable_schema = ON")
            try db.execute(sql: "UPDATE sqlite_schema SET sql = ? WHERE name = 'replicas'", arguments: [table])
            if let hidden {
                try db.execute(
                    sql: "INSERT INTO sqlite_schema VALUES (?, ?, ?, ?, ?)", arguments: StatementArguments(hidden.databaseValues))
            }
            try db.execute(sql: "PRAGMA writable_schema = RESET")
        }
        try queue.close()
    }

    @Test("a failure whose reason only a newer version knows is a failure")
    func readsUnknownReasons() async throws {
        let store = try open()
        let id = try Sample.id(1)
        #expect(try await store.claim(id) == .claimed)
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        let failure = CopyFailure(reason: .tooLarge, message: "no", retryAt: clock.now + .seconds(30))
        try await store.finish(lease, .failed(failure))
        await store.close()
        try tamper(id, "reason = 'a word of theirs'")
        let after = try open()
        let expected = CopyFailure(reason: .transfer, message: "no", retryAt: failure.retryAt)
        #expect(try await after.replica(id) == Replica(id: id, status: .error(expected)))
        await after.close()
    }

    @Test("what cannot be read keeps nobody from the rest of a listing", arguments: [1, 2, 3, 100])
    func listsTheRest(_ page: Int) async throws {
        let store = try open()
        let pool = try Sample.pool()
        var ids: [ReplicaID] = []
        for number in 1...12 {
            let id = try Sample.id(number)
            ids.append(id)
            _ = try await store.recordPresent(id, Sample.object(id, at: Timestamp(milliseconds: 1_700_000_000_000 + Int64(number))))
        }
        await store.close()
        try tamper(ids[0], "size = NULL")
        // A name that this version would write in another way.
        try tamper(ids[4], "url = 'HTTPS://artifacts.example.org/builds/5.tar.bz2'")
        try tamper(ids[6], "stored_at = NULL")
        try tamper(ids[11], "url = ''")
        let readable = ids.indices.filter { ![0, 4, 6, 11].contains($0) }.map { ids[$0] }
        let after = try open()
        #expect(try await after.listedByUse(in: pool, page: page).map(\.id) == readable)
        let byName = try await after.listedByName(in: pool, page: page).map(\.id)
        #expect(Set(byName) == Set(readable) && byName.count == readable.count)
        await after.close()
    }

    @Test(
        "a job that cannot be read does not hold up those behind it, and is dropped",
        arguments: [
            "attempts = 9223372036854775807", "unfinished = -1", "queued_at = NULL", "url = 'no name at all'",
            "url = 'https://artifacts.example.org/builds/not-of-this-hash.tar.bz2'",
        ])
    func dropsJobs(_ damage: String) async throws {
        let store = try open()
        let ids = [try Sample.id(1), try Sample.id(2)]
        for id in ids { #expect(try await store.claim(id) == .claimed) }
        await store.close()
        try tamper(ids[0], damage)
        let after = try open()
        #expect(try await after.lease(pools: [ids[0].pool], worker: "worker", duration: .seconds(15))?.id == ids[1])
        #expect(try await after.lease(pools: [ids[0].pool], worker: "worker", duration: .seconds(15)) == nil)
        #expect(try await after.totals(of: ids[0].pool) == PoolTotals(pending: 1))
        #expect(try await after.lanes(in: ids[0].pool, limit: 9).map(\.jobs) == [1])
        #expect(try await after.claim(ids[0]) == .claimed)
        await after.close()
    }

    @Test(
        "a row that is no job, although the index of jobs says so, is reported as damage",
        arguments: [
            "status = 2, size = 1, stored_at = 1, last_used = 1", "pool = CAST(pool AS BLOB), url = CAST(url AS BLOB)",
        ])
    func refusesJobs(_ damage: String) async throws {
        let store = try open()
        let ids = [try Sample.id(1), try Sample.id(2)]
        for id in ids { #expect(try await store.claim(id) == .claimed) }
        try self.damage(ids[0], damage, behind: "jobs_by_lane")
        let error = await #expect(throws: StateError.self) {
            try await store.lease(pools: [ids[0].pool], worker: "worker", duration: .seconds(15))
        }
        #expect(error?.code == .corrupt)
        await store.close()
    }

    @Test("a lane whose first job has no time takes no other job, and the message says what to do", arguments: ["NULL", "1.5"])
    func refusesLanes(_ due: String) async throws {
        let store = try open()
        let ids = [try Sample.id(1), try Sample.id(2)]
        #expect(try await store.claim(ids[0]) == .claimed)
        try damage(ids[0], "due = \(due)")
        let error = await #expect(throws: StateError.self) { try await store.claim(ids[1]) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("only a cache") == true)
        #expect(try await store.replica(ids[1]) == nil)
        await store.close()
    }

    @Test("a purge removes what cannot be read", arguments: ["size = NULL", "stored_at = NULL", "last_used = NULL"])
    func purges(_ damage: String) async throws {
        let store = try open()
        let ids = [try Sample.id(1), try Sample.id(2)]
        for id in ids { _ = try await store.recordPresent(id, Sample.object(id)) }
        await store.close()
        try tamper(ids[0], damage)
        let after = try open()
        #expect(try await after.remove(ids[0]))
        #expect(try await after.replica(ids[0]) == nil)
        #expect(try await after.replica(ids[1])?.state == .present)
        #expect(try await after.totals(of: ids[0].pool).objects == 1)
        await after.close()
    }

    @Test("sizes that no sum can hold keep nothing from being recorded, used and removed")
    func absurdSizes() async throws {
        let store = try open()
        let pool = try Sample.pool()
        let ids = try (1...4).map { try Sample.id($0) }
        for id in ids[..<3] { #expect(try await store.recordPresent(id, Sample.object(id, size: .max))?.state == .present) }
        #expect(try await store.recordPresent(ids[3], Sample.object(ids[3], size: 100))?.state == .present)
        #expect(try await store.totals(of: pool).objects == 4)
        for id in ids {
            try await store.touch([ReplicaUse(id: id, at: clock.now + .seconds(1))])
            #expect(try await store.remove(id))
            #expect(try await store.totals(of: pool).bytes >= 0)
        }
        #expect(try await store.totals(of: pool).objects == 0)
        await store.close()
    }
}
