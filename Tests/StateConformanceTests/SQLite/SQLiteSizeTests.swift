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

        var removals: [Removal] = []
        for id in ids {
            removals.append(try #require(try await store.beginRemoval(id, .unused(since: clock.now), duration: .seconds(300))))
        }
        seen.forget()
        #expect(try await store.confirm(removals, duration: .seconds(300)) == removals)
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

    // MARK: The log

    @Test("a log that is too long, because no checkpoint reaches its end, is begun again by the writer itself")
    func writerBeginsAgain() async throws {
        let store = try await seen.open(path, takeOver: true, clock: clock)
        _ = try await record(0..<10, in: store)
        let other = try DatabasePool(path: path)
        let reader = try other.makeSnapshot()
        #expect(try await reader.read { try Int.fetchOne($0, sql: "SELECT count(*) FROM replicas") } == 10)
        // While it does that, it waits for readers for a few milliseconds.
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

    @Test("the log gets short again after a reader that kept it from beginning again")
    func boundsTheLog() async throws {
        let limit = 64 << 20
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
