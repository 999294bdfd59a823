import GRDB
import Synchronization

/// Commits writes in the order in which they arrive, and those that wait at the same time in one transaction (group commit).
///
/// An error belongs to the write that it comes from. If that write has changed something already, or if the whole transaction fails, nothing of it is
/// kept, and its writes are made again, each in a transaction of its own.
final class WriteQueue: Sendable {
    /// A write that waits. Its closures are called on the writer's connection.
    private struct Write: Sendable {
        /// Makes the changes, perhaps more than once.
        ///
        /// - Returns: Gives the caller its result; to be called after the commit.
        let run: @Sendable (inout StateTransaction) throws -> @Sendable () -> Void
        let fail: @Sendable (any Error) -> Void
    }

    /// A write whose changes are made, but not committed yet.
    private struct Made {
        let write: Write
        let transaction: StateTransaction
        let succeed: @Sendable () -> Void
    }

    private struct State {
        var waiting: [Write] = []
        /// The position of the first one that has not been taken.
        var head = 0
        var isScheduled = false
    }

    /// How many writes one transaction has, and for how long it takes in more of them: the first one waits for the last one.
    private static let maxWrites = 64
    private static let maxTime = Duration.milliseconds(4)

    private let pool: DatabasePool
    private let checkpoints: Checkpoints
    private let begin: @Sendable (Database) throws -> StateTransaction
    private let committed: @Sendable (StateTransaction) -> Void
    private let state = Mutex(State())

    /// - Parameter begin: Called on the writer's connection, in a transaction, before each write.
    /// - Parameter committed: Called there after each commit, for each write in their order, before its caller has its result.
    init(
        _ pool: DatabasePool, _ checkpoints: Checkpoints, begin: @escaping @Sendable (Database) throws -> StateTransaction,
        committed: @escaping @Sendable (StateTransaction) -> Void
    ) {
        self.pool = pool
        self.checkpoints = checkpoints
        self.begin = begin
        self.committed = committed
    }

    /// Returns after the commit.
    ///
    /// - Throws: What `body` throws, or why the transaction could not be begun or committed.
    func write<Value: Sendable>(_ body: @escaping @Sendable (inout StateTransaction) throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let write = Write { transaction in
                let value = try body(&transaction)
                return { continuation.resume(returning: value) }
            } fail: { error in
                continuation.resume(throwing: error)
            }
            let isFirst = state.withLock { state in
                state.waiting.append(write)
                defer { state.isScheduled = true }
                return !state.isScheduled
            }
            if isFirst { pool.asyncWriteWithoutTransaction { [self] db in while commitNext(db) {} } }
        }
    }

    /// - Parameter isLast: Whether no other write waits.
    private func take() -> (write: Write, isLast: Bool)? {
        state.withLock { state in
            guard state.head < state.waiting.count else {
                state.waiting.removeAll(keepingCapacity: true)
                state.head = 0
                state.isScheduled = false
                return nil
            }
            defer {
                state.head += 1
                if state.head >= 1_000 {
                    state.waiting.removeFirst(state.head)
                    state.head = 0
                }
            }
            return (state.waiting[state.head], state.head + 1 == state.waiting.count)
        }
    }

    /// - Returns: `false` if no write waits.
    private func commitNext(_ db: Database) -> Bool {
        guard let (first, isLast) = take() else { return false }
        if isLast { commit(first, db) } else { commitTogether(first, db) }
        checkpoints.proceed(db)
        return true
    }

    private func commit(_ write: Write, _ db: Database) {
        do {
            try db.beginWriting()
            var transaction = try begin(db)
            let succeed = try write.run(&transaction)
            try db.commitWriting()
            committed(transaction)
            succeed()
        } catch {
            Self.rollBack(db)
            write.fail(error)
        }
    }

    private func commitTogether(_ first: Write, _ db: Database) {
        do {
            try db.beginWriting()
        } catch {
            return first.fail(error)
        }
        var made: [Made] = []
        var interrupted: Write?
        let end = ContinuousClock.now + Self.maxTime
        var next: Write? = first
        while let write = next {
            let changes = db.totalChangesCount
            do {
                var transaction = try begin(db)
                let succeed = try write.run(&transaction)
                made.append(Made(write: write, transaction: transaction, succeed: succeed))
            } catch {
                // SQLite may have rolled back the whole transaction because of this write.
                guard db.isInsideTransaction, db.totalChangesCount == changes else {
                    interrupted = write
                    break
                }
                write.fail(error)
            }
            next = made.count < Self.maxWrites && ContinuousClock.now < end ? take()?.write : nil
        }
        if interrupted == nil, (try? db.commitWriting()) != nil {
            for each in made {
                committed(each.transaction)
                each.succeed()
            }
        } else {
            // None of them is in the database. What is wrong may concern only one.
            Self.rollBack(db)
            for write in made.map(\.write) + [interrupted].compactMap(\.self) { commit(write, db) }
        }
    }

    private static func rollBack(_ db: Database) {
        // SQLite rolls back by itself after some errors; the first error is the one that counts.
        if db.isInsideTransaction { try? db.rollback() }
    }
}

// GRDB's own functions compile these statements each time.
extension Database {
    fileprivate func beginWriting() throws { try cachedStatement(sql: "BEGIN IMMEDIATE TRANSACTION").execute() }
    fileprivate func commitWriting() throws { try cachedStatement(sql: "COMMIT TRANSACTION").execute() }
}
