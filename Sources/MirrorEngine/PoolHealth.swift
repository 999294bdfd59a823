package import Logging
package import MirrorCore
package import MirrorState
import MirrorStorage
import Synchronization

/// Whether pools can be used: the one notion of it, for readiness, for redirects, and for the search for missing objects.
///
/// The objects of some pools are served by the mirror itself. What it cannot read of those no client can get, so while such a pool cannot be
/// read, its clients go to the origin, hits too. Objects of other pools come from somewhere else, and trouble between the mirror and that place
/// says nothing about clients.
///
/// Everybody may ask for readiness, and each check is a call to a service. So all who ask within some seconds share one check, and nobody waits
/// for one that hangs.
package final class PoolHealth: Sendable {
    /// Between two looks at a pool whose objects the mirror serves, and between two checks for those who ask.
    package static let interval = Duration.seconds(5)
    /// How long somebody waits for a check.
    package static let patience = Duration.seconds(2)

    private enum Part: Hashable {
        case pool(PoolID)
        case state
    }

    private struct Reading {
        var unreadable: Set<PoolID> = []
        /// Those that are being looked at.
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

    /// Whether clients can get what is in the pool, by the last look at it.
    package func isReadable(_ id: PoolID) -> Bool {
        reading.withLock { !$0.unreadable.contains(id) }
    }

    /// Looks at the pools again and again until the task is cancelled.
    package func run() async {
        let served = pools.all.filter(Self.isServedHere)
        // Also where there is none: a part of the process that ends would end the process.
        while !Task.isCancelled {
            // One that hangs does not keep the others waiting.
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
    /// - Returns: Those that do not take objects now, or cannot be read, and why.
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

    /// - Throws: Why the pool does not take objects now, or cannot be read.
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

    /// - Throws: Why the state cannot be used now.
    package func checkState() async throws {
        let found = await checks.answer(.state) {
            do {
                // Each pool's, because a cluster has them on several servers.
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

    /// Looks into a pool; who asks while another does is told what that one finds.
    ///
    /// - Throws: Why clients cannot get what is in the pool. One that does not say within ``patience`` cannot be read, until the look into it has come to
    ///   an end after all.
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

    /// - Parameter isOver: Whether the look is; what comes of it then counts, and not that it took long.
    private func note(_ id: PoolID, _ failure: (any Error)?, isOver: Bool = true) {
        let isNews = reading.withLock { reading in
            if isOver { reading.looking.remove(id) } else if !reading.looking.contains(id) { return false }
            return failure == nil ? reading.unreadable.remove(id) != nil : reading.unreadable.insert(id).inserted
        }
        guard isNews else { return }
        guard let failure else { return logger.notice("a pool can be read again", metadata: ["pool": "\(id)"]) }
        // So that nobody gives its locations from memory. After it was noted: what is remembered later was looked for later.
        state.invalidateAll()
        logger.error(
            "a pool cannot be read; its clients are redirected to the origin", metadata: ["pool": "\(id)", "error": "\(failure)"])
    }
}
