import GRDB
import Synchronization

/// Writes the write-ahead log back into the file, on a connection of its own: a commit that did that would hold up all other writes while the disk
/// works.
///
/// After a checkpoint that reached the end of the log, SQLite begins it again with the next write. If writes never pause, no checkpoint reaches its
/// end; then the writer does the last part itself as soon as the log is too long.
final class Checkpoints: Sendable {
    private enum Step {
        case checkpoint, restart
    }

    private struct State {
        /// The rows that the writer had changed when the last checkpoint began.
        var changes = 0
        var isRunning = false
        /// Whether the log was too long when the last checkpoint ended.
        var isTooLong = false
        var waiters: [CheckedContinuation<Void, Never>] = []
    }

    /// How many changed rows a checkpoint is worth: a few MiB of the log, because a row that is committed alone changes several pages.
    private static let changes = 400
    /// The maximum length of the log in pages of 4 KiB, and of what remains of its file when it begins again, in bytes. A reader that does not end keeps
    /// the log from beginning again.
    private static let maxPages = 2_048
    static let maxBytes = maxPages * 4_096

    private let connection: DatabaseQueue
    private let state = Mutex(State())

    /// - Parameter configuration: Of connections that do not make checkpoints by themselves.
    init(path: String, configuration: Configuration) throws {
        connection = try DatabaseQueue(path: path, configuration: configuration)
    }

    /// Begins a checkpoint if it is time for one. Call it on the writer's connection, outside of transactions.
    func noteCommit(_ db: Database) {
        let changes = db.totalChangesCount
        let step = state.withLock { state -> Step? in
            guard !state.isRunning else { return nil }
            if state.isTooLong {
                state.isTooLong = false
                return .restart
            }
            // SQLite's count has 32 bits, and begins again.
            guard abs(changes - state.changes) >= Self.changes else { return nil }
            state.changes = changes
            state.isRunning = true
            return .checkpoint
        }
        switch step {
        case .checkpoint: connection.asyncWriteWithoutTransaction { [self] db in end(try? db.checkpoint(.passive).walFrameCount) }
        case .restart: Self.restart(db)
        case nil: break
        }
    }

    /// Returns once no checkpoint is running. What writes much waits here, so that the log can begin again.
    func wait() async {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                if state.isRunning { state.waiters.append(continuation) }
                return !state.isRunning
            }
            if isIdle { continuation.resume() }
        }
    }

    /// - Throws: What SQLite throws if it cannot write the log back; the file is then recovered from the log when it is opened again.
    func close() throws { try connection.close() }

    /// - Parameter pages: The length of the log; `nil` if the checkpoint failed.
    private func end(_ pages: Int?) {
        let waiters = state.withLock { state -> [CheckedContinuation<Void, Never>] in
            state.isRunning = false
            state.isTooLong = (pages ?? 0) > Self.maxPages
            defer { state.waiters = [] }
            return state.waiters
        }
        for waiter in waiters { waiter.resume() }
    }

    /// Writes back what is left of the log, and lets the next write begin it again, unless a reader takes longer than a few milliseconds. Writes wait
    /// meanwhile.
    private static func restart(_ db: Database) {
        try? db.execute(sql: "PRAGMA busy_timeout = 5")
        _ = try? db.checkpoint(.restart)
        try? db.execute(sql: "PRAGMA busy_timeout = \(SQLiteStateStore.busySeconds * 1_000)")
    }
}
