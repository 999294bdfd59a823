import GRDB
import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

@Suite("Writes to the SQLite state that are committed together", .timeLimit(.minutes(5)))
struct SQLiteWriteQueueTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()
    private var path: String { "\(directory.path)/state.sqlite" }

    init() throws {
        directory = try TemporaryDirectory()
    }

    private func open() throws -> SQLiteStateStore {
        try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: true, clock: clock)
    }

    /// Opens a file with a trigger that fails writes.
    private func open(_ trigger: String) async throws -> SQLiteStateStore {
        await (try open()).close()
        let queue = try DatabaseQueue(path: path)
        try await queue.write { try $0.execute(sql: trigger) }
        try queue.close()
        return try await eventually("the file is free") {
            do {
                return try open()
            } catch let error as StateError where error.code == .unavailable {
                return nil
            }
        }
    }

    /// Calls that may fail, all at once.
    private func race(_ count: Int, _ body: @escaping @Sendable (Int) async throws -> Void) async -> [Int: StateError.Code] {
        await withTaskGroup(of: (Int, StateError.Code?).self) { group in
            for number in 0..<count {
                group.addTask {
                    do {
                        try await body(number)
                        return (number, nil)
                    } catch {
                        return (number, (error as? StateError)?.code)
                    }
                }
            }
            return await group.reduce(into: [:]) { $0[$1.0] = $1.1 }
        }
    }

    @Test("an error belongs to the call that made it, and undoes nothing of the others")
    func errorsStayApart() async throws {
        let store = try open()
        let now = clock.now
        let failed = await race(300) { number in
            let id = try Sample.id(number)
            if number % 3 == 0 {
                let stale = CopyLease(id: id, token: 99, attempt: 1, queuedAt: now, expires: now)
                try await store.finish(stale, .present(Sample.object(id)))
            } else {
                _ = try await store.claim(id)
            }
        }
        #expect(failed.count == 100)
        #expect(failed.allSatisfy { $0.key % 3 == 0 && $0.value == .staleLease })
        let totals = try await store.totals(of: try Sample.id(1).pool)
        #expect(totals == PoolTotals(pending: 200))
        await store.close()
    }

    @Test("if one write makes SQLite roll back all of them, the others are made again")
    func rollbacksAreRepeated() async throws {
        let bad = try (0..<200).filter { $0 % 20 == 7 }.map { try "'\(Sample.id($0).artifact.description)'" }.joined(separator: ", ")
        let store = try await open(
            "CREATE TRIGGER bad BEFORE INSERT ON replicas WHEN NEW.url IN (\(bad)) BEGIN SELECT RAISE(ROLLBACK, 'no'); END")
        let failed = await race(200) { number in _ = try await store.claim(try Sample.id(number)) }
        #expect(failed.count == 10)
        #expect(failed.allSatisfy { $0.key % 20 == 7 && $0.value == .unavailable })
        #expect(try await store.totals(of: try Sample.id(1).pool) == PoolTotals(pending: 190))
        await store.close()
    }

    @Test("a write that fails after it has changed something leaves nothing behind, and the others are made")
    func undoesHalfAWrite() async throws {
        let bad = try Sample.id(7)
        // The totals are written after the replica.
        let store = try await open(
            """
            CREATE TRIGGER bad BEFORE INSERT ON totals WHEN EXISTS (SELECT 1 FROM replicas WHERE url = '\(bad.artifact.description)')
            BEGIN SELECT RAISE(ABORT, 'no'); END
            """)
        let failed = await race(200) { number in _ = try await store.claim(try Sample.id(number)) }
        #expect(failed == [7: .unavailable])
        #expect(try await store.replica(bad) == nil)
        #expect(try await store.totals(of: bad.pool) == PoolTotals(pending: 199))
        #expect(try await store.lanes(in: bad.pool, limit: 9).map(\.jobs) == [199])
        await store.close()
    }

    @Test("changes are reported in the order of their commits, which is the order of the jobs")
    func keepsOrder() async throws {
        let store = try open()
        let changes = await store.changes()
        _ = await race(200) { number in _ = try await store.claim(try Sample.id(number)) }
        var leased: [ReplicaID] = []
        let pool = try Sample.id(1).pool
        while let lease = try await store.lease(pools: [pool], worker: "w", duration: .seconds(15)) { leased.append(lease.id) }
        await store.close()
        let reported = await changes.reduce(into: [ReplicaID]()) { reported, change in
            if case .replica(let id, _) = change { reported.append(id) }
        }
        #expect(leased.count == 200)
        #expect(reported == leased)
    }
}
