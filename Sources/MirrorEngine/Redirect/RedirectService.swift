package import Logging
package import MirrorCore
import MirrorNet
package import MirrorState
import MirrorStorage
import Tracing

/// The redirect path: from an artifact and a pool to the answer. `docs/request-handling.md` is its specification.
///
/// Never throws: whatever breaks on our side ends in a redirect to the origin.
package final class RedirectService: Sendable {
    let state: HotIndex
    let waiters: ReplicaWaiters
    let uses: UseRecorder
    let probe: PoolProbe
    let heads: HeadAnswers
    /// What may be asked for that is not there yet.
    package let coldClaims: ColdClaims
    let keys = ReplicaKeys()
    package let redirectLog = RedirectLog()
    let clock: any MirrorClock
    let logger: Logger
    /// Of the log, for answers.
    let lines: LineBudget
    /// Of the log, for what is broken.
    private let troubles: LineBudget
    let origins: OriginTable
    private let presence: PresenceCheck
    let health: PoolHealth
    private let settings: Reloadable<RedirectConfiguration>
    private let clients: Reloadable<ClientTable>
    private let metrics: EngineMetrics
    private let deadlines: Deadlines
    private let stragglers = Stragglers()
    private let reports = SingleFlight<ReplicaID, Void>()

    package init(
        pools: PoolTable, state: HotIndex, origins: OriginTable, waiters: ReplicaWaiters, uses: UseRecorder,
        publications: PublicationLock, presence: PresenceCheck, health: PoolHealth, configuration: RedirectConfiguration,
        coldClaims: ColdClaims, metrics: EngineMetrics, clock: any MirrorClock, logger: Logger
    ) {
        self.state = state
        self.origins = origins
        self.waiters = waiters
        self.uses = uses
        probe = PoolProbe(
            state: state, backfill: Backfill(state: state, publications: publications, clock: clock, logger: logger),
            coldClaims: coldClaims, clock: clock)
        self.coldClaims = coldClaims
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

    /// Requests from now on wait by these settings; those under way have theirs.
    package func reload(_ configuration: RedirectConfiguration) {
        settings.replace(with: configuration)
        clients.replace(with: configuration.clientTable)
        coldClaims.reload(configuration.coldClaims)
    }

    /// Answers everybody who waits with the origin, now, and whoever would wait later at once: the process shuts down.
    package func close() {
        deadlines.close()
    }

    /// The origin of the artifact that a client's words mean (``OriginTable/resolve(_:)``).
    package func resolve(_ text: String) throws(ArtifactURLError) -> any Origin {
        try origins.resolve(text)
    }

    /// Where a request is sent that the mirror cannot help: to the artifact's own URL, signed where clients could not read it otherwise.
    package func location(of origin: any Origin) async -> String {
        let source = origin.source
        guard origin.isPrivate else { return source.url.description }
        do {
            let location = try await leaving(after: Self.signingLimit, by: clock) {
                try await origin.location(life: RedirectConfiguration.locationLife)
            }
            if let location { return location }
            troubles.log(
                .warning, "the credentials for the origin's URL do not arrive", to: logger,
                metadata: ["artifact": "\(source.name.redacted)"])
        } catch {
            metrics.countError(error)
            troubles.log(
                .warning, "cannot sign the origin's URL", to: logger,
                metadata: ["artifact": "\(source.name.redacted)", "error": "\(error)"])
        }
        return source.url.description
    }

    /// What signing may take beyond the request's time: it is quick, unless credentials have to be asked for.
    private static let signingLimit = Duration.milliseconds(500)

    /// How long a client may be kept waiting for one answer, by what it says of itself.
    ///
    /// - Parameter asked: Its `?wait=`; cut off at `waitLimit`.
    /// - Parameter hop: How often it was redirected to ourselves before.
    package func wait(asked: Duration?, hop: Int, patience: Patience) -> Wait {
        configuration.wait(asked: asked, hop: hop, patience: patience)
    }

    /// - Parameter userAgent: The field's value; `nil` where there is none.
    package func patience(of userAgent: (some Collection<UInt8>)?) -> Patience {
        clients.value.patience(of: userAgent)
    }

    /// - Parameter pool: `nil` when no pool serves the client: the answer is the origin, if it is allowed.
    /// - Parameter isHead: Whether the client wants to know of the artifact alone.
    /// - Parameter describes: Whether HEAD is answered with what is known of the artifact also where a redirect would do.
    /// - Parameter isReportedMissing: Whether the client was redirected to a copy before and did not find it.
    /// - Parameter network: Who pays for what is not there yet; `nil` for nobody.
    /// - Parameter sharer: Whose share of the waits it takes; `nil` where many clients may be behind one address.
    /// - Parameter client: Who asks; nothing is waited for once it has left.
    package func answer(
        _ origin: any Origin, in pool: Pool?, wait: Wait, isHead: Bool = false, describes: Bool = false,
        isReportedMissing: Bool = false, from network: ClientNetwork?, sharer: ClientNetwork?, client: ClientPresence? = nil
    ) async -> RedirectAnswer {
        let began = clock.instant
        let time = time(wait, isHead: isHead, client)
        let request = pool.map { pool in
            PendingRequest(
                origin, pool: pool, state: state, wait: wait, time: time, isHead: isHead, describes: describes, network: network,
                sharer: sharer)
        }
        let answer = await withSpan("redirect") { span in
            span.attributes["artifact"] = origin.source.name.redacted
            span.attributes["pool"] = pool?.id.description
            let answer = await answerInTime(origin, request, time, isHead: isHead, isReportedMissing: isReportedMissing, network)
            span.attributes["outcome"] = answer.outcome.rawValue
            return answer
        }
        metrics.count(answer, pool: pool?.id, isHead: isHead, in: began.duration(to: clock.instant))
        log(answer, origin.source.name, pool?.id, hasWaited: hasWaited(time, wait))
        logUse(answer, origin.source.name, pool?.id, isHead: isHead)
        return answer
    }

    // MARK: Requests that wait together

    /// Lets one more request wait for the answer that another gets, until ``leave(_:)``.
    ///
    /// - Parameter sharer: As for ``answer(_:in:wait:isHead:describes:isReportedMissing:from:sharer:client:)``.
    /// - Returns: Until when; `nil` when as many wait as may.
    package func join(wait: Wait, sharer: ClientNetwork?) -> ContinuousClock.Instant? {
        var limits = configuration.waiting
        // The last place is for the other one, which may not be counted yet.
        limits.total -= 1
        guard !deadlines.isClosed, waiters.join(sharer, limits) else { return nil }
        return clock.instant + wait.limit
    }

    /// - Parameter sharers: Of each who has joined.
    package func leave(_ sharers: [ClientNetwork?]) {
        waiters.leave(sharers)
    }

    /// Waits for a copy on behalf of those who go on when the request is over that they have joined; for the header where they ask for that.
    ///
    /// - Parameter wait: What each of them was given.
    /// - Parameter isClaimed: Whether the copy was asked for; else that is still to be done.
    /// - Parameter network: Who takes over, and pays for what has to be asked for again.
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
            let answer = await self.orOrigin(request) { waitsForCopy ? try await self.waitForCopy($0) : try await self.follow($0) }
            return await self.usable(answer, origin, isHead: isHead, network)
        }
    }

    /// Counts and logs the answer that has been found for several requests at once.
    ///
    /// - Parameter durations: How long each of them has waited since it was sent.
    /// - Parameter before: How long they waited in earlier hops.
    package func record(_ answer: RedirectAnswer, _ id: ReplicaID, in durations: [Duration], after before: Duration, isHead: Bool) {
        for duration in durations {
            metrics.count(answer, pool: id.pool, isHead: isHead, in: duration)
            switch answer.outcome {
            case .wait, .fallback, .error: if !isHead { metrics.recordWait(before + duration, pool: id.pool) }
            case .hit, .backfill, .refused, .hop, .pending: break
            }
        }
        log(answer, id.artifact, id.pool, requests: durations.count, hasWaited: true)
        logUse(answer, id.artifact, id.pool, requests: durations.count, isHead: isHead)
    }

    /// Asks for a copy ahead of use, and does not wait for it.
    package func warm(_ origin: any Origin, in pool: Pool) async -> WarmResult {
        let artifact = origin.source.name
        if let refusal = refusal(of: origin) { return .refused(refusal) }
        // A list of thousands would otherwise go on until the grace is over.
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

    /// - Parameter request: `nil` when no pool serves the client.
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
        // Behind the token: what is remembered of this answer is forgotten when the pool turns unreadable meanwhile.
        guard health.isReadable(request.pool.id) else { return .origin(.unavailable) }
        return await orOrigin(request) { try await self.follow($0) }
    }

    /// HEAD cannot use the signed URL that clients get of an object in a private bucket: what the bucket says stands in its place.
    private func usable(
        _ answer: RedirectAnswer, _ origin: any Origin, isHead: Bool, _ network: ClientNetwork?
    ) async -> RedirectAnswer {
        guard isHead, case .origin(let reason) = answer, origin.isPrivate else { return answer }
        // A call to the bucket costs what one to any origin does. Of a budget that is known to be spent no more is asked.
        return await heads.ofBucket(origin, from: network) { [coldClaims] in reason != .budget && coldClaims.spend(network) } ?? answer
    }

    /// What breaks ends in a redirect to the origin.
    private func orOrigin(
        _ request: PendingRequest, _ answer: (PendingRequest) async throws -> RedirectAnswer
    ) async -> RedirectAnswer {
        do {
            return try await answer(request)
        } catch {
            // It has its answer, and this is what came of leaving.
            guard !Task.isCancelled else { return .origin(.timedOut) }
            metrics.countError(error)
            troubles.log(
                .warning, "redirect falls back to the origin", to: logger,
                metadata: ["artifact": "\(request.id.artifact.redacted)", "pool": "\(request.pool.id)", "error": "\(error)"])
            return .origin(.unavailable)
        }
    }

    /// The replica that a key in a pool belongs to whose objects the mirror serves; `nil` when no client was redirected to it of late.
    package func replica(of key: ObjectKey, in pool: PoolID) -> ReplicaID? {
        keys.replica(of: key, in: pool)
    }

    /// Looks whether a replica's object is there, once for all who report it missing at the same time.
    ///
    /// - Returns: Why that cannot be found out.
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

    /// What the egress policy has against an artifact, in words for the client.
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
