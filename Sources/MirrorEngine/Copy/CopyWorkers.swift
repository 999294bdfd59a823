package import Logging
package import MirrorCore
import MirrorNet
package import MirrorState
import MirrorStorage
package import MirrorTracing
import ServiceLifecycle
import Synchronization

/// Leases copy jobs and runs them, as many at a time as ``CopySlots`` allows.
///
/// It is woken by the state store's notifications, or when the next job is due; nothing polls. On graceful shutdown it stops leasing, gives running
/// copies `shutdownGrace` to end, then cancels them and hands their jobs back.
package final class CopyWorkers: Service {
    private let pools: PoolTable
    private let origins: OriginTable
    private let state: any StateStore
    private let engine: CopyEngine
    private let queries: NewestQuery
    private let duty: CopyDuty
    private let configuration: CopyConfiguration
    private let negativeLife: Duration
    private let shutdownGrace: Duration
    private let publisher: CopyPublisher
    private let metrics: EngineMetrics
    /// `nil` if nothing is traced.
    private let tracer: MirrorTracer?
    private let clock: any MirrorClock
    private let logger: Logger
    private let name: String
    private let desk: LeaseDesk
    private let work = Signal()
    private let stop = Signal()
    private let isStopping = Mutex(false)
    private let keeper: LeaseKeeper
    /// The running copies.
    package let slots: CopySlots

    /// - Parameter name: The worker's name, shown in leases.
    /// - Parameter desk: Where requests may lease jobs, too.
    /// - Parameter negativeLife: How long a failure answers requests before a request may cause a new attempt.
    /// - Parameter learned: Has the prices by which sources are chosen.
    /// - Parameter shutdownGrace: How long running copies may continue after the process was told to stop.
    package init(
        name: String, pools: PoolTable, state: any StateStore, origins: OriginTable, space: PoolSpace, publications: PublicationLock,
        desk: LeaseDesk = LeaseDesk(), duty: CopyDuty = .always, configuration: CopyConfiguration, negativeLife: Duration,
        shutdownGrace: Duration, learned: LearnedRetention? = nil, metrics: EngineMetrics, tracer: MirrorTracer? = nil,
        clock: any MirrorClock, logger: Logger
    ) {
        self.name = name
        self.desk = desk
        let credit = OriginCredit(clock: clock)
        slots = CopySlots(configuration, credit: credit)
        engine = CopyEngine(
            space: space, configuration: configuration, metrics: metrics, clock: clock, logger: logger, credit: credit,
            memory: CopyMemory(configuration),
            replicas: ReplicaSources(pools: pools, state: state) { learned?.lives.prices.traffic ?? TrafficPrices() })
        keeper = LeaseKeeper(
            state: state, slots: slots, memory: engine.memory, configuration: configuration, metrics: metrics, clock: clock, logger: logger,
            onFreeSlot: { desk.wake() })
        self.pools = pools
        self.origins = origins
        self.state = state
        self.configuration = configuration
        self.negativeLife = negativeLife
        self.shutdownGrace = shutdownGrace
        publisher = CopyPublisher(
            state: state, desk: desk, publications: publications,
            remover: ReplicaRemover(pools: pools, state: state, publications: publications, clock: clock), lease: configuration.lease,
            clock: clock, logger: logger)
        queries = NewestQuery(state: state)
        self.duty = duty
        self.metrics = metrics
        self.tracer = tracer
        self.clock = clock
        self.logger = logger
    }

    private enum Ended {
        case dispatch, grace, changes
    }

    package func run() async throws {
        let changes = await state.selectedChanges(of: .jobs)
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Ended.self) { group in
                group.addTask {
                    for await change in changes { self.desk.notice(change) }
                    return .changes
                }
                group.addTask {
                    await self.dispatch()
                    return .dispatch
                }
                group.addTask {
                    await self.stop.wait(upTo: nil, clock: self.clock)
                    try? await self.clock.sleep(for: self.shutdownGrace)
                    return .grace
                }
                while let ended = await group.next() {
                    if ended != .changes { group.cancelAll() }
                }
            }
        } onGracefulShutdown: {
            self.isStopping.withLock { $0 = true }
            self.work.notify()
            self.stop.notify()
        }
    }

    private func dispatch() async {
        desk.open(LeaseDesk.Workers(slots: slots, name: name, lease: configuration.lease, clock: clock, wake: work))
        await withDiscardingTaskGroup { copies in
            var isFailing = false
            var time = TimeOfDayWatch(clock)
            var outlook = Outlook()
            while !Task.isCancelled, !isStopping.withLock({ $0 }) {
                do {
                    // By the new time, our leases may seem to have expired, and this worker would take the jobs from itself.
                    if time.wasSet() { await keeper.renewAll() }
                    let hasStarted = startLeased(&copies)
                    let next = try await takeTurn(&copies, &outlook, hasStarted: hasStarted)
                    isFailing = false
                    if case .wait(let timeout) = next { await work.wait(upTo: timeout, clock: clock) }
                } catch {
                    // Logged once, not every second while the state is unavailable.
                    if !isFailing, !Task.isCancelled { logger.warning("cannot lease copy jobs", metadata: ["error": "\(error)"]) }
                    isFailing = true
                    await work.wait(upTo: .seconds(1), clock: clock)
                }
            }
            for copy in desk.close() {
                slots.end(copy)
                _ = await uncancelled { [state] in try? await state.finish(copy.lease, .handBack) }
            }
        }
    }

    private enum Next {
        case goOn
        /// Wait for a notification, or until the time has passed.
        case wait(upTo: Duration?)
    }

    /// What the last look for a job has shown.
    private struct Outlook {
        /// When the first job is due that was not due then; `nil` if there was none.
        var due: Timestamp?
        /// For how long the pools are right.
        var validFor: Duration?
    }

    /// Starts the copies that were leased in passing; the last one, and mostly the only one, in this thread, up to its request to the origin.
    ///
    /// - Returns: Whether there were any.
    private func startLeased(_ copies: inout DiscardingTaskGroup) -> Bool {
        let leased = desk.takeCopies()
        for copy in leased.dropLast() { start(copy, &copies) }
        if let last = leased.last { copies.addTaskNow { await self.run(last) } }
        return !leased.isEmpty
    }

    /// - Parameter hasStarted: Whether copies that were leased in passing have been started since the last turn.
    private func takeTurn(_ copies: inout DiscardingTaskGroup, _ outlook: inout Outlook, hasStarted: Bool) async throws -> Next {
        await desk.take()
        defer { desk.giveBack() }
        let errands = desk.takeErrands()
        for copy in errands.copies { start(copy, &copies) }
        for (id, failure) in errands.setAside { note(id, failure) }
        let turn = slots.turn
        guard turn != .full else { return .wait(upTo: nil) }
        if case .notDue(let next)? = errands.found { return rest(until: next, &outlook) }
        // Each was leased with its own claim, which tells nothing of other jobs.
        if hasStarted || !errands.copies.isEmpty, !errands.hasNews { return rest(until: outlook.due, &outlook) }
        let (own, life) = try await duty.pools(among: pools.ids)
        outlook.validFor = life
        desk.note(LeaseDesk.Duty(pools: own, validUntil: duty.passingLife.map { clock.instant + $0 }))
        switch turn {
        case .full:
            return .wait(upTo: nil)
        case .makeRoom(let lanes):
            let due = try await state.nextDue(pools: own, passingOver: lanes)
            guard let due, due <= clock.now else { return rest(until: due, &outlook) }
            slots.yieldSlowest()
            return .wait(upTo: nil)
        case .lease(let choices):
            let terms = LeaseTerms(pools: own, passingOver: choices, worker: name, duration: configuration.lease)
            switch try await state.lease(terms) {
            case .leased(let lease):
                start(slots.begin(lease, CopyProgress(clock: clock)), &copies)
                return .goOn
            case .setAside(let id, let failure):
                note(id, failure)
                return .goOn
            case .notDue(let next):
                return rest(until: next, &outlook)
            }
        }
    }

    /// Lets requests lease jobs in passing until the next job is due.
    private func rest(until next: Timestamp?, _ outlook: inout Outlook) -> Next {
        desk.rest()
        outlook.due = next
        let due = next.map { min(max(clock.now.duration(to: $0), .milliseconds(1)), longestWait) }
        return .wait(upTo: [due, outlook.validFor].compactMap(\.self).min())
    }

    /// The longest that a job may be postponed. If the state says longer, the time of day was set in the meantime; then this is checked again after
    /// that time.
    private var longestWait: Duration { max(configuration.lease, configuration.backoff.limit) }

    private func start(_ copy: CopySlots.Copy, _ copies: inout DiscardingTaskGroup) {
        copies.addTask { await self.run(copy) }
    }

    private func run(_ copy: CopySlots.Copy) async {
        await process(copy)
        // Otherwise its slot was given on when the copy ended.
        if slots.end(copy) { desk.wake() }
    }

    /// Reports a job that was set aside.
    private func note(_ id: ReplicaID, _ failure: CopyFailure) {
        metrics.countSetAside(pool: id.pool)
        logger.error(
            "copy set aside",
            metadata: [
                "artifact": "\(id.artifact.redacted)", "pool": "\(id.pool)", "reason": "\(failure.reason.word)",
                "error": "\(failure.message)",
            ])
    }

    private func process(_ copy: CopySlots.Copy) async {
        let lease = copy.lease
        let began = clock.instant
        metrics.copyBegan(pool: lease.id.pool)
        defer { metrics.copyEnded(pool: lease.id.pool) }
        var logger = logger
        logger[metadataKey: "artifact"] = "\(lease.id.artifact.redacted)"
        logger[metadataKey: "pool"] = "\(lease.id.pool)"
        logger[metadataKey: "attempt"] = .stringConvertible(lease.attempt)
        let result = await tracedAttempt(copy)
        let duration = began.duration(to: clock.instant)
        switch result {
        case .published(let object, let provenance):
            metrics.recordCopy(duration, isPresent: true, pool: lease.id.pool)
            slots.durations.add(size: object.size, duration)
            let amount: Logger.Metadata = [
                "bytes": .stringConvertible(object.size), "seconds": .stringConvertible(Self.seconds(duration)),
            ]
            logger.info("copied", metadata: amount.merging(provenance) { known, _ in known })
        case .unpublished(let result, let detail, let retry):
            do {
                try await uncancelled { try await self.publisher.finish(copy, result) }
                // Logged only once it is recorded.
                if let retry { logger.info("copy will be retried", metadata: retry) }
            } catch {
                metrics.countError(error)
                logger.warning("the copy's result could not be recorded", metadata: ["error": "\(error)"])
            }
            guard case .failed(let failure) = result else { return }
            metrics.recordCopy(duration, isPresent: false, pool: lease.id.pool)
            var metadata: Logger.Metadata = ["reason": "\(failure.reason.word)", "error": "\(failure.message)"]
            if let detail { metadata["detail"] = "\(detail)" }
            logger.warning("copy failed", metadata: metadata)
        case .lost:
            logger.info("this worker no longer has the copy")
        }
    }

    /// Rounded down to milliseconds, for logs.
    private static func seconds(_ duration: Duration) -> Double { Double(duration.wholeMilliseconds) / 1_000 }

    /// How an attempt ends.
    private enum Attempt {
        /// The object is in the pool, and the state has recorded it.
        ///
        /// - Parameter provenance: Where the bytes come from, for the log.
        case published(StoredObject, provenance: Logger.Metadata)
        /// - Parameters:
        ///   - detail: The reason; for the log only.
        ///   - retry: What to log about the next attempt.
        case unpublished(CopyResult, detail: String? = nil, retry: Logger.Metadata? = nil)
        /// The job was purged, or leased to another worker.
        case lost
    }

    /// In the trace of the request that has asked for the copy, if that is of this process.
    private func tracedAttempt(_ copy: CopySlots.Copy) async -> Attempt {
        let lease = copy.lease
        guard let span = tracer?.copySpan(of: lease) else { return await attempt(copy) }
        return await span.during {
            let result = await attempt(copy)
            switch result {
            case .published(let object, _): span.describe(.present(object), of: lease.id)
            case .unpublished(let result, _, _): span.describe(result, of: lease.id)
            case .lost: span.fail(ErrorKind.of(StateError(.staleLease, "")))
            }
            return result
        }
    }

    private func attempt(_ copy: CopySlots.Copy) async -> Attempt {
        let lease = copy.lease
        guard let pool = pools[lease.id.pool] else { return .unpublished(.handBack) }
        guard lease.attempt <= configuration.maxAttempts else {
            return .unpublished(.failed(failure(.transfer, "given up after \(configuration.maxAttempts) attempts")))
        }
        do {
            return try await keeper.keep(lease, for: copy) {
                try await self.queries.withNewest(for: lease.id) { source in
                    let origin = OriginReader(origin: self.origins.origin(of: source), clock: self.clock)
                    return try await self.make(
                        CopyAttempt(
                            origin: origin, pool: pool, number: lease.attempt, queuedAt: lease.queuedAt, progress: copy.progress),
                        copy)
                }
            }
        } catch let error as StateError where error.code == .staleLease {
            return .lost
        } catch {
            if Task.isCancelled { return .unpublished(.handBack) }
            let error = CopyError(error)
            metrics.countError(error)
            guard error.isTransient, lease.attempt < configuration.maxAttempts else {
                let life = error.isRemembered ? min(error.rememberedFor ?? negativeLife, negativeLife) : .zero
                return .unpublished(.failed(failure(error.reason, error.message, life: life)), detail: error.detail)
            }
            if let retryAfter = error.retryAfter, retryAfter > configuration.backoff.limit {
                // Too long to wait for: clients would wait for a pending replica for nothing. Even if the origin asks for an hour, clients do not get
                // the failure for an hour: the first request after `negativeLife` causes a new attempt.
                return .unpublished(.failed(failure(error.reason, error.message)), detail: error.detail)
            }
            let pause = configuration.pause(after: lease.attempt, random: .random(in: 0..<1))
            var metadata: Logger.Metadata = ["error": "\(error)", "pause_seconds": .stringConvertible(Self.seconds(pause))]
            if let detail = error.detail { metadata["detail"] = "\(detail)" }
            return .unpublished(.retry(after: max(pause, error.retryAfter ?? .zero)), retry: metadata)
        }
    }

    /// Prepares and publishes, until the replica has its object or the attempt fails.
    private func make(_ attempt: CopyAttempt, _ copy: CopySlots.Copy) async throws -> Attempt {
        var way = CopyWay.first
        while true {
            let prepared = try await engine.prepare(attempt, by: way)
            defer { prepared.release() }
            slots.setPublishing(copy, true)
            do {
                let object = try await traced("publish") { _ in try await publisher.publish(prepared, of: copy) }
                engine.wasPublished(prepared, as: object)
                return .published(object, provenance: prepared.provenance)
            } catch {
                way = try await engine.way(after: error, of: prepared)
                slots.setPublishing(copy, false)
            }
        }
    }

    /// - Parameter life: How long the failure is remembered; `nil` for `negativeLife`.
    private func failure(_ reason: CopyFailure.Reason, _ message: String, life: Duration? = nil) -> CopyFailure {
        CopyFailure(reason: reason, message: message, retryAt: clock.now + (life ?? negativeLife))
    }
}
