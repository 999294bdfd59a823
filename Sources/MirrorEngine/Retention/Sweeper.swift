package import Logging
package import MirrorCore
package import MirrorState
import MirrorStorage
package import MirrorTracing
import ServiceLifecycle

/// Expires replicas: marks those that are no longer worth keeping, and deletes them when their grace has ended. Then ``PoolSpace`` brings full pools
/// back within their limits.
///
/// Failures are forgotten an hour after they could have been retried if nobody has asked for them, so that URLs that never were artifacts do not
/// accumulate. At startup, and every `reconcileInterval`, it also compares the state with what the pools really hold; sooner if that failed, or left
/// out objects. A graceful shutdown ends it between two replicas; a removal that a crash cut off is finished by the next sweep.
package struct Sweeper: Service, CustomStringConvertible {
    static let page = 500
    /// As many pages are removed at the same time.
    static let together = 2
    /// How long a failure can still be seen after it could have been retried.
    static let errorLife = Duration.seconds(3_600)
    /// When a comparison that failed, or has left out objects for the first time, is tried again.
    static let retryInterval = Duration.seconds(600)

    /// For the log of the services, which would otherwise show everything that is reachable from here.
    package var description: String { "Sweeper" }

    private let pools: PoolTable
    private let state: any StateStore
    private let remover: ReplicaRemover
    private let backfill: Backfill
    private let space: PoolSpace
    private let survey: HoldingsSurvey
    private let interval: Duration
    private let reconcileInterval: Duration
    private let metrics: EngineMetrics
    /// `nil` if nothing is traced.
    private let tracer: MirrorTracer?
    private let clock: any MirrorClock
    private let logger: Logger

    package init(
        pools: PoolTable, state: any StateStore, remover: ReplicaRemover, backfill: Backfill, space: PoolSpace, survey: HoldingsSurvey,
        interval: Duration, reconcileInterval: Duration = .seconds(21_600), metrics: EngineMetrics, tracer: MirrorTracer? = nil,
        clock: any MirrorClock, logger: Logger
    ) {
        self.pools = pools
        self.state = state
        self.remover = remover
        self.backfill = backfill
        self.space = space
        self.survey = survey
        self.interval = interval
        self.reconcileInterval = reconcileInterval
        self.metrics = metrics
        self.tracer = tracer
        self.clock = clock
        self.logger = logger
    }

    package func run() async throws {
        await cancelWhenGracefulShutdown {
            async let surveys: Void = takeSurveys()
            var dueAt: [PoolID: ContinuousClock.Instant] = [:]
            var incomplete: [PoolID: Int] = [:]
            var passes: [PoolID: (at: ContinuousClock.Instant, version: Int)] = [:]
            while !Task.isCancelled {
                for pool in pools.all {
                    let started = clock.instant
                    if dueAt[pool.id].map({ $0 <= started }) ?? true {
                        dueAt[pool.id] = started + (await compare(pool, &incomplete[pool.id, default: 0]))
                    }
                    await attempt("sweep", pool) {
                        let (now, retention) = (clock.instant, pool.retention)
                        let version = retention.version
                        // What has changed for all replicas, such as a new table, applies at once.
                        let looksThrough =
                            passes[pool.id].map { $0.at.duration(to: now) >= retention.interval || $0.version != version } ?? true
                        try await traced("sweep", by: tracer) { span in
                            span?.set("cloud_mirror.pool", "\(pool.id)")
                            try await sweep(pool, looksThrough: looksThrough)
                        }
                        if looksThrough { passes[pool.id] = (now, version) }
                    }
                }
                await attempt("forgetting failures", nil) { try await forgetErrors() }
                try? await clock.sleep(for: interval)
            }
            await surveys
        }
    }

    /// Compares the state with a pool. An object that cannot be looked at for a moment is looked at again soon; one that never can must not make its
    /// pool be compared again and again.
    ///
    /// - Parameter incomplete: How many comparisons in a row have left out objects.
    /// - Returns: How long after the beginning of this comparison the next one is due.
    private func compare(_ pool: Pool, _ incomplete: inout Int) async -> Duration {
        let pauses = Backoff(first: Self.retryInterval, limit: reconcileInterval)
        var failed: (any Error)?
        guard await attempt("reconcile", pool, { failed = try await reconcile(pool) }) else { return pauses.pause(after: 1) }
        guard let failed else {
            incomplete = 0
            return reconcileInterval
        }
        incomplete += 1
        metrics.countError(failed)
        logger.warning("some objects cannot be compared with the state", metadata: ["pool": "\(pool.id)", "error": "\(failed)"])
        return pauses.pause(after: incomplete)
    }

    private func takeSurveys() async {
        while !Task.isCancelled {
            for pool in pools.all { await attempt("survey", pool) { try await survey.take(of: pool.id) } }
            try? await clock.sleep(for: interval)
        }
    }

    /// - Returns: Whether it succeeded.
    @discardableResult
    private func attempt(_ what: String, _ pool: Pool?, _ operation: () async throws -> Void) async -> Bool {
        do {
            try await operation()
            return true
        } catch {
            guard !Task.isCancelled else { return false }
            metrics.countError(error)
            logger.warning("\(what) failed", metadata: ["pool": "\(pool?.id.description ?? "all")", "error": "\(error)"])
            return false
        }
    }

    /// One pass over one pool.
    ///
    /// - Parameter looksThrough: Whether its replicas are asked for; otherwise only what was begun is ended, and limits are kept.
    package func sweep(_ pool: Pool, looksThrough: Bool = true) async throws {
        try await remover.finish(abandoned: try await state.abandonedRemovals(in: pool.id, limit: Self.page), in: pool)
        let totals = try await state.totals(of: pool.id)
        metrics.recordTotals(totals, pool: pool.id)
        if looksThrough { try await expire(pool) }
        try await space.sweep(pool)
    }

    /// While the objects of some replicas are deleted, the next ones are looked at and taken out of service.
    private func expire(_ pool: Pool) async throws {
        try await withThrowingTaskGroup(of: Void.self) { removals in
            // The clock of this node may differ from the one that set the marks.
            let now = try await state.time(in: pool.id)
            let shortest = pool.retention.shortestLife(in: pool)
            var last: Replica?
            var begun = 0
            repeat {
                try Task.checkCancellation()
                let replicas = try await state.leastRecentlyUsed(in: pool.id, after: last, limit: Self.page)
                // Replicas are ordered by their last use: none after the first that is too young has expired.
                let present = replicas.compactMap { replica -> (id: ReplicaID, object: StoredObject)? in
                    if case .present(let object) = replica.status { (replica.id, object) } else { nil }
                }
                let candidates = Array(present.prefix { $0.object.lastUsed + shortest <= now })
                let over = try await mark(candidates, at: now, in: pool)
                if !over.isEmpty {
                    begun += 1
                    if begun > Self.together { try await removals.next() }
                    removals.addTask { try await remove(over, in: pool) }
                }
                last = replicas.count == Self.page && candidates.count == present.count ? replicas.last : nil
            } while last != nil
            try await removals.waitForAll()
        }
    }

    private typealias Expired = (id: ReplicaID, at: Timestamp, bytes: Int64)

    /// Marks those that are no longer worth keeping.
    ///
    /// - Parameter candidates: In the order of their last use.
    /// - Returns: Those whose grace has ended since they were marked.
    private func mark(_ candidates: [(id: ReplicaID, object: StoredObject)], at now: Timestamp, in pool: Pool) async throws -> [Expired] {
        var expired: [ReplicaID] = []
        var over: [Expired] = []
        var lastUse: Timestamp?
        for ((id, object), expiry) in zip(candidates, try await pool.retention.expiries(of: candidates, in: pool)) where expiry <= now {
            if let markedAt = object.markedAt {
                if markedAt + pool.grace <= now { over.append((id, markedAt, object.size)) }
            } else {
                expired.append(id)
                lastUse = object.lastUsed
            }
        }
        // This is their newest use, because of that order. Replicas that were used since this lookup stay unmarked.
        if let lastUse { _ = try await state.mark(expired, unusedSince: lastUse) }
        return over
    }

    private func remove(_ over: [Expired], in pool: Pool) async throws {
        for id in try await remover.remove(over, in: pool) {
            metrics.countExpired(pool: pool.id)
            logger.debug("removed", metadata: ["replica": "\(id)"])
        }
    }

    /// Forgets failures of all pools.
    package func forgetErrors() async throws {
        var now = clock.now
        // A node whose clock is ahead must not forget failures sooner, either.
        for pool in pools.all { now = min(now, try await state.time(in: pool.id)) }
        let before = now - Self.errorLife
        repeat {
            try Task.checkCancellation()
        } while try await state.forgetErrors(before: before, limit: Self.page) == Self.page
    }

    /// Compares the state with the pool: records objects that the state does not know, and forgets replicas whose object is gone.
    ///
    /// Only for pools whose listing contains metadata. Elsewhere each object would cost a request: an unknown object is found when a client requests
    /// it, and a missing one by ``PresenceCheck``.
    ///
    /// - Returns: Why one or more objects could not be looked at, if all others were.
    @discardableResult
    package func reconcile(_ pool: Pool) async throws -> (any Error)? {
        guard pool.store.capabilities.features.contains(.listsMetadata) else { return nil }
        var failures = FailedLooks()
        var found = 0
        var last: ObjectKey?
        repeat {
            try Task.checkCancellation()
            let objects = try await pool.store.list(after: last, limit: Self.page)
            let ids = objects.compactMap { info -> ReplicaID? in
                guard let artifact = try? ArtifactURL(info.metadata.upstreamURL), ObjectKey(artifact) == info.key else {
                    logger.warning(
                        "an object in the pool was not written by a mirror", metadata: ["pool": "\(pool.id)", "key": "\(info.key)"])
                    return nil
                }
                return ReplicaID(artifact: artifact, pool: pool.id)
            }
            for id in try await unknown(ids, &failures) {
                do {
                    // The listing may be out of date.
                    if try await backfill.record(id, in: pool)?.state == .present { found += 1 }
                    failures.endRow()
                } catch let error as StorageError {
                    try failures.add(error)
                }
            }
            let next = objects.count == Self.page ? objects.last?.key : nil
            if let last, let next, !last.precedes(next) {
                throw StorageError(.unavailable, "the pool's list comes back to objects that were there before", operation: "list")
            }
            last = next
        } while last != nil
        let lost = try await forgetLost(pool, &failures)
        if found > 0 || lost > 0 {
            logger.notice(
                "state and pool reconciled",
                metadata: ["pool": "\(pool.id)", "found": .stringConvertible(found), "lost": .stringConvertible(lost)])
        }
        return failures.first
    }

    /// Those of some replicas that the state does not have.
    private func unknown(_ ids: [ReplicaID], _ failures: inout FailedLooks) async throws -> [ReplicaID] {
        do {
            return zip(ids, try await state.replicas(ids)).filter { $0.1 == nil }.map(\.0)
        } catch let error as StateError where error.code == .corrupt {
            // One record that cannot be read hides no others.
            var unknown: [ReplicaID] = []
            for id in ids {
                do {
                    if try await state.replica(id) == nil { unknown.append(id) }
                    failures.endRow()
                } catch let error as StateError where error.code == .corrupt {
                    try failures.add(error)
                }
            }
            return unknown
        }
    }

    private func forgetLost(_ pool: Pool, _ failures: inout FailedLooks) async throws -> Int {
        var lost = 0
        var last: ReplicaID?
        repeat {
            try Task.checkCancellation()
            let replicas = try await state.replicas(in: pool.id, state: .present, after: last, limit: Self.page)
            for replica in replicas {
                guard case .present(let object) = replica.status else { continue }
                do {
                    if try await isMissing(object.key, in: pool), try await remover.removeIfMissing(replica.id) { lost += 1 }
                    failures.endRow()
                } catch let error as StorageError {
                    try failures.add(error)
                }
            }
            last = replicas.count == Self.page ? replicas.last?.id : nil
        } while last != nil
        return lost
    }

    private func isMissing(_ key: ObjectKey, in pool: Pool) async throws -> Bool {
        do {
            _ = try await pool.store.head(key)
            return false
        } catch let error as StorageError where error.code == .notFound {
            return true
        }
    }
}
