import Logging
import MirrorCore
import StateSQLite
import Synchronization

/// The SQL that stores have run, in its order.
final class SeenStatements: Sendable {
    private static let kinds = ["INSERT INTO replicas", "UPDATE replicas", "DELETE FROM replicas"]
    private let seen = Mutex<[String]>([])

    var all: [String] { seen.withLock { $0 } }

    /// The first word of each.
    var kinds: [String] { all.map { String($0.prefix { !$0.isWhitespace }) } }

    func forget() { seen.withLock { $0 = [] } }

    /// Opens a file that has the present schema already, so that no migration is among what is seen.
    func open(
        _ path: String, maxQueued: Int = 10_000, maxQueuedPerOrigin: Int = .max, history: Int = 1_000_000, maxSums: Int = 1_000_000,
        takeOver: Bool, clock: any MirrorClock
    ) async throws -> SQLiteStateStore {
        let new = try SQLiteStateStore(path: path, maxQueued: maxQueued, takeOver: false, clock: clock)
        await new.close()
        return try SQLiteStateStore(
            path: path, maxQueued: maxQueued, maxQueuedPerOrigin: maxQueuedPerOrigin, history: history, maxSums: maxSums,
            takeOver: takeOver, clock: clock, logger: Logger(label: "test")
        ) { [self] sql in seen.withLock { $0.append(sql) } }
    }

    /// What transactions have written.
    struct Writes: Equatable {
        /// The largest number of replicas that one transaction has written.
        var largest = 0
        var all = 0
    }

    var writes: Writes {
        var writes = Writes()
        var here = 0
        for sql in all {
            if sql.hasPrefix("BEGIN IMMEDIATE") { here = 0 }
            guard Self.kinds.contains(where: { sql.hasPrefix($0) }) else { continue }
            here += 1
            writes.all += 1
            writes.largest = max(writes.largest, here)
        }
        return writes
    }
}
