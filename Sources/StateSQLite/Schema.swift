import GRDB
import MirrorCore
import MirrorState

/// The tables, and the migrations of older ones.
///
/// The row of a replica also holds its copy job, so that a pending replica without a job, or a job without a replica, cannot be stored.
enum Schema {
    /// Marks the file as ours in SQLite's header: "clmr".
    private static let applicationID: Int32 = 0x636C_6D72

    static let pending: Int64 = 1
    static let present: Int64 = 2
    static let error: Int64 = 3
    static let removing: Int64 = 4

    static func status(of state: Replica.State) -> Int64 {
        switch state {
        case .absent: removing
        case .pending: pending
        case .present: present
        case .error: error
        }
    }

    /// - Throws: ``StateError/Code/corrupt`` for a database of another program or of a newer version.
    static func migrate(_ pool: DatabasePool, path: String) throws {
        let migrator = migrator()
        try pool.read { db in
            let tables = try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_schema") ?? 0
            let marked = try Int32.fetchOne(db, sql: "PRAGMA application_id")
            guard tables == 0 || marked == applicationID else {
                throw StateError(.corrupt, "\(path) is a database of another program; give the state a path of its own")
            }
            let isNewer = try migrator.hasBeenSuperseded(db)
            guard !isNewer else {
                throw StateError(
                    .corrupt, "\(path) was written by a newer version of cloud-mirror; run that version, or: \(StateError.remedy)")
            }
        }
        try migrator.migrate(pool)
    }

    private static func migrator() -> DatabaseMigrator {
        var migrator = DatabaseMigrator()
        // Released migrations are never changed; new ones are added at the end.
        migrator.registerMigration("1 replicas") { db in
            try db.execute(
                sql: """
                    PRAGMA application_id = \(applicationID);

                    -- Times are milliseconds since 1970. Which columns are filled depends on status:
                    -- 1 pending, 2 present, 3 error, 4 removing.
                    CREATE TABLE replicas (
                        pool TEXT NOT NULL,
                        url TEXT NOT NULL,
                        status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 4),
                        -- present
                        key TEXT,
                        size INTEGER,
                        sha256 TEXT,
                        stored_at INTEGER,
                        last_used INTEGER,
                        marked_at INTEGER,
                        -- error
                        reason TEXT,
                        origin_status INTEGER,
                        message TEXT,
                        retry_at INTEGER,
                        -- pending: its copy job
                        sequence INTEGER,
                        queued_at INTEGER,
                        due INTEGER,
                        attempts INTEGER,
                        token INTEGER,
                        worker TEXT,
                        PRIMARY KEY (pool, url)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX jobs_by_due ON replicas (pool, due, sequence) WHERE status = 1;
                    CREATE INDEX present_by_use ON replicas (pool, last_used, url) WHERE status = 2;
                    CREATE INDEX removals ON replicas (pool, url) WHERE status = 4;

                    CREATE TABLE totals (
                        pool TEXT NOT NULL PRIMARY KEY,
                        objects INTEGER NOT NULL,
                        bytes INTEGER NOT NULL,
                        pending INTEGER NOT NULL,
                        errors INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;

                    CREATE TABLE counters (
                        name TEXT NOT NULL PRIMARY KEY,
                        value INTEGER NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    INSERT INTO counters VALUES ('number', 0);
                    """)
        }
        migrator.registerMigration("2 errors by retry") { db in
            try db.execute(sql: "CREATE INDEX errors_by_retry ON replicas (retry_at, pool, url) WHERE status = 3")
        }
        migrator.registerMigration("3 begin of removals") { db in
            try db.execute(
                sql: """
                    ALTER TABLE replicas ADD COLUMN removal_began INTEGER;
                    UPDATE replicas SET removal_began = 0 WHERE status = 4;
                    """)
        }
        migrator.registerMigration("4 lanes") { db in
            try db.execute(
                sql: """
                    -- Of a pending replica: the origin of its URL, up to the slash behind the authority, or `unfinished`.
                    ALTER TABLE replicas ADD COLUMN lane TEXT;
                    -- Of a pending replica: leases that ran out.
                    ALTER TABLE replicas ADD COLUMN unfinished INTEGER;
                    UPDATE replicas SET unfinished = 0,
                        lane = substr(url, 1, instr(url, '://') + 1 + instr(substr(url, instr(url, '://') + 3), '/'))
                        WHERE status = 1;
                    DROP INDEX jobs_by_due;
                    CREATE INDEX jobs_by_lane ON replicas (pool, lane, due, sequence) WHERE status = 1;

                    -- Each lane in which jobs wait, and when the first of them is due.
                    CREATE TABLE lanes (
                        pool TEXT NOT NULL,
                        lane TEXT NOT NULL,
                        due INTEGER NOT NULL,
                        sequence INTEGER NOT NULL,
                        PRIMARY KEY (pool, lane)
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX lanes_by_due ON lanes (pool, due, sequence);
                    """)
            // Filled by the last migration, when the table has all of its columns.
        }
        migrator.registerMigration("5 representations") { db in
            try db.execute(
                sql: """
                    ALTER TABLE replicas ADD COLUMN etag TEXT;
                    ALTER TABLE replicas ADD COLUMN last_modified INTEGER;
                    ALTER TABLE replicas ADD COLUMN content_type TEXT;
                    ALTER TABLE replicas ADD COLUMN content_encoding TEXT;
                    ALTER TABLE replicas ADD COLUMN content_disposition TEXT;
                    """)
        }
        migrator.registerMigration("6 tokens of removals") { db in
            try db.execute(
                sql: """
                    -- Of a replica under removal: `due` is when somebody else may take it over, `token` whose it is.
                    UPDATE replicas SET due = 0 WHERE status = 4;
                    -- Whether somebody asked for another deletion meanwhile.
                    ALTER TABLE replicas ADD COLUMN is_repeated INTEGER;
                    ALTER TABLE replicas DROP COLUMN removal_began;
                    """)
        }
        migrator.registerMigration("7 waits") { db in
            try db.execute(
                sql: """
                    -- Milliseconds from when `due` or `retry_at` was written until then: more than that nobody waits, whatever the clock says.
                    ALTER TABLE replicas ADD COLUMN wait INTEGER;
                    UPDATE replicas SET wait = CASE status WHEN 3 THEN 3600000 ELSE 0 END WHERE status <> 2;
                    """)
        }
        migrator.registerMigration("8 bytes of what strangers make up") { db in
            try db.execute(
                sql: """
                    ALTER TABLE totals ADD COLUMN pending_bytes INTEGER NOT NULL DEFAULT 0;
                    ALTER TABLE totals ADD COLUMN error_bytes INTEGER NOT NULL DEFAULT 0;
                    CREATE INDEX errors_by_pool ON replicas (pool, retry_at, url) WHERE status = 3;
                    """)
            try countBytes(db)
        }
        migrator.registerMigration("9 names by their hashes") { db in
            // Names can be long, so only the rows contain them, and no key or index. The object's key follows from the name.
            let hash = DatabaseFunction("name_hash", argumentCount: 1, pure: true) { values in
                String.fromDatabaseValue(values[0]).map { ArtifactURL.nameHash(of: $0) }
            }
            db.add(function: hash)
            let columns = """
                status, size, sha256, stored_at, last_used, marked_at, reason, origin_status, message, retry_at, sequence, queued_at, due, \
                attempts, token, worker, is_repeated, lane, unfinished, etag, last_modified, content_type, content_encoding, \
                content_disposition, wait
                """
            try db.execute(
                sql: """
                    CREATE TABLE by_hash (
                        pool TEXT NOT NULL,
                        hash TEXT NOT NULL,
                        url TEXT NOT NULL,
                        status INTEGER NOT NULL CHECK (status BETWEEN 1 AND 4),
                        size INTEGER, sha256 TEXT, stored_at INTEGER, last_used INTEGER, marked_at INTEGER,
                        reason TEXT, origin_status INTEGER, message TEXT, retry_at INTEGER,
                        sequence INTEGER, queued_at INTEGER, due INTEGER, attempts INTEGER, token INTEGER, worker TEXT,
                        is_repeated INTEGER, lane TEXT, unfinished INTEGER,
                        etag TEXT, last_modified INTEGER, content_type TEXT, content_encoding TEXT, content_disposition TEXT,
                        wait INTEGER
                    ) STRICT;
                    INSERT INTO by_hash (pool, hash, url, \(columns)) SELECT pool, name_hash(url), url, \(columns) FROM replicas;
                    DROP TABLE replicas;
                    ALTER TABLE by_hash RENAME TO replicas;
                    CREATE UNIQUE INDEX replicas_by_name ON replicas (pool, hash);
                    CREATE INDEX replicas_by_status ON replicas (pool, status, hash);
                    CREATE INDEX jobs_by_lane ON replicas (pool, lane, due, sequence) WHERE status = 1;
                    CREATE INDEX present_by_use ON replicas (pool, last_used, hash) WHERE status = 2;
                    CREATE INDEX errors_by_retry ON replicas (retry_at, pool, hash) WHERE status = 3;
                    CREATE INDEX errors_by_pool ON replicas (pool, retry_at, hash) WHERE status = 3;
                    """)
            db.remove(function: hash)
        }
        migrator.registerMigration("10 jobs of lanes") { db in
            // The jobs that wait in the lane or are leased.
            try db.execute(sql: "ALTER TABLE lanes ADD COLUMN jobs INTEGER NOT NULL DEFAULT 0")
            try fillLanes(db)
        }
        migrator.registerMigration("11 activity") { db in
            try db.execute(
                sql: """
                    -- When artifacts were used; `key` is the first half of the hash of the name, `clock` the record's, in seconds since 1970.
                    CREATE TABLE activity (
                        key BLOB NOT NULL PRIMARY KEY,
                        clock INTEGER NOT NULL,
                        record BLOB NOT NULL
                    ) STRICT, WITHOUT ROWID;
                    CREATE INDEX activity_by_clock ON activity (clock);
                    CREATE TABLE sums (name TEXT NOT NULL PRIMARY KEY, value REAL NOT NULL) STRICT, WITHOUT ROWID;
                    -- How many rows they have: counting them would be a scan.
                    INSERT INTO counters VALUES ('activity', 0), ('sums', 0);

                    CREATE TABLE classes (number INTEGER NOT NULL PRIMARY KEY, name TEXT NOT NULL) STRICT;
                    CREATE TABLE documents (name TEXT NOT NULL PRIMARY KEY, version INTEGER NOT NULL, bytes BLOB NOT NULL) STRICT;
                    -- At most one row: whose the right to compute is, and until when, in milliseconds.
                    CREATE TABLE computing (holder TEXT NOT NULL, ends INTEGER NOT NULL, wait INTEGER NOT NULL) STRICT;
                    """)
        }
        migrator.registerMigration("12 times of marks") { db in
            // Few replicas are marked, so it is small, and other writes do not change it.
            try db.execute(sql: "CREATE INDEX marked_by_time ON replicas (pool, marked_at) WHERE marked_at IS NOT NULL")
        }
        return migrator
    }

    /// The pools that have replicas, in their order: one step down an index for each.
    static func pools(_ db: Database) throws -> [String] {
        try String.fetchAll(
            db,
            sql: """
                WITH RECURSIVE pools (pool) AS (
                    SELECT min(pool) FROM replicas INDEXED BY replicas_by_name
                    UNION ALL SELECT (SELECT min(pool) FROM replicas INDEXED BY replicas_by_name WHERE pool > pools.pool)
                    FROM pools WHERE pools.pool IS NOT NULL
                ) SELECT pool FROM pools WHERE pool IS NOT NULL
                """)
    }

    /// Counts the cost of pending replicas and errors; see ``StateLimits``.
    private static func countBytes(_ db: Database) throws {
        try db.execute(
            sql: """
                UPDATE totals SET
                    pending_bytes = (SELECT coalesce(sum(length(url) + :cost), 0) FROM replicas WHERE status = 1 AND pool = totals.pool),
                    error_bytes = (SELECT coalesce(sum(length(url) + :cost), 0) FROM replicas WHERE status = 3 AND pool = totals.pool)
                """, arguments: ["cost": StateLimits.recordBytes])
    }

    /// Refills the table of lanes from the existing jobs.
    static func fillLanes(_ db: Database) throws {
        try db.execute(sql: "DELETE FROM lanes")
        for pool in try pools(db) {
            try db.execute(
                sql: """
                    INSERT INTO lanes (pool, lane, due, sequence, jobs) SELECT :pool, lane, due, sequence, jobs FROM (
                        SELECT lane, due, sequence, row_number() OVER (PARTITION BY lane ORDER BY due, sequence) AS place,
                        count(*) OVER (PARTITION BY lane) AS jobs
                        FROM replicas INDEXED BY jobs_by_lane WHERE status = 1 AND pool = :pool
                    ) WHERE place = 1
                    """, arguments: ["pool": pool])
        }
    }
}
