package import Logging
package import MirrorCore
import MirrorState
import MirrorStorage
import Synchronization

/// Finds replicas whose object is gone: deleted by a lifecycle rule or by someone else, without the mirror's knowledge.
///
/// The mirror is not notified, and a HEAD before every redirect would cost what the hot path saves. So replicas in use are checked now and then, and
/// one that a client reports as missing is checked at once.
package final class PresenceCheck: Sendable {
    /// How many checks run at the same time.
    private static let concurrency = 8
    /// The maximum number of checks in one run; further replicas are checked after their next use.
    static let batch = 64
    /// The maximum number of replicas whose last check is remembered.
    private static let maxHeld = 100_000
    /// How long an object that was reported missing but found is not checked again.
    package static let reportLife = Duration.seconds(5)
    private static let maxReports = 10_000

    private let pools: PoolTable
    private let remover: ReplicaRemover
    private let health: PoolHealth
    private let interval: Duration
    private let metrics: EngineMetrics
    private let clock: any MonotonicClock
    private let logger: Logger
    private let lastLooks = Mutex<[ReplicaID: ContinuousClock.Instant]>([:])
    /// When objects were found that had been reported missing.
    private let unfounded = Mutex<[ReplicaID: ContinuousClock.Instant]>([:])

    /// - Parameter interval: The time between two checks of a replica that is in use.
    package init(
        pools: PoolTable, remover: ReplicaRemover, health: PoolHealth, interval: Duration = .seconds(900), metrics: EngineMetrics,
        clock: any MonotonicClock, logger: Logger
    ) {
        self.pools = pools
        self.remover = remover
        self.health = health
        self.interval = interval
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
    }

    /// Checks those of the just used replicas whose last check was longer ago than the interval.
    package func lookAfterUse(_ used: [ReplicaID]) async {
        let due = claim(used)
        await withTaskGroup(of: Void.self) { looks in
            for (index, id) in due.enumerated() {
                if index >= Self.concurrency { await looks.next() }
                looks.addTask {
                    do {
                        _ = try await self.forgetIfMissing(id)
                    } catch {
                        self.logger.debug("could not look for an object", metadata: ["replica": "\(id)", "error": "\(error)"])
                    }
                }
            }
        }
    }

    /// Checks for an object that a client reports as missing, unless such a check found it a moment ago: anybody may send reports, and each check is
    /// a call to the pool.
    func lookAfterReport(_ id: ReplicaID) async throws {
        func isRecent(_ time: ContinuousClock.Instant) -> Bool { time.duration(to: clock.instant) < Self.reportLife }
        if unfounded.withLock({ $0[id].map(isRecent) ?? false }) { return }
        guard try await !forgetIfMissing(id) else { return }
        unfounded.withLock { unfounded in
            if unfounded.count >= Self.maxReports { unfounded = unfounded.filter { isRecent($0.value) } }
            if unfounded.count < Self.maxReports { unfounded[id] = clock.instant }
        }
    }

    /// - Returns: Whether the object was missing and the replica has been forgotten.
    func forgetIfMissing(_ id: ReplicaID) async throws -> Bool {
        guard let pool = pools[id.pool] else { return false }
        do {
            _ = try await pool.store.head(ObjectKey(id.artifact))
            return false
        } catch let error as StorageError {
            // If the whole pool cannot be read, nothing is known about a single object.
            try await health.checkReading(pool)
            guard error.code == .notFound else { throw error }
            guard try await remover.removeIfMissing(id) else { return false }
            metrics.countLost(pool: id.pool)
            logger.warning(
                "an object is missing from its pool: was it deleted by hand or by a lifecycle rule shorter than the retention?",
                metadata: ["artifact": "\(id.artifact.redacted)", "pool": "\(id.pool)"])
            return true
        }
    }

    private func claim(_ used: [ReplicaID]) -> [ReplicaID] {
        let now = clock.instant
        return lastLooks.withLock { lastLooks in
            if lastLooks.count + used.count > Self.maxHeld { lastLooks = lastLooks.filter { $0.value.duration(to: now) < interval } }
            var due: [ReplicaID] = []
            for id in used where due.count < Self.batch && lastLooks.count < Self.maxHeld {
                if let last = lastLooks[id], last.duration(to: now) < interval { continue }
                lastLooks[id] = now
                due.append(id)
            }
            return due
        }
    }
}
