import GRDB
import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import StateSQLite

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif

@Suite("The SQLite state store", .timeLimit(.minutes(5)))
struct SQLiteStateStoreTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()
    private var path: String { "\(directory.path)/state.sqlite" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func open(_ path: String? = nil, takeOver: Bool = true) throws -> SQLiteStateStore {
        try SQLiteStateStore(path: path ?? self.path, maxQueued: 10_000, takeOver: takeOver, clock: clock)
    }

    /// Opens what was just closed: a process that another test starts has a copy of every descriptor for an instant, and a lock is held by it.
    private func openAgain() async throws -> SQLiteStateStore {
        try await eventually("the file is free") {
            do {
                return try open()
            } catch let error as StateError where error.code == .unavailable {
                return nil
            }
        }
    }

    /// Does something to the file that the store would not do.
    private func tamper(_ sql: String) throws {
        let queue = try DatabaseQueue(path: path)
        try queue.write { try $0.execute(sql: sql) }
        try queue.close()
    }

    private func refusal(_ path: String? = nil) -> StateError? {
        do {
            _ = try open(path)
            return nil
        } catch {
            return error as? StateError
        }
    }

    // MARK: The file

    @Test("makes its directory and its files for nobody else")
    func makesPrivateFiles() async throws {
        let store = try open("\(directory.path)/var/lib/state.sqlite")
        _ = try await store.claim(try Sample.id(1))
        #expect(try directory.mode("var") == 0o700)
        #expect(try directory.mode("var/lib") == 0o700)
        for suffix in ["", "-wal", "-shm", ".lock"] { #expect(try directory.mode("var/lib/state.sqlite\(suffix)") == 0o600) }
        await store.close()
    }

    @Test("a file that is no database is corrupt, and the message says what to do")
    func refusesGarbage() throws {
        try directory.write(Array("this was never a database\n".utf8) + [UInt8](repeating: 0x5A, count: 8_192), to: "state.sqlite")
        let error = try #require(refusal())
        #expect(error.code == .corrupt)
        #expect(error.message.contains(path))
        #expect(error.message.contains("only a cache"))
        // The file is left as it was.
        #expect(try directory.read("state.sqlite").starts(with: Array("this was never".utf8)))
    }

    @Test("a database of another program is refused")
    func refusesForeignDatabases() throws {
        try tamper("CREATE TABLE recipes (name TEXT)")
        let error = try #require(refusal())
        #expect(error.code == .corrupt)
        #expect(error.message.contains("another program"))
    }

    @Test("a newer schema is refused, and the message says what to do")
    func refusesNewerSchemas() async throws {
        await (try open()).close()
        try tamper("INSERT INTO grdb_migrations VALUES ('999 from the future')")
        let error = try #require(refusal())
        #expect(error.code == .corrupt)
        #expect(error.message.contains("newer version"))
        #expect(error.message.contains("only a cache"))
    }

    @Test("a path that cannot be opened is unavailable")
    func refusesDirectories() throws {
        let error = try #require(refusal(directory.path))
        #expect(error.code == .unavailable)
        #expect(error.message.contains(directory.path))
    }

    @Test("a file cut in half is an error, never a crash")
    func survivesTruncation() async throws {
        let store = try open()
        for number in 0..<500 {
            let id = try Sample.id(number)
            _ = try await store.recordPresent(id, Sample.object(id))
        }
        await store.close()
        let bytes = try directory.read("state.sqlite")
        for part in [2, 3, 10] {
            try directory.write(bytes.prefix(bytes.count / part / 4_096 * 4_096), to: "state.sqlite")
            var codes: Set<StateError.Code> = []
            do {
                let damaged = try open(takeOver: false)
                for number in 0..<500 {
                    do {
                        _ = try await damaged.replica(try Sample.id(number))
                    } catch let error as StateError {
                        codes.insert(error.code)
                    }
                }
                await damaged.close()
            } catch let error as StateError {
                codes.insert(error.code)
            }
            #expect(codes == [.corrupt])
        }
    }

    @Test("a row with an unreadable value is corrupt, never a crash", arguments: ["size", "stored_at", "last_used"])
    func survivesDamagedRows(_ column: String) async throws {
        let store = try open()
        let id = try Sample.id(1)
        _ = try await store.recordPresent(id, Sample.object(id))
        await store.close()
        try tamper("UPDATE replicas SET \(column) = NULL")
        let damaged = try open(takeOver: false)
        let error = await #expect(throws: StateError.self) { try await damaged.replica(id) }
        #expect(error?.code == .corrupt)
        #expect(error?.message.contains("only a cache") == true)
        await damaged.close()
    }

    // MARK: One process serves

    @Test("a second one that would serve from the file is refused, until the first has closed it")
    func locksTheFile() async throws {
        let first = try open()
        let error = try #require(refusal())
        #expect(error.code == .unavailable)
        #expect(error.message.contains("\(path).lock"))
        #expect(error.message.contains("process \(getpid())"))
        await first.close()
        let second = try await openAgain()
        #expect(try await second.claim(try Sample.id(1)) == .claimed)
        await second.close()
    }

    @Test("who only looks needs no lock")
    func letsOthersLook() async throws {
        let serving = try open()
        let id = try Sample.id(1)
        _ = try await serving.recordPresent(id, Sample.object(id))
        let looking = try open(takeOver: false)
        #expect(try await looking.replica(id)?.state == .present)
        #expect(try await looking.totals(of: id.pool) == PoolTotals(objects: 1, bytes: 100))
        await looking.close()
        await serving.close()
    }

    @Test("taking over ends the leases of the process before, and refuses its tokens")
    func takesOver() async throws {
        let before = try open()
        let id = try Sample.id(1)
        _ = try await before.claim(id)
        let old = try #require(try await before.lease(pools: [id.pool], worker: "worker", duration: .seconds(3_600)))
        _ = try await before.claim(try Sample.id(2))
        let crashed = try directory.copy()
        await before.close()

        let looking = try SQLiteStateStore(path: "\(crashed.path)/state.sqlite", maxQueued: 10_000, takeOver: false, clock: clock)
        #expect(try await looking.lease(pools: [id.pool], worker: "worker", duration: .seconds(1))?.id == (try Sample.id(2)))
        #expect(try await looking.lease(pools: [id.pool], worker: "worker", duration: .seconds(1)) == nil)
        await looking.close()

        let after = try SQLiteStateStore(path: "\(crashed.path)/state.sqlite", maxQueued: 10_000, takeOver: true, clock: clock)
        var leases: [CopyLease] = []
        while let lease = try await after.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)) { leases.append(lease) }
        let new = try #require(leases.first { $0.id == id })
        #expect(leases.count == 2)
        #expect(new.attempt == 2)
        #expect(new.token > old.token)
        await #expect(throws: StateError.self) { try await after.finish(old, .handBack) }
        await after.close()
    }

    @Test("a token that a power failure has undone is not given to another lease")
    func passesOverTokens() async throws {
        let before = try open()
        let id = try Sample.id(1)
        _ = try await before.claim(id)
        // What is on the disk if the last transactions never get there.
        let restored = try directory.copy()
        let lost = try #require(try await before.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        await before.close()

        let after = try SQLiteStateStore(path: "\(restored.path)/state.sqlite", maxQueued: 10_000, takeOver: true, clock: clock)
        let lease = try #require(try await after.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        #expect(lease.token > lost.token)
        await #expect(throws: StateError.self) { try await after.finish(lost, .present(Sample.object(id))) }
        try await after.finish(lease, .present(Sample.object(id)))
        await after.close()
    }

    @Test("taking over leaves a retry to its time")
    func keepsRetryTimes() async throws {
        let before = try open()
        let id = try Sample.id(1)
        _ = try await before.claim(id)
        let lease = try #require(try await before.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        try await before.finish(lease, .retry(after: .seconds(60)))
        await before.close()
        let after = try await openAgain()
        #expect(try await after.nextDue(pools: [id.pool]) == clock.now + .seconds(60))
        await after.close()
    }

    // MARK: Leases

    @Test("who serves from the file knows without reading it which lease is the newest, and confirms no other one")
    func confirmsTheNewest() async throws {
        let store = try open()
        let id = try Sample.id(1)
        #expect(try await store.claim(id) == .claimed)
        let old = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        try await store.confirm(old)
        clock.advance(by: .seconds(16))
        let new = try #require(try await store.lease(pools: [id.pool], worker: "other", duration: .seconds(15)))
        try await store.confirm(new)
        await #expect(throws: StateError.self) { try await store.confirm(old) }
        await store.close()
    }

    // MARK: Crashes

    @Test("a power failure does not damage the file: the log is on the disk before the file is changed")
    func synchronizes() async throws {
        let store = try open()
        // NORMAL.
        #expect(try await store.pool.write { try Int.fetchOne($0, sql: "PRAGMA synchronous") } == 1)
        await store.close()
    }

    @Test("what a call returned for is there after a kill, without any closing")
    func survivesAKill() async throws {
        let store = try open()
        var ids: [ReplicaID] = []
        for number in 0..<50 {
            let id = try Sample.id(number)
            _ = try await store.claim(id)
            let lease = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
            try await store.finish(lease, .present(Sample.object(id)))
            ids.append(id)
        }
        // The files as the operating system has them: what a killed process leaves behind.
        let crashed = try directory.copy()
        let survivor = try SQLiteStateStore(path: "\(crashed.path)/state.sqlite", maxQueued: 10_000, takeOver: true, clock: clock)
        for id in ids { #expect(try await survivor.replica(id)?.status == .present(Sample.object(id))) }
        #expect(try await survivor.totals(of: ids[0].pool) == PoolTotals(objects: 50, bytes: 5_000))
        await survivor.close()
        await store.close()
    }

    @Test(
        "totals that went wrong are right soon after the next take-over, whatever has changed by then",
        arguments: [
            "UPDATE totals SET objects = 99, bytes = -1, pending = 7, errors = 3", "DELETE FROM totals",
            "INSERT INTO totals (pool, objects, bytes, pending, errors) VALUES ('local/gone', 5, 5, 5, 5)",
        ])
    func reconcilesTotals(_ damage: String) async throws {
        let before = try open()
        for number in 0..<4 {
            let id = try Sample.id(number)
            _ = try await before.recordPresent(id, Sample.object(id, size: 10))
        }
        _ = try await before.claim(try Sample.id(9))
        #expect(try await before.totals(of: try Sample.pool()) == PoolTotals(objects: 4, bytes: 40, pending: 1))
        await before.close()
        try tamper(damage)
        let after = try await openAgain()
        let id = try Sample.id(5)
        _ = try await after.recordPresent(id, Sample.object(id, size: 10))
        try await eventually("the totals are right") {
            let totals = [try await after.totals(of: try Sample.pool()), try await after.totals(of: try Sample.pool("local/gone"))]
            return totals == [PoolTotals(objects: 5, bytes: 50, pending: 1), PoolTotals()]
        }
        await after.close()
    }

    @Test("closing waits for calls that are under way; each of 200 either happened or says that the store is closed")
    func closesWhileInUse() async throws {
        let store = try open()
        let happened = try await withThrowingTaskGroup(of: Int.self) { group in
            for number in 0..<200 {
                group.addTask {
                    if number == 100 {
                        await store.close()
                        return 0
                    }
                    do {
                        _ = try await store.claim(try Sample.id(number))
                        return 1
                    } catch let error as StateError where error.code == .unavailable {
                        return 0
                    }
                }
            }
            return try await group.reduce(0, +)
        }
        let again = try await openAgain()
        #expect(try await again.totals(of: try Sample.pool()).pending == happened)
        await again.close()
    }

    @Test("the frequent questions are answered from an index")
    func usesItsIndices() async throws {
        await (try open()).close()
        let questions = [
            "SELECT lane, due, sequence FROM lanes INDEXED BY lanes_by_due WHERE pool = 'p' ORDER BY due, sequence": "lanes_by_due",
            "SELECT url FROM replicas INDEXED BY jobs_by_lane WHERE status = 1 AND pool = 'p' AND lane = 'l' ORDER BY due, sequence LIMIT 1":
                "jobs_by_lane",
            "SELECT * FROM replicas INDEXED BY present_by_use WHERE status = 2 AND pool = 'p' AND (last_used, hash) > (1, 'u') ORDER BY last_used, hash LIMIT 9":
                "present_by_use",
            "SELECT * FROM replicas INDEXED BY errors_by_retry WHERE status = 3 AND retry_at < 9 ORDER BY retry_at, pool, hash LIMIT 9":
                "errors_by_retry",
            "SELECT * FROM replicas INDEXED BY errors_by_pool WHERE status = 3 AND pool = 'p' ORDER BY retry_at, hash LIMIT 9":
                "errors_by_pool",
            "SELECT * FROM replicas INDEXED BY replicas_by_name WHERE pool = 'p' AND hash > 'u' ORDER BY hash LIMIT 9": "replicas_by_name",
            "SELECT * FROM replicas INDEXED BY replicas_by_status WHERE pool = 'p' AND status = 4 AND hash > 'u' ORDER BY hash LIMIT 9":
                "replicas_by_status",
            "SELECT * FROM replicas WHERE pool = 'p' AND hash = 'u'": "replicas_by_name",
            "SELECT min(pool) FROM replicas WHERE pool > 'p'": "replicas_by",
        ]
        let queue = try DatabaseQueue(path: path)
        for (question, index) in questions {
            let plan = try await queue.read { db in try Row.fetchAll(db, sql: "EXPLAIN QUERY PLAN \(question)").map { "\($0)" } }.joined()
            #expect(plan.contains("SEARCH"), "\(question): \(plan)")
            #expect(plan.contains(index), "\(question): \(plan)")
            #expect(!plan.contains("TEMP B-TREE"), "\(question): \(plan)")
        }
    }
}
