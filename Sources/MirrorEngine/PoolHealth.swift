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
package final class PoolHealth: Sendable {
    /// Between two looks at a pool whose objects the mirror serves.
    private static let interval = Duration.seconds(5)

    private let pools: PoolTable
    private let state: HotIndex
    private let clock: any MonotonicClock
    private let logger: Logger
    private let unreadable = Mutex<Set<PoolID>>([])
    private let looks = SingleFlight<PoolID, Void>()

    package init(pools: PoolTable, state: HotIndex, clock: any MonotonicClock, logger: Logger) {
        self.pools = pools
        self.state = state
        self.clock = clock
        self.logger = logger
    }

    /// Whether clients can get what is in the pool, by the last look at it.
    package func isReadable(_ id: PoolID) -> Bool {
        unreadable.withLock { !$0.contains(id) }
    }

    /// Looks at the pools again and again until the task is cancelled.
    package func run() async {
        let served = pools.all.filter(Self.isServedHere)
        // Also where there is none: a part of the process that ends would end the process.
        while !Task.isCancelled {
            // One that hangs does not keep the others waiting.
            await withDiscardingTaskGroup { group in
                for pool in served { group.addTask { try? await self.checkReading(pool) } }
            }
            try? await clock.sleep(for: Self.interval)
        }
    }

    /// - Throws: Why the pool does not take objects now, or cannot be read.
    package func check(_ pool: Pool) async throws {
        try await checkReading(pool)
        try await pool.store.checkHealth()
    }

    /// - Throws: Why clients cannot get what is in the pool.
    package func checkReading(_ pool: Pool) async throws {
        guard Self.isServedHere(pool) else { return }
        try await looks.run(pool.id) {
            do {
                _ = try await uncancelled { try await pool.store.list(after: nil, limit: 1) }
                self.note(pool.id, nil)
            } catch {
                self.note(pool.id, error)
                throw error
            }
        }
    }

    private static func isServedHere(_ pool: Pool) -> Bool {
        pool.store.capabilities.features.contains(.servedByMirror)
    }

    private func note(_ id: PoolID, _ failure: (any Error)?) {
        let isNews = unreadable.withLock { failure == nil ? $0.remove(id) != nil : $0.insert(id).inserted }
        guard isNews else { return }
        guard let failure else { return logger.notice("a pool can be read again", metadata: ["pool": "\(id)"]) }
        // So that nobody gives its locations from memory. After it was noted: what is remembered later was looked for later.
        state.invalidateAll()
        logger.error(
            "a pool cannot be read; its clients are redirected to the origin", metadata: ["pool": "\(id)", "error": "\(failure)"])
    }
}
