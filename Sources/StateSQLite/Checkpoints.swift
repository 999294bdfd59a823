import GRDB
import GRDBSQLite
import Synchronization

/// Writes the write-ahead log back into the file, on a connection of its own: a commit that did that would hold up all other writes while the disk
/// works.
///
/// After a checkpoint that reached the end of the log, SQLite begins it again with the next write. If writes never pause, no checkpoint reaches its
/// end; then the writer does the last part itself as soon as the log is too long. By then that part is short, because the checkpoint has been repeated.
final class Checkpoints: Sendable {
    private enum Step {
        case checkpoint, restart
    }

    private struct State {
        /// The length of the log after the last commit.
        var pages = 0
        /// The length at which the next checkpoint begins.
        var due = Checkpoints.pages
        var isRunning = false
        /// Whether the log was too long when the last checkpoint ended, and has not been begun again.
        var isTooLong = false
        /// How many times it could not be begun again.
        var attempts = 0
        var isClosed = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        var isCrowded: Bool { (isTooLong || pages > Checkpoints.crowdedPages) && !isClosed }

        /// Sets when the next checkpoint is due: before the log is too long, so that the writer is left with little.
        mutating func putOff() {
            due = pages + Checkpoints.pages
            if pages < Checkpoints.maxPages { due = min(due, Checkpoints.maxPages) }
        }

        mutating func takeWaiters() -> [CheckedContinuation<Void, Never>] {
            defer { waiters = [] }
            return waiters
        }
    }

    // All lengths are in pages of 4 KiB.

    /// How much of the log a checkpoint is worth.
    private static let pages = 1_024
    /// What a checkpoint may leave over: as much as the writer writes back in a few milliseconds.
    private static let remainder = 128
    /// How many times a checkpoint is repeated because it has left more than that over.
    private static let repetitions = 4
    /// The length from which the log is begun again, and how many writes try that before it grows on. A reader that does not end keeps it from that.
    private static let maxPages = 2_048
    private static let attempts = 50
    /// The length from which those who write much wait, and for how long at most.
    private static let crowdedPages = 2_560
    private static let patience = (pause: Duration.milliseconds(2), count: 1_000)
    /// What remains of the log's file when it begins again, in bytes. Cutting it takes time, so a log of a usual length is not cut.
    static let maxBytes = 4_096 * 4_096

    private let connection: DatabaseQueue
    private let writer: DatabasePool
    private let state = Mutex(State())

    /// - Parameter writer: Its commits are counted from now on.
    /// - Parameter configuration: Of connections that do not make checkpoints by themselves.
    init(of writer: DatabasePool, path: String, configuration: Configuration) throws {
        self.writer = writer
        connection = try DatabaseQueue(path: path, configuration: configuration)
        writer.writeWithoutTransaction { db in
            // The writer makes no commit that this object does not outlive.
            _ = sqlite3_wal_hook(
                db.sqliteConnection,
                { checkpoints, _, _, pages in
                    if let checkpoints { Unmanaged<Checkpoints>.fromOpaque(checkpoints).takeUnretainedValue().noteLength(Int(pages)) }
                    return SQLITE_OK
                }, Unmanaged.passUnretained(self).toOpaque())
        }
    }

    private func noteLength(_ pages: Int) {
        state.withLock { state in
            if pages < state.pages { state.due = Self.pages }
            state.pages = pages
        }
    }

    /// Begins a checkpoint if it is time for one. Call it on the writer's connection, outside of transactions.
    func proceed(_ db: Database) {
        let step = state.withLock { state -> Step? in
            guard !state.isRunning, !state.isClosed else { return nil }
            if state.isTooLong { return .restart }
            guard state.pages >= state.due else { return nil }
            state.isRunning = true
            return .checkpoint
        }
        switch step {
        case .checkpoint: connection.asyncWriteWithoutTransaction { [self] db in run(db) }
        case .restart: restart(db)
        case nil: break
        }
    }

    /// Returns as soon as the log is short enough for somebody who writes much; nearly always at once. A reader that keeps the log from beginning again
    /// slows him down.
    func makeRoom() async {
        for _ in 0..<Self.patience.count {
            guard await isCrowded(), !Task.isCancelled else { return }
            try? await Task.sleep(for: Self.patience.pause)
            // Perhaps everybody who writes waits here, so that nobody else tries again.
            writer.asyncWriteWithoutTransaction { [self] db in
                state.withLock { $0.due = 0 }
                proceed(db)
            }
        }
    }

    /// - Returns: Whether the log is too long to write much, after the checkpoint that is running.
    private func isCrowded() async -> Bool {
        await withCheckedContinuation { continuation in
            let isIdle = state.withLock { state in
                let waits = state.isCrowded && state.isRunning
                if waits { state.waiters.append(continuation) }
                return !waits
            }
            if isIdle { continuation.resume() }
        }
        return state.withLock { $0.isCrowded }
    }

    /// Call it before the writer is closed.
    ///
    /// - Throws: What SQLite throws if it cannot write the log back; the file is then recovered from the log when it is opened again.
    func close() throws {
        state.withLock { $0.isClosed = true }
        // Waits for the checkpoint that is running.
        defer { for waiter in state.withLock({ $0.takeWaiters() }) { waiter.resume() } }
        try connection.close()
    }

    private func run(_ db: Database) {
        var repetitions = 0
        while isLeftOver(after: db), repetitions < Self.repetitions { repetitions += 1 }
        // From here on, those who write much wait, so that next to nothing is left for the writer.
        let isTooLong = state.withLock { state in
            state.isTooLong = state.pages > Self.maxPages
            return state.isTooLong
        }
        if isTooLong {
            Self.sync(db)
            _ = isLeftOver(after: db)
        }
        let waiters = state.withLock { state in
            state.isRunning = false
            state.putOff()
            return state.takeWaiters()
        }
        // Perhaps nobody writes now. Whoever does comes first.
        if isTooLong { writer.asyncWriteWithoutTransaction { [self] db in proceed(db) } }
        for waiter in waiters { waiter.resume() }
    }

    /// Writes the log back.
    ///
    /// - Returns: Whether much of it was written meanwhile.
    private func isLeftOver(after db: Database) -> Bool {
        guard let written = try? db.checkpoint(.passive).checkpointedFrameCount else { return false }
        return state.withLock { $0.pages > written + Self.remainder }
    }

    /// Makes sure that the disk has what is in the file. SQLite does it only when a checkpoint has reached the end, which would be the writer's.
    private static func sync(_ db: Database) {
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file else { return }
        // If it fails, the next checkpoint finds that out.
        _ = file.pointee.pMethods?.pointee.xSync?(file, SQLITE_SYNC_NORMAL)
    }

    /// Writes back what is left of the log, and lets the next write begin it again, unless somebody is reading from it; then the next write tries
    /// again. Writes wait meanwhile.
    private func restart(_ db: Database) {
        try? db.execute(sql: "PRAGMA busy_timeout = 0")
        let isDone = (try? db.checkpoint(.restart)) != nil
        try? db.execute(sql: "PRAGMA busy_timeout = \(SQLiteStateStore.busySeconds * 1_000)")
        state.withLock { state in
            state.attempts = isDone ? 0 : state.attempts + 1
            state.isTooLong = !isDone && state.attempts < Self.attempts
            if isDone { state.pages = 0 }
            state.putOff()
        }
    }
}
