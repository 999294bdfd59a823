package import Logging
package import MirrorCore
import MirrorNet
package import MirrorState
import MirrorStorage
import MirrorTracing

/// The redirect path: from an artifact and a pool to the answer. `docs/request-handling.md` is its specification.
///
/// Never throws: any failure of the mirror ends in a redirect to the origin.
package final class RedirectService: Sendable {
    let state: HotIndex
    let waiters: ReplicaWaiters
    let uses: UseRecorder
    let probe: PoolProbe
    let heads: HeadAnswers
    /// The budgets for artifacts without a copy.
    package let coldClaims: ColdClaims
    let keys = ReplicaKeys()
    package let redirectLog = RedirectLog()
    let clock: any MirrorClock
    let logger: Logger
    /// Limits log lines about answers.
    let lines: LineBudget
    /// Limits log lines about failures.
    private let troubles: LineBudget
    let origins: OriginTable
    /// Has the prices; `nil` where nobody knows them.
    let learned: LearnedRetention?
    private let presence: PresenceCheck
    let health: PoolHealth
    private let settings: Reloadable<RedirectConfiguration>
    private let clients: Reloadable<ClientTable>
    private let metrics: EngineMetrics
    private let deadlines: Deadlines
    private let stragglers = Stragglers()
    private let reports = SingleFlight<ReplicaID, Void>()

    /// - Parameter desk: Where this process leases copy jobs; a claim may lease one, too.
    package init(
        pools: PoolTable, state: HotIndex, origins: OriginTable, waiters: ReplicaWaiters, uses: UseRecorder,
        publications: PublicationLock, presence: PresenceCheck, health: PoolHealth, configuration: RedirectConfiguration,
        coldClaims: ColdClaims, desk: LeaseDesk = LeaseDesk(), learned: LearnedRetention? = nil, metrics: EngineMetrics,
        clock: any MirrorClock, logger: Logger
    ) {
        self.state = state
        self.origins = origins
        self.waiters = waiters
        self.uses = uses
        probe = PoolProbe(
            state: state, waiters: waiters, backfill: Backfill(state: state, publications: publications, clock: clock, logger: logger),
            coldClaims: coldClaims, desk: desk, clock: clock)
        self.coldClaims = coldClaims
        self.learned = learned
        self.presence = presence
        self.health = health
        settings = Reloadable(configuration)
        clients = Reloadable(configuration.clientTable)
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
        lines = LineBudget(burst: 500, perSecond: 10, clock: clock)
        troubles = LineBudget(clock: clock)
        heads = HeadAnswers(
            state: state, presence: presence, metrics: metrics, clock: clock, logger: logger, troubles: troubles)
        deadlines = Deadlines(clock: clock)
    }

    var configuration: RedirectConfiguration { settings.value }

    /// New requests use these settings; those in progress keep theirs.
    package func reload(_ configuration: RedirectConfiguration) {
        settings.replace(with: configuration)
        clients.replace(with: configuration.clientTable)
        coldClaims.reload(configuration.coldClaims)
    }

    /// Redirects all waiting requests to the origin now, and later requests as soon as they would have to wait. Called when the process shuts down.
    package func close() {
        deadlines.close()
    }

    /// The origin of the artifact that a client names (``OriginTable/resolve(_:)``).
    package func resolve(_ text: String) throws(ArtifactURLError) -> any Origin {
        try origins.resolve(text)
    }

    /// What clients may request (``OriginTable/allowed``).
    package var allowed: [String] { origins.allowed }

    /// Where a request is redirected if the mirror has no copy: the artifact's own URL, signed if clients could not read it otherwise.
    package func location(of origin: any Origin) async -> String {
        let source = origin.source
        guard origin.isPrivate else { return source.url.description }
        do {
            let location = try await leaving(after: Self.signingLimit, by: clock) {
                try await origin.location(life: RedirectConfiguration.locationLife)
            }
            if let location { return location }
            troubles.log(
                .warning, "the credentials for the origin's URL did not arrive in time", to: logger,
                metadata: ["artifact": "\(source.name.redacted)"])
        } catch {
            metrics.countError(error)
            troubles.log(
                .warning, "cannot sign the origin's URL", to: logger,
                metadata: ["artifact": "\(source.name.redacted)", "error": "\(error)"])
        }
        return source.url.description
    }

    /// How long signing may take in addition to the request's time: it is quick unless credentials have to be fetched.
    private static let signingLimit = Duration.milliseconds(500)

    /// How long one answer to a client may be delayed, by what the client says.
    ///
    /// - Parameter asked: Its `?wait=`; limited to `waitLimit`.
    /// - Parameter hop: How often it has already been redirected to the mirror itself.
    /// - Parameter isRelayed: Whether the mirror sends the origin's bytes itself if the copy is not done.
    package func wait(asked: Duration?, hop: Int, patience: Patience, isRelayed: Bool = false) -> Wait {
        configuration.wait(asked: asked, hop: hop, patience: patience, isRelayed: isRelayed)
    }

    /// - Parameter userAgent: The field's value; `nil` if there is none.
    package func patience(of userAgent: (some Collection<UInt8>)?) -> Patience {
        clients.value.patience(of: userAgent)
    }

    /// - Parameter pool: `nil` if no pool serves the client: the answer is the origin, if that is allowed.
    /// - Parameter isHead: Whether the client only wants to know about the artifact.
    /// - Parameter describes: Whether HEAD is answered with a description even if a redirect would do.
    /// - Parameter isReportedMissing: Whether the client was already redirected to a copy and did not find it.
    /// - Parameter network: Whose budget pays for artifacts without a copy; `nil` for nobody's.
    /// - Parameter sharer: Whose share of the waits it takes; `nil` if many clients may be behind one address.
    /// - Parameter client: The client that asks; once it has left, nothing is waited for.
    package func answer(
        _ origin: any Origin, in pool: Pool?, wait: Wait, isHead: Bool = false, describes: Bool = false,
        isReportedMissing: Bool = false, from network: ClientNetwork?, sharer: ClientNetwork?, client: ClientPresence? = nil
    ) async -> RedirectAnswer {
        let began = clock.instant
        let time = time(wait, isHead: isHead, client)
        let request = pool.map { pool in
            PendingRequest(
                origin, pool: pool, state: state, wait: wait, time: time, isHead: isHead, describes: describes, look: client?.takeLook(),
                network: network, sharer: sharer)
        }
        let answer = await answerInTime(origin, request, time, isHead: isHead, isReportedMissing: isReportedMissing, network)
        MirrorSpan.current?.describe(answer, origin.source.name, pool?.id)
        let duration = began.duration(to: clock.instant)
        metrics.count(answer, pool: pool?.id, isHead: isHead, in: duration)
        log(answer, origin.source.name, pool?.id, hasWaited: hasWaited(time, wait))
        logUse(answer, origin.source.name, pool?.id, for: [.init(client: network, duration: duration)], isHead: isHead)
        return answer
    }

    /// For ``StateLook/absent(_:landed:)``; to be asked before the state is read.
    package func landed(_ id: ReplicaID) -> Int { probe.landed(id) }

    // MARK: Requests that wait together

    /// Counts a request that waits for the answer to another one, until ``leave(_:)``.
    ///
    /// - Parameter sharer: As for ``answer(_:in:wait:isHead:describes:isReportedMissing:from:sharer:client:)``.
    /// - Returns: Until when it may wait; `nil` if no more requests may wait.
    package func join(wait: Wait, sharer: ClientNetwork?) -> ContinuousClock.Instant? {
        var limits = configuration.waiting
        // The last place is reserved for the other request, which may not be counted yet.
        limits.total -= 1
        guard !deadlines.isClosed, waiters.join(sharer, limits) else { return nil }
        return clock.instant + wait.limit
    }

    /// - Parameter sharers: One for each request that has joined.
    package func leave(_ sharers: [ClientNetwork?]) {
        waiters.leave(sharers)
    }

    /// Continues to wait on behalf of requests that outlast the one that they joined: for the copy or, with HEAD, for the header.
    ///
    /// - Parameter wait: The wait that each of them has.
    /// - Parameter isClaimed: Whether the copy was already requested; otherwise this requests it.
    /// - Parameter network: The network that takes over, and pays for what must be requested again.
    package func wait(
        for origin: any Origin, in pool: Pool, until deadline: ContinuousClock.Instant, wait: Wait, isHead: Bool,
        isClaimed: Bool, from network: ClientNetwork
    ) async -> RedirectAnswer {
        let time = time(wait, until: deadline, isHead: isHead)
        if isClaimed { time.beginWaiting() }
        let request = PendingRequest(
            origin, pool: pool, state: state, wait: wait, time: time, isHead: isHead, network: network, isCounted: false)
        let waitsForCopy = isClaimed && !isHead
        return await time.answer {
            let answer = await self.orOrigin(request) {
                waitsForCopy ? try await self.waitForCopy($0, AwaitedCopy(since: self.clock.now), since: nil) : try await self.follow($0)
            }
            return await self.usable(answer, origin, isHead: isHead, network)
        }
    }

    /// Counts and logs an answer that several requests share.
    ///
    /// - Parameter requests: With how long each of them has waited since it was sent.
    /// - Parameter before: How long they waited in earlier hops.
    package func record(
        _ answer: RedirectAnswer, _ id: ReplicaID, for requests: [RedirectLog.Request], after before: Duration, isHead: Bool
    ) {
        for request in requests {
            metrics.count(answer, pool: id.pool, isHead: isHead, in: request.duration)
            switch answer.outcome {
            case .wait, .fallback, .error: if !isHead { metrics.recordWait(before + request.duration, pool: id.pool) }
            case .hit, .backfill, .refused, .hop, .pending: break
            }
        }
        log(answer, id.artifact, id.pool, requests: requests.count, hasWaited: true)
        logUse(answer, id.artifact, id.pool, for: requests, isHead: isHead)
    }

    /// Requests a copy before it is needed, without waiting for it.
    package func warm(_ origin: any Origin, in pool: Pool) async -> WarmResult {
        let artifact = origin.source.name
        if let refusal = refusal(of: origin) { return .refused(refusal) }
        // Otherwise a list of thousands would continue until the shutdown's grace period ends.
        guard !deadlines.isClosed else { return .unavailable }
        let wait = Wait(limit: .zero)
        let request = PendingRequest(
            origin, pool: pool, state: state, wait: wait, time: time(wait, isHead: false), isHead: false, network: nil)
        do {
            return switch try await leaving(after: configuration.lookLimit, by: clock, { [probe] in try await probe.find(request) }) {
            case .pending: .replica(.pending)
            // An admin has no budget.
            case .queueFull, .overBudget: .queueFull
            case .settled(let replica, _, _): .replica(replica.status)
            case nil: .unavailable
            }
        } catch {
            metrics.countError(error)
            logger.warning("could not warm", metadata: ["artifact": "\(artifact.redacted)", "pool": "\(pool.id)", "error": "\(error)"])
            return .unavailable
        }
    }

    private func time(
        _ wait: Wait, until end: ContinuousClock.Instant? = nil, isHead: Bool, _ client: ClientPresence? = nil
    ) -> RequestTime {
        RequestTime(wait, until: end, isHead: isHead, client: client, deadlines: deadlines, stragglers: stragglers, clock: clock)
    }

    /// - Parameter request: `nil` if no pool serves the client.
    private func answerInTime(
        _ origin: any Origin, _ request: PendingRequest?, _ time: RequestTime, isHead: Bool, isReportedMissing: Bool,
        _ network: ClientNetwork?
    ) async -> RedirectAnswer {
        if let refusal = refusal(of: origin) { return .refused(message: refusal) }
        let isInMemory = request.map { state.cached($0.id) != nil } ?? true
        guard isInMemory || !stragglers.areTooMany else { return .origin(.overloaded) }
        let answer = await time.answer {
            let found = await self.find(request, isReportedMissing: isReportedMissing)
            return await self.usable(found, origin, isHead: isHead, network)
        }
        if answer.outcome != .hop, let waited = time.waited, let request { metrics.recordWait(waited, pool: request.pool.id) }
        return answer
    }

    private func find(_ request: PendingRequest?, isReportedMissing: Bool) async -> RedirectAnswer {
        guard let request else { return .origin(.noPool) }
        if isReportedMissing, let trouble = await look(for: request) { return .origin(trouble) }
        // Checked after the token was taken: if the pool becomes unreadable in the meantime, what is remembered of this answer is forgotten.
        guard health.isReadable(request.pool.id) else { return .origin(.unavailable) }
        return await orOrigin(request) { try await self.follow($0) }
    }

    /// HEAD cannot use the signed URL of an object in a private bucket, so it gets what the bucket says instead.
    private func usable(
        _ answer: RedirectAnswer, _ origin: any Origin, isHead: Bool, _ network: ClientNetwork?
    ) async -> RedirectAnswer {
        guard isHead, case .origin(let reason) = answer, origin.isPrivate else { return answer }
        // A call to the bucket costs the same as a call to any origin. If the budget is known to be used up, there is no call.
        return await heads.ofBucket(origin, from: network) { [coldClaims] in reason != .budget && coldClaims.spend(network) } ?? answer
    }

    /// Turns a failure into a redirect to the origin.
    private func orOrigin(
        _ request: PendingRequest, _ answer: (PendingRequest) async throws -> RedirectAnswer
    ) async -> RedirectAnswer {
        do {
            return try await answer(request)
        } catch {
            // The request already has its answer; this error comes from its cancellation.
            guard !Task.isCancelled else { return .origin(.timedOut) }
            metrics.countError(error)
            troubles.log(
                .warning, "redirect falls back to the origin", to: logger,
                metadata: ["artifact": "\(request.id.artifact.redacted)", "pool": "\(request.pool.id)", "error": "\(error)"])
            return .origin(.unavailable)
        }
    }

    /// The replica that a key belongs to, in a pool whose objects the mirror serves; `nil` if no client was redirected to it recently.
    package func replica(of key: ObjectKey, in pool: PoolID) -> ReplicaID? {
        keys.replica(of: key, in: pool)
    }

    /// Checks whether a replica's object exists, once for all requests that report it missing at the same time.
    ///
    /// - Returns: Why that cannot be found out; `nil` if it was.
    private func look(for request: PendingRequest) async -> Fallback? {
        let id = request.id
        guard coldClaims.spend(request.network) else { return .budget }
        do {
            try await reports.run(id) { [presence] in try await presence.lookAfterReport(id) }
            return nil
        } catch {
            guard !Task.isCancelled else { return .timedOut }
            metrics.countError(error)
            troubles.log(
                .warning, "could not look for an object that is reported missing", to: logger,
                metadata: ["replica": "\(id)", "error": "\(error)"])
            return .unavailable
        }
    }

    /// Why the egress policy refuses an artifact, in words for the client; `nil` if it does not.
    func refusal(of origin: any Origin) -> String? {
        do {
            try origin.check()
            return nil
        } catch let error as OutboundError {
            return error.message
        } catch {
            return "the artifact's URL may not be fetched"
        }
    }
}
