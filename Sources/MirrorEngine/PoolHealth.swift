package import Logging
package import MirrorCore
package import MirrorState
import MirrorStorage
import Synchronization

/// Whether pools can be used: one definition for readiness, for redirects, and for the search for missing objects.
///
/// The mirror itself serves the objects of some pools. If it cannot read such a pool, no client can get the objects, so all its clients are
/// redirected to the origin, even for hits. Clients get objects of other pools from elsewhere, and a problem between the mirror and that place says
/// nothing about clients.
///
/// Anybody may ask for readiness, and each check is a call to a service. So all requests within a few seconds share one check, and none waits for a
/// check that hangs.
package final class PoolHealth: Sendable {
    /// The time between two checks of a pool whose objects the mirror serves, and how long a readiness check is valid.
    package static let interval = Duration.seconds(5)
    /// How long a caller waits for a check.
    package static let patience = Duration.seconds(2)

    private enum Part: Hashable {
        case pool(PoolID)
        case state
    }

    private struct Reading {
        var unreadable: Set<PoolID> = []
        /// The pools that are being checked.
        var looking: Set<PoolID> = []
    }

    private let pools: PoolTable
    private let state: HotIndex
    private let clock: any MonotonicClock
    private let logger: Logger
    private let reading = Mutex(Reading())
    private let looks: SharedLooks<PoolID, Result<Void, any Error>>
    private let checks: SharedLooks<Part, Result<Void, any Error>>

    package init(pools: PoolTable, state: HotIndex, clock: any MonotonicClock, logger: Logger) {
        self.pools = pools
        self.state = state
        self.clock = clock
        self.logger = logger
        looks = SharedLooks(life: .zero, patience: Self.patience, clock: clock)
        checks = SharedLooks(life: Self.interval, patience: Self.patience, clock: clock)
    }

    /// Whether clients can get what is in the pool, according to the last check.
    package func isReadable(_ id: PoolID) -> Bool {
        reading.withLock { !$0.unreadable.contains(id) }
    }

    /// Checks the pools periodically until the task is cancelled.
    package func run() async {
        let served = pools.all.filter(Self.isServedHere)
        // Runs even without such a pool: if one service of the process ended, the whole process would.
        while !Task.isCancelled {
            // A pool that hangs does not delay the others.
            await withDiscardingTaskGroup { group in
                for pool in served {
                    group.addTask { _ = try? await leaving(by: self.clock) { try await self.checkReading(pool) } }
                }
            }
            try? await clock.sleep(for: Self.interval)
        }
    }

    /// Checks all pools at the same time.
    ///
    /// - Returns: The pools that do not accept objects now, or cannot be read, and why.
    package func checkPools() async -> [PoolID: any Error] {
        await withTaskGroup(of: (PoolID, (any Error)?).self) { group in
            for pool in pools.all {
                group.addTask {
                    do {
                        try await self.check(pool)
                        return (pool.id, nil)
                    } catch {
                        return (pool.id, error)
                    }
                }
            }
            var failures: [PoolID: any Error] = [:]
            for await (id, failure) in group { failures[id] = failure }
            return failures
        }
    }

    /// - Throws: The reason, if the pool does not accept objects now or cannot be read.
    package func check(_ pool: Pool) async throws {
        let found = await checks.answer(.pool(pool.id)) {
            do {
                try await self.checkReading(pool)
                try await pool.store.checkHealth()
                return .success(())
            } catch {
                self.logger.warning("pool is not healthy", metadata: ["pool": "\(pool.id)", "error": "\(error)"])
                return .failure(error)
            }
        }
        guard let found else { throw StorageError(.timedOut, "it does not answer in time", operation: "pool.checkHealth") }
        try found.get()
    }

    /// - Throws: The reason, if the state cannot be used now.
    package func checkState() async throws {
        let found = await checks.answer(.state) {
            do {
                // Checks every pool's state, because in a cluster they are on several servers.
                for pool in self.pools.all { _ = try await self.state.totals(of: pool.id) }
                return .success(())
            } catch {
                self.logger.warning("state is not healthy", metadata: ["error": "\(error)"])
                return .failure(error)
            }
        }
        guard let found else { throw StateError(.unavailable, "it does not answer in time") }
        try found.get()
    }

    /// Checks whether a pool can be read; concurrent callers share one check.
    ///
    /// - Throws: The reason, if clients cannot get what is in the pool. A pool that does not answer within ``patience`` counts as unreadable until
    ///   the check has ended.
    package func checkReading(_ pool: Pool) async throws {
        guard Self.isServedHere(pool) else { return }
        let found = await looks.answer(pool.id) {
            self.reading.withLock { _ = $0.looking.insert(pool.id) }
            do {
                _ = try await pool.store.list(after: nil, limit: 1)
                self.note(pool.id, nil)
                return .success(())
            } catch {
                self.note(pool.id, error)
                return .failure(error)
            }
        }
        guard let found else {
            let error = StorageError(.timedOut, "it does not answer within \(Self.patience)", operation: "pool.list")
            note(pool.id, error, isOver: false)
            throw error
        }
        try found.get()
    }

    private static func isServedHere(_ pool: Pool) -> Bool {
        pool.store.capabilities.features.contains(.servedByMirror)
    }

    /// - Parameter isOver: Whether the check has ended; if so, its result counts, not that it took long.
    private func note(_ id: PoolID, _ failure: (any Error)?, isOver: Bool = true) {
        let isNews = reading.withLock { reading in
            if isOver { reading.looking.remove(id) } else if !reading.looking.contains(id) { return false }
            return failure == nil ? reading.unreadable.remove(id) != nil : reading.unreadable.insert(id).inserted
        }
        guard isNews else { return }
        guard let failure else { return logger.notice("a pool can be read again", metadata: ["pool": "\(id)"]) }
        // So that no locations are answered from memory. This comes after the pool was noted as unreadable, so what is remembered later was looked up
        // later.
        state.invalidateAll()
        logger.error(
            "a pool cannot be read; its clients are redirected to the origin", metadata: ["pool": "\(id)", "error": "\(failure)"])
    }
}
