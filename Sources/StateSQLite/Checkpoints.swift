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
        /// How much of the log has been written back.
        var written = 0
        /// Whether a caller has asked the writer to go on.
        var isAsked = false
        var isClosed = false
        var waiters: [CheckedContinuation<Void, Never>] = []

        var isCrowded: Bool { (isTooLong || pages > Checkpoints.crowdedPages) && !isClosed }

        /// Sets when the next checkpoint is due: before the log is too long, so that the writer is left with little.
        mutating func putOff() {
            due = pages + Checkpoints.pages
            if pages < Checkpoints.maxPages { due = min(due, Checkpoints.maxPages) }
        }

        mutating func beginAgain() {
            pages = 0
            written = 0
            attempts = 0
            isTooLong = false
            due = Checkpoints.pages
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
    /// The length from which those who write much wait.
    private static let crowdedPages = 2_560
    /// How long they wait between two looks.
    private static let pauses = (first: Duration.milliseconds(2), longest: Duration.milliseconds(100))
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
            if pages < state.pages { state.beginAgain() }
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

    /// Returns as soon as the log is short enough for a caller that writes much; nearly always at once. A reader that keeps the log from beginning again
    /// slows that caller down.
    ///
    /// - Parameter end: When to return at the latest, after the checkpoint that is running.
    func makeRoom(until end: ContinuousClock.Instant) async {
        var pause = Self.pauses.first
        while await isCrowded(), !Task.isCancelled, ContinuousClock.now < end {
            try? await Task.sleep(for: pause)
            pause = min(pause * 2, Self.pauses.longest)
            // Perhaps everybody who writes waits here, so that nobody else tries again.
            ask()
        }
    }

    private func ask() {
        let isFirst = state.withLock { state in
            defer { state.isAsked = true }
            return !state.isAsked
        }
        guard isFirst else { return }
        writer.asyncWriteWithoutTransaction { [self] db in
            state.withLock { state in
                state.isAsked = false
                state.due = 0
            }
            proceed(db)
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

    /// Ends the checkpoint that is running, and begins no other.
    func stop() {
        let waiters = state.withLock { state in
            state.isClosed = true
            return state.takeWaiters()
        }
        for waiter in waiters { waiter.resume() }
        connection.writeWithoutTransaction { _ in }
    }

    /// Call it after the writer was closed: the last connection to a file writes the whole log back.
    ///
    /// - Throws: What SQLite throws if it cannot write the log back; the file is then recovered from the log when it is opened again.
    func close() throws { try connection.close() }

    private func run(_ db: Database) {
        // Otherwise a reader is in the way, which keeps everything behind it in the log.
        if writeBack(db) {
            var repetitions = 0
            while isLeftOver, repetitions < Self.repetitions, writeBack(db) { repetitions += 1 }
            // From here on, those who write much wait, so that next to nothing is left for the writer.
            if noteTooLong() {
                Self.sync(db)
                writeBack(db)
            }
        }
        let isTooLong = noteTooLong()
        let waiters = state.withLock { state in
            state.isRunning = false
            state.putOff()
            return state.takeWaiters()
        }
        // Perhaps nobody writes now. Whoever does comes first.
        if isTooLong { writer.asyncWriteWithoutTransaction { [self] db in proceed(db) } }
        for waiter in waiters { waiter.resume() }
    }

    /// - Returns: Whether more of the log is in the file now.
    @discardableResult
    private func writeBack(_ db: Database) -> Bool {
        guard !state.withLock({ $0.isClosed }), let written = try? db.checkpoint(.passive).checkpointedFrameCount else { return false }
        return state.withLock { state in
            defer { state.written = written }
            return written != state.written
        }
    }

    /// Whether much was written meanwhile.
    private var isLeftOver: Bool { state.withLock { $0.pages > $0.written + Self.remainder } }

    private func noteTooLong() -> Bool {
        state.withLock { state in
            let isTooLong = state.pages > Self.maxPages
            if isTooLong, !state.isTooLong { state.attempts = 0 }
            state.isTooLong = isTooLong
            return isTooLong
        }
    }

    /// Makes sure that the disk has what is in the file. SQLite does it only when a checkpoint has reached the end, which would be the writer's.
    private static func sync(_ db: Database) {
        var file: UnsafeMutablePointer<sqlite3_file>?
        guard sqlite3_file_control(db.sqliteConnection, "main", SQLITE_FCNTL_FILE_POINTER, &file) == SQLITE_OK, let file else { return }
        // If it fails, the next checkpoint finds that out.
        _ = file.pointee.pMethods?.pointee.xSync?(file, SQLITE_SYNC_NORMAL)
    }

    /// Writes back what is left of the log, and lets the next write begin it again. If somebody is reading from it, one of the next writes
    /// tries again. Writes wait meanwhile.
    private func restart(_ db: Database) {
        try? db.execute(sql: "PRAGMA busy_timeout = 0")
        let isDone = (try? db.checkpoint(.restart)) != nil
        try? db.execute(sql: "PRAGMA busy_timeout = \(SQLiteStateStore.busySeconds * 1_000)")
        state.withLock { state in
            if isDone { return state.beginAgain() }
            state.attempts += 1
            state.isTooLong = state.attempts < Self.attempts
            state.putOff()
        }
    }
}
