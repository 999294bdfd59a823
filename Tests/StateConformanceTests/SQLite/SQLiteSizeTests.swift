import Foundation
import GRDB
import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

@Suite("The SQLite state with many replicas", .timeLimit(.minutes(15)))
struct SQLiteSizeTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()
    private let seen = SeenStatements()
    private var path: String { "\(directory.path)/state.sqlite" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func record(_ numbers: Range<Int>, in store: SQLiteStateStore) async throws -> [ReplicaID] {
        try await withThrowingTaskGroup(of: Void.self) { group in
            var ids: [ReplicaID] = []
            for number in numbers {
                let id = try Sample.id(number)
                ids.append(id)
                group.addTask { _ = try await store.recordPresent(id, Sample.object(id)) }
            }
            try await group.waitForAll()
            return ids
        }
    }

    private func logBytes() throws -> Int {
        let size = try FileManager.default.attributesOfItem(atPath: "\(path)-wal")[.size]
        return try #require((size as? NSNumber)?.intValue)
    }

    /// A store with a long log that a reader keeps from beginning again.
    private func withLongLog() async throws -> (store: SQLiteStateStore, ids: [ReplicaID], endReading: () throws -> Void) {
        let store = try await seen.open(path, takeOver: true, clock: clock)
        // So few that no checkpoint has reached the end of the log: after one, a reader would not need it.
        _ = try await record(0..<10, in: store)
        let other = try DatabasePool(path: path)
        let reader = try other.makeSnapshot()
        #expect(try await reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM replicas") } == 10)
        let ids = try await record(10..<410, in: store)
        var number = 410
        while try logBytes() <= 14 << 20 {
            _ = try await record(number..<number + 100, in: store)
            number += 100
        }
        return (
            store, ids,
            {
                try reader.close()
                try other.close()
            }
        )
    }

    // MARK: Transactions

    @Test("a lease and a heartbeat write what they change of a job, and not the whole row into all of its indexes")
    func writesJobs() async throws {
        let store = try await seen.open(path, takeOver: true, clock: clock)
        let id = try Sample.id(1)
        #expect(try await store.claim(id) == .claimed)
        seen.forget()
        let lease = try #require(try await store.lease(pools: [id.pool], worker: "worker", duration: .seconds(15)))
        clock.advance(by: .seconds(5))
        #expect(try await store.extend(lease, duration: .seconds(15)).expires == clock.now + .seconds(15))
        #expect(!seen.all.contains { $0.hasPrefix("INSERT INTO replicas") })
        #expect(seen.all.count { $0.hasPrefix("UPDATE replicas SET due") } == 2)
        await store.close()
    }

    @Test("a call with many replicas is written in parts, and does for each what it does for one")
    func writesInParts() async throws {
        let store = try await seen.open(path, takeOver: true, clock: clock)
        let ids = try await record(0..<300, in: store)
        let pool = ids[0].pool
        clock.advance(by: .seconds(1))
        let uses = ids.map { ReplicaUse(id: $0, at: clock.now) }

        seen.forget()
        try await store.touch(uses)
        #expect(seen.writes == SeenStatements.Writes(largest: 64, all: 300))
        let used = try await store.leastRecentlyUsed(in: pool, after: nil, limit: 1_000)
        #expect(used.count == 300)
        for case .present(let object) in used.map(\.status) { #expect(object.lastUsed == uses[0].at) }

        seen.forget()
        #expect(try await store.mark(ids, unusedSince: clock.now) == ids)
        #expect(seen.writes == SeenStatements.Writes(largest: 64, all: 300))
        #expect(try await store.mark(ids, unusedSince: clock.now).isEmpty)
        let marked = try await store.leastRecentlyUsed(in: pool, after: nil, limit: 1_000)
        #expect(marked.count == 300)
        for case .present(let object) in marked.map(\.status) { #expect(object.markedAt == clock.now) }

        seen.forget()
        let wanted = ids.map { WantedRemoval(id: $0, condition: .unused(since: clock.now)) }
        let removals = try await store.beginRemovals(wanted, duration: .seconds(300)).compactMap(\.self)
        #expect(removals.map(\.id) == ids)
        #expect(seen.writes == SeenStatements.Writes(largest: 64, all: 300))
        seen.forget()
        #expect(try await store.confirm(removals, duration: .seconds(300)) == removals)
        #expect(seen.writes == SeenStatements.Writes(largest: 64, all: 300))
        #expect(!seen.all.contains { $0.hasPrefix("INSERT INTO replicas") })
        seen.forget()
        #expect(try await store.endRemovals(removals) == ids.map { _ in .absent })
        #expect(seen.writes == SeenStatements.Writes(largest: 64, all: 300))
        await store.close()
    }

    @Test("errors are forgotten in parts, up to the limit")
    func forgetsInParts() async throws {
        let store = try await seen.open(path, takeOver: true, clock: clock)
        let pool = try Sample.pool()
        for number in 0..<200 {
            _ = try await store.claim(try Sample.id(number))
            let lease = try #require(try await store.lease(pools: [pool], worker: "w", duration: .seconds(15)))
            let failure = CopyFailure(reason: .origin(status: 404), message: "none", retryAt: clock.now)
            try await store.finish(lease, .failed(failure))
        }
        clock.advance(by: .seconds(60))
        seen.forget()
        #expect(try await store.forgetErrors(before: clock.now, limit: 150) == 150)
        #expect(seen.writes == SeenStatements.Writes(largest: 64, all: 150))
        #expect(try await store.forgetErrors(before: clock.now, limit: 150) == 50)
        #expect(try await store.totals(of: pool) == PoolTotals())
        await store.close()
    }

    // MARK: The totals

    @Test("the totals are counted a few replicas at a time, whatever is written meanwhile", arguments: [0, 7])
    func countsMeanwhile(_ error: Int) async throws {
        let before = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: false, clock: clock)
        let ids = try await record(0..<2_000, in: before)
        await before.close()
        let (pool, others) = (ids[0].pool, 60_000)
        // In the middle of them, so many others that the count takes a while.
        let file = try DatabaseQueue(path: path)
        try await file.write { db in
            try db.execute(sql: "UPDATE replicas SET rowid = rowid + \(others) WHERE rowid > 1000")
            try db.execute(
                sql: """
                    WITH RECURSIVE numbers (n) AS (SELECT 1001 UNION ALL SELECT n + 1 FROM numbers WHERE n < 1000 + \(others))
                    INSERT INTO replicas (rowid, pool, hash, url, status, size, stored_at, last_used)
                    SELECT n, ?, printf('%064d', n), 'other', 2, 1, 0, 0 FROM numbers
                    """, arguments: [pool.description])
            try db.execute(sql: "UPDATE totals SET objects = objects + \(others + error), bytes = bytes + \(others)")
        }
        try file.close()

        let store = try await seen.open(path, takeOver: true, clock: clock)
        // From both ends, and rows that others have had before.
        for number in 0..<500 {
            #expect(try await store.remove(ids[number]))
            #expect(try await store.remove(ids[1_999 - number]))
            _ = try await record(3_000 + number..<3_001 + number, in: store)
            #expect(try await store.claim(try Sample.id(10_000 + number)) == .claimed)
        }
        try await eventually("the totals are counted") {
            seen.all.contains { $0.contains("FROM totals") && $0.hasPrefix("SELECT pool, objects") }
        }
        let statements = seen.all
        let firstDeletion = try #require(statements.firstIndex { $0.hasPrefix("DELETE FROM replicas") })
        let lastPart = try #require(statements.lastIndex { $0.contains("max(number)") })
        #expect(firstDeletion < lastPart, "the count had ended before")
        let right = PoolTotals(objects: 1_500 + others, bytes: 1_500 * 100 + Int64(others), pending: 500)
        try await eventually("the totals are right") { try await store.totals(of: pool) == right }
        // Waits for a correction that is being written.
        await store.close()
        let after = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: false, clock: clock)
        #expect(try await after.totals(of: pool) == right)
        await after.close()
    }

    // MARK: The log

    @Test("who writes much waits while a reader keeps a long log from beginning again, and others do not")
    func slowsDown() async throws {
        let (store, ids, endReading) = try await withLongLog()
        seen.forget()
        async let marked = store.mark(ids, unusedSince: clock.now)
        #expect(try await store.claim(try Sample.id(100_000)) == .claimed)
        try await store.touch([ReplicaUse(id: ids[399], at: clock.now)])
        #expect(!seen.all.contains { $0.hasPrefix("UPDATE replicas SET marked_at") })
        try endReading()
        #expect(try await marked == ids)
        await store.close()
    }

    @Test("who writes much waits only for a while")
    func isPatient() async throws {
        let (store, ids, endReading) = try await withLongLog()
        #expect(try await store.mark(ids, unusedSince: clock.now) == ids)
        try endReading()
        await store.close()
    }

    @Test("a file that is closed needs no log")
    func closes() async throws {
        let store = try await seen.open(path, takeOver: true, clock: clock)
        let ids = try await record(0..<100, in: store)
        #expect(try await store.replica(ids[0])?.state == .present)
        #expect(try logBytes() > 0)
        await store.close()
        #expect(!FileManager.default.fileExists(atPath: "\(path)-wal"))
    }

    @Test("a log that is too long, because no checkpoint reaches its end, is begun again by the writer itself")
    func writerBeginsAgain() async throws {
        let store = try await seen.open(path, takeOver: true, clock: clock)
        _ = try await record(0..<10, in: store)
        let other = try DatabasePool(path: path)
        let reader = try other.makeSnapshot()
        #expect(try await reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM replicas") } == 10)
        // While it does that, it waits for no reader.
        func hasBegunAgain() -> Bool { seen.all.contains { $0.hasPrefix("PRAGMA busy_timeout") } }
        var number = 10
        while !hasBegunAgain(), try logBytes() <= 64 << 20 {
            try Task.checkCancellation()
            _ = try await record(number..<number + 100, in: store)
            number += 100
        }
        #expect(hasBegunAgain())
        try reader.close()
        try other.close()
        await store.close()
    }

    @Test("those who write much get on while others only read")
    func getsOn() async throws {
        let store = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: true, clock: clock)
        let ids = try await record(0..<2_000, in: store)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<4 {
                group.addTask {
                    while !Task.isCancelled { _ = try await store.leastRecentlyUsed(in: ids[0].pool, after: nil, limit: 20) }
                }
            }
            for _ in 0..<10 {
                clock.advance(by: .seconds(1))
                let now = clock.now
                #expect(try await store.mark(ids, unusedSince: now) == ids)
                try await store.touch(ids.map { ReplicaUse(id: $0, at: now) })
            }
            group.cancelAll()
        }
        await store.close()
    }

    @Test("the log gets short again after a reader that kept it from beginning again")
    func boundsTheLog() async throws {
        let limit = 16 << 20
        let store = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: true, clock: clock)
        _ = try await record(0..<10, in: store)
        let other = try DatabasePool(path: path)
        let reader = try other.makeSnapshot()
        #expect(try await reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM replicas") } == 10)
        var number = 10
        while try logBytes() <= limit + (16 << 20) {
            try Task.checkCancellation()
            _ = try await record(number..<number + 1_000, in: store)
            number += 1_000
        }
        try reader.close()
        try other.close()
        try await eventually("the log is short") {
            _ = try await record(number..<number + 100, in: store)
            number += 100
            return try logBytes() <= limit
        }
        #expect(try await store.totals(of: try Sample.pool()).objects == number)
        await store.close()
        let again = try await eventually("the file is free") { () async throws -> SQLiteStateStore? in
            do {
                return try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: true, clock: clock)
            } catch let error as StateError where error.code == .unavailable {
                return nil
            }
        }
        #expect(try await again.replica(try Sample.id(number - 1))?.state == .present)
        await again.close()
    }
}
