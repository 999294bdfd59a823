import GRDB
import MirrorState

/// The tables, and how older ones become newer ones.
///
/// One row per replica holds its copy job too, so that a pending replica without a job, or a job without one, cannot be written down.
enum Schema {
    /// Marks the file as ours in SQLite's header: "clmr".
    private static let applicationID: Int32 = 0x636C_6D72

    static let pending: Int64 = 1
    static let present: Int64 = 2
    static let error: Int64 = 3
    static let removing: Int64 = 4

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
        // Migrations that were released are never changed: new ones are added below them.
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
            // Filled further below, once it has all of its columns.
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
        migrator.registerMigration("6 jobs of lanes") { db in
            // Those that wait in the lane or are leased.
            try db.execute(sql: "ALTER TABLE lanes ADD COLUMN jobs INTEGER NOT NULL DEFAULT 0")
            try fillLanes(db)
        }
        return migrator
    }

    /// Fills the table of lanes anew from the jobs that there are.
    static func fillLanes(_ db: Database) throws {
        try db.execute(
            sql: """
                DELETE FROM lanes;
                INSERT INTO lanes (pool, lane, due, sequence, jobs) SELECT pool, lane, due, sequence, jobs FROM (
                    SELECT pool, lane, due, sequence, row_number() OVER (PARTITION BY pool, lane ORDER BY due, sequence) AS place,
                    count(*) OVER (PARTITION BY pool, lane) AS jobs
                    FROM replicas WHERE status = 1
                ) WHERE place = 1;
                """)
    }
}
