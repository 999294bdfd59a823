import GRDB
import MirrorCore
import MirrorState
import MirrorTesting
import StateSQLite
import TestServers
import Testing

@Suite("Files of older versions of the SQLite state")
struct SQLiteMigrationTests {
    private let directory: TemporaryDirectory
    private let clock = ManualClock()

    init() throws {
        directory = try TemporaryDirectory()
    }

    /// What the fifth migration left.
    private static let fifthSchema = """
        PRAGMA application_id = 1668050290;
        CREATE TABLE grdb_migrations (identifier TEXT NOT NULL PRIMARY KEY);
        INSERT INTO grdb_migrations VALUES ('1 replicas'), ('2 errors by retry'), ('3 begin of removals'), ('4 lanes'), ('5 representations');
        CREATE TABLE replicas (
            pool TEXT NOT NULL, url TEXT NOT NULL, status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 4),
            key TEXT, size INTEGER, sha256 TEXT, stored_at INTEGER, last_used INTEGER, marked_at INTEGER,
            reason TEXT, origin_status INTEGER, message TEXT, retry_at INTEGER,
            sequence INTEGER, queued_at INTEGER, due INTEGER, attempts INTEGER, token INTEGER, worker TEXT,
            removal_began INTEGER, lane TEXT, unfinished INTEGER,
            etag TEXT, last_modified INTEGER, content_type TEXT, content_encoding TEXT, content_disposition TEXT,
            PRIMARY KEY (pool, url)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX jobs_by_lane ON replicas (pool, lane, due, sequence) WHERE status = 1;
        CREATE INDEX present_by_use ON replicas (pool, last_used, url) WHERE status = 2;
        CREATE INDEX removals ON replicas (pool, url) WHERE status = 4;
        CREATE INDEX errors_by_retry ON replicas (retry_at, pool, url) WHERE status = 3;
        CREATE TABLE totals (
            pool TEXT NOT NULL PRIMARY KEY, objects INTEGER NOT NULL, bytes INTEGER NOT NULL, pending INTEGER NOT NULL, errors INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        CREATE TABLE counters (name TEXT NOT NULL PRIMARY KEY, value INTEGER NOT NULL) STRICT, WITHOUT ROWID;
        INSERT INTO counters VALUES ('number', 41);
        CREATE TABLE lanes (
            pool TEXT NOT NULL, lane TEXT NOT NULL, due INTEGER NOT NULL, sequence INTEGER NOT NULL, PRIMARY KEY (pool, lane)
        ) STRICT, WITHOUT ROWID;
        CREATE INDEX lanes_by_due ON lanes (pool, due, sequence);
        """

    @Test("everything that the fifth schema held is there, in the present one, and goes on")
    func movesRows() async throws {
        let path = "\(directory.path)/state.sqlite"
        let now = clock.now.milliseconds
        let pool = "s3/eu-central-1"
        let ids = try (1...5).map { try Sample.id($0) }
        let object = Sample.object(ids[0], size: 7, at: clock.now)
        let queue = try DatabaseQueue(path: path)
        try await queue.write { db in
            try db.execute(sql: Self.fifthSchema)
            let (urls, lane) = (ids.map(\.artifact.description), "https://artifacts.example.org")
            try db.execute(
                sql: """
                    INSERT INTO replicas (pool, url, status, key, size, sha256, stored_at, last_used, marked_at, etag, last_modified)
                    VALUES (?, ?, 2, ?, 7, ?, ?, ?, NULL, '"tag"', 5)
                    """,
                arguments: [pool, urls[0], ObjectKey(ids[0].artifact).description, object.sha256?.hex, now, now])
            try db.execute(
                sql: """
                    INSERT INTO replicas (pool, url, status, reason, origin_status, message, retry_at)
                    VALUES (?, ?, 3, 'origin', 404, 'there is none', ?)
                    """, arguments: [pool, urls[1], now + 30_000])
            try db.execute(
                sql: """
                    INSERT INTO replicas (pool, url, status, sequence, queued_at, due, attempts, token, worker, lane, unfinished)
                    VALUES (?, ?, 1, 7, ?, ?, 0, NULL, NULL, ?, 0), (?, ?, 1, 8, ?, ?, 1, 40, 'worker', ?, 0)
                    """,
                arguments: [pool, urls[2], now, now, lane, pool, urls[3], now, now + 15_000, lane])
            try db.execute(
                sql: "INSERT INTO replicas (pool, url, status, removal_began) VALUES ('local/dev', ?, 4, ?)", arguments: [urls[4], now])
            try db.execute(sql: "INSERT INTO totals VALUES (?, 1, 7, 2, 1)", arguments: [pool])
            try db.execute(sql: "INSERT INTO lanes VALUES (?, ?, ?, 7)", arguments: [pool, lane, now])
        }
        try queue.close()

        let store = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: true, clock: clock)
        var described = object
        described.representation = Representation(etag: "\"tag\"", lastModified: Timestamp(milliseconds: 5))
        #expect(try await store.replica(ids[0])?.status == .present(described))
        let failure = CopyFailure(reason: .origin(status: 404), message: "there is none", retryAt: clock.now + .seconds(30))
        #expect(try await store.replica(ids[1])?.status == .error(failure))
        #expect(try await store.totals(of: ids[0].pool) == PoolTotals(objects: 1, bytes: 7, pending: 2, errors: 1))
        #expect(try await store.replicas(in: nil, after: nil, limit: 10).count == 5)
        let local = try Sample.pool("local/dev")
        #expect(try await store.abandonedRemovals(in: local, limit: 9).map(\.artifact) == [ids[4].artifact])
        let leases = [
            try #require(try await store.lease(pools: [ids[0].pool], worker: "w", duration: .seconds(15))),
            try #require(try await store.lease(pools: [ids[0].pool], worker: "w", duration: .seconds(15))),
        ]
        #expect(leases.map(\.id) == [ids[2], ids[3]])
        #expect(leases[0].token > 41)
        for lease in leases { try await store.finish(lease, .present(Sample.object(lease.id))) }
        #expect(try await store.leastRecentlyUsed(in: ids[0].pool, after: nil, limit: 9).count == 3)
        await store.close()
        // And once more, now that it is of the present schema.
        let again = try SQLiteStateStore(path: path, maxQueued: 10_000, takeOver: true, clock: clock)
        #expect(try await again.replica(ids[0])?.status == .present(described))
        await again.close()
    }
}
