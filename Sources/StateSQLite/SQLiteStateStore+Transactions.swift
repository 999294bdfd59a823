import GRDB
import Logging
import MirrorCore
import MirrorState

/// How calls read and write.
extension SQLiteStateStore {
    func write<Value: Sendable>(_ body: @escaping @Sendable (inout StateTransaction) throws -> Value) async throws -> Value {
        try gate.enter()
        defer { gate.leave() }
        do {
            return try await writes.write(body)
        } catch {
            throw StateError(error, "the state file cannot be written")
        }
    }

    /// Calls `body` with the items in their order and in limited batches, with time for other calls in between.
    ///
    /// - Parameter patience: How long it waits in all while the log is too long, beyond the checkpoint that is running.
    func inBatches<Item: Sendable>(_ items: [Item], patience: Duration = .zero, _ body: ([Item]) async throws -> Void) async throws {
        let end = ContinuousClock.now + patience
        for start in stride(from: 0, to: items.count, by: Self.batch) {
            await checkpoints.makeRoom(until: end)
            try await body(Array(items[start..<min(start + Self.batch, items.count)]))
        }
    }

    /// - Parameter isOneStatement: Whether `body` runs a single statement, which sees one moment without a transaction around it.
    func read<Value: Sendable>(
        isOneStatement: Bool = false, _ body: @escaping @Sendable (StateTransaction) throws -> Value
    ) async throws -> Value {
        // The first read after the clock was set back corrects the times by a write; a process that only reads leaves that alone.
        if recent.isWriting, recent.isPutBack(clock.now) { try await write { _ in } }
        try gate.enter()
        defer { gate.leave() }
        return try await withCheckedThrowingContinuation { continuation in
            reads.add { [pool, clock] in
                let look = { (db: Database) in try body(StateTransaction(db, at: clock.now)) }
                do {
                    continuation.resume(returning: try isOneStatement ? pool.unsafeRead(look) : pool.read(look))
                } catch {
                    continuation.resume(throwing: StateError(error, "the state file cannot be read"))
                }
            }
        }
    }

    /// Counts the totals again while the process serves already, and corrects them if a fault has left them wrong.
    func checkTotals() async {
        do {
            let missing = try await missingTotals()
            guard !missing.isEmpty else { return }
            try await write { transaction in
                for (pool, difference) in missing { try transaction.add(difference, to: pool) }
            }
            logger.warning("the totals in the state file were wrong and were counted again")
        } catch {
            guard !gate.isClosed else { return }
            logger.warning("the totals in the state file cannot be counted", metadata: ["error": "\(error)"])
        }
    }

    private func missingTotals() async throws -> [String: TotalsRow] {
        do {
            let version = try await write { [count] transaction in
                count.begin()
                return try transaction.version()
            }
            while try await write({ [count] transaction in
                guard try transaction.version() == version else {
                    throw StateError(.unavailable, "another process writes to the state file")
                }
                return try transaction.count(after: count.last)
            }) {}
        } catch {
            count.end()
            throw error
        }
        return count.end()
    }
}
