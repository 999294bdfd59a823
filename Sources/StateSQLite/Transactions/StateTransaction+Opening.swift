import GRDB
import MirrorCore
import MirrorState

/// What is done when a process takes over the file, and when the clock was set back.
///
/// None of it takes longer the more replicas are present: jobs, errors and removals are bounded, and an index leads to the times in the future.
extension StateTransaction {
    /// Lets the leases and removals of the previous process expire now, and continues with tokens far above all that it can have used.
    ///
    /// The reason: with `synchronous=NORMAL` a power failure may undo the last transactions, and with them the newest tokens. Far fewer than a
    /// million fit into the write-ahead log between two checkpoints.
    func takeOver() throws {
        try db.execute(sql: "UPDATE counters SET value = value + 1000000 WHERE name = 'number'")
        for pool in try Schema.pools(db) {
            try db.execute(
                sql: """
                    UPDATE replicas INDEXED BY jobs_by_lane SET due = :now
                    WHERE status = 1 AND pool = :pool AND due > :now AND token IS NOT NULL
                    """, arguments: ["now": now.milliseconds, "pool": pool])
            try db.execute(
                sql: "UPDATE replicas INDEXED BY replicas_by_status SET token = NULL WHERE status = 4 AND pool = ?", arguments: [pool])
        }
        try db.execute(sql: "DELETE FROM computing")
        try clampTimes()
    }

    /// Corrects times in the future, recorded before the clock was set back; see ``ReplicaRecord/clampWaits(at:)``.
    func clampTimes() throws {
        // SQLite has no statistics of the table, so each names its index.
        let updates = [
            """
            INDEXED BY jobs_by_lane SET due = :now + coalesce(wait, 0)
            WHERE status = 1 AND pool = :pool AND due > :now + coalesce(wait, 0)
            """,
            """
            INDEXED BY replicas_by_status SET due = :now + coalesce(wait, 0)
            WHERE status = 4 AND pool = :pool AND due > :now + coalesce(wait, 0)
            """,
            "INDEXED BY jobs_by_lane SET queued_at = :now WHERE status = 1 AND pool = :pool AND queued_at > :now",
            """
            INDEXED BY errors_by_pool SET retry_at = :now + coalesce(wait, 0)
            WHERE status = 3 AND pool = :pool AND retry_at > :now AND retry_at > :now + coalesce(wait, 0)
            """,
            "INDEXED BY present_by_use SET last_used = :now WHERE status = 2 AND pool = :pool AND last_used > :now",
            "INDEXED BY marked_by_time SET marked_at = :now WHERE pool = :pool AND marked_at > :now",
        ]
        for pool in try Schema.pools(db) {
            for update in updates {
                try db.execute(sql: "UPDATE replicas \(update)", arguments: ["now": now.milliseconds, "pool": pool])
            }
        }
        try Schema.fillLanes(db)
    }
}
