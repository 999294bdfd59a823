import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

@Suite("How many statements the SQLite state runs", .timeLimit(.minutes(5)))
struct SQLiteStatementTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()
    private let seen = SeenStatements()
    private let terms: LeaseTerms

    init() throws {
        directory = try TemporaryDirectory()
        terms = LeaseTerms(pools: [try Sample.pool()], worker: "worker", duration: .seconds(15))
    }

    /// A store that has read and written before.
    ///
    /// - Parameter takeOver: Also counts the totals, at any time.
    private func open(takeOver: Bool = false) async throws -> SQLiteStateStore {
        let store = try await seen.open("\(directory.path)/state.sqlite", takeOver: takeOver, clock: clock)
        let id = try Sample.id(0)
        _ = try await store.recordPresent(id, Sample.object(id))
        #expect(try await store.replica(id)?.state == .present)
        seen.forget()
        return store
    }

    private func claimed(_ id: ReplicaID, in store: SQLiteStateStore) async throws -> CopyLease {
        let (claim, outcome) = try await store.claim(id, leasing: terms)
        #expect(claim == .claimed)
        guard case .leased(let lease)? = outcome else { throw StateError(.unavailable, "\(String(describing: outcome)) is no lease") }
        #expect(lease.id == id)
        return lease
    }

    @Test("one replica is read without a transaction, and several as of one moment")
    func reads() async throws {
        let store = try await open()
        let id = try Sample.id(0)
        _ = try await store.replica(id)
        // GRDB looks first whether the schema is another.
        #expect(seen.kinds == ["PRAGMA", "SELECT"])
        seen.forget()
        _ = try await store.replicas([id])
        #expect(seen.kinds == ["PRAGMA", "SELECT"])
        seen.forget()
        _ = try await store.replicas([id, try Sample.id(1)])
        #expect(seen.kinds == ["BEGIN", "PRAGMA", "SELECT", "SELECT", "COMMIT"])
        await store.close()
    }

    @Test("a claim whose job is leased at once writes the job once")
    func claims() async throws {
        let store = try await open()
        _ = try await claimed(try Sample.id(1), in: store)
        let looks = ["SELECT status", "SELECT (SELECT sum(pending)", "SELECT lane"]
        let writes = ["UPDATE counters", "SELECT value", "INSERT INTO replicas", "INSERT INTO lanes", "INSERT INTO totals"]
        let expected = ["BEGIN"] + looks + writes + ["COMMIT"]
        #expect(seen.all.count == expected.count, "\(seen.all)")
        for (sql, start) in zip(seen.all, expected) { #expect(sql.hasPrefix(start)) }
        await store.close()
    }

    @Test("a copy that ends writes the replica, the lane and the totals")
    func finishes() async throws {
        let store = try await open()
        let leases = [try await claimed(try Sample.id(1), in: store), try await claimed(try Sample.id(2), in: store)]
        seen.forget()
        try await store.finish(leases[0], .present(Sample.object(leases[0].id)))
        #expect(seen.kinds == ["BEGIN", "SELECT", "INSERT", "INSERT", "INSERT", "COMMIT"])
        seen.forget()
        try await store.finish(leases[1], .present(Sample.object(leases[1].id)))
        // The lane has no job any more.
        #expect(seen.kinds == ["BEGIN", "SELECT", "INSERT", "INSERT", "DELETE", "INSERT", "COMMIT"])
        #expect(try await store.lanes(in: try Sample.pool(), limit: 9).isEmpty)
        await store.close()
    }

    @Test("a copy that ends and leases the next job reads that job once")
    func finishesAndLeases() async throws {
        let store = try await open()
        let first = try await claimed(try Sample.id(1), in: store)
        #expect(try await store.claim(try Sample.id(2)) == .claimed)
        seen.forget()
        let outcome = try await store.finish(first, .present(Sample.object(first.id)), leasing: terms)
        guard case .leased(let next)? = outcome else { throw StateError(.unavailable, "\(String(describing: outcome)) is no lease") }
        #expect(next.id == (try Sample.id(2)))
        #expect(
            seen.kinds == [
                "BEGIN", "SELECT", "INSERT", "INSERT", "INSERT", "SELECT", "SELECT", "UPDATE", "SELECT", "UPDATE", "INSERT", "COMMIT",
            ])
        await store.close()
    }

    @Test("who serves from the file confirms a lease that came with its claim without reading it")
    func confirms() async throws {
        let store = try await open(takeOver: true)
        let lease = try await claimed(try Sample.id(1), in: store)
        seen.forget()
        try await store.confirm(lease)
        // The totals may be counted meanwhile.
        #expect(!seen.all.contains { $0.hasPrefix("SELECT status") }, "\(seen.all)")
        await store.close()
    }

    @Test("writes that wait at the same time need no savepoints")
    func writesTogether() async throws {
        let store = try await open()
        try await withThrowingTaskGroup(of: Void.self) { group in
            for number in 1...200 {
                let id = try Sample.id(number)
                group.addTask {
                    let claim = try await store.claim(id)
                    #expect(claim == .claimed)
                }
            }
            try await group.waitForAll()
        }
        let begun = seen.kinds.count { $0 == "BEGIN" }
        #expect(begun < 200, "no two writes were committed together")
        #expect(seen.kinds.count { $0 == "SAVEPOINT" } == 0)
        await store.close()
    }
}
