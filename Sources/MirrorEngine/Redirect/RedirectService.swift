package import Logging
package import MirrorCore
import MirrorNet
package import MirrorState
import MirrorStorage
import Tracing

/// The redirect path: from an artifact and a pool to the answer. `docs/request-handling.md` is its specification.
///
/// Never throws: whatever breaks on our side ends in a redirect to the origin.
package struct RedirectService: Sendable {
    private let pools: PoolTable
    private let state: HotIndex
    private let origin: OriginClient
    private let waiters: ReplicaWaiters
    private let uses: UseRecorder
    private let backfill: Backfill
    private let presence: PresenceCheck
    private let health: PoolHealth
    private let settings: Reloadable<RedirectConfiguration>
    private let metrics: EngineMetrics
    private let clock: any MirrorClock
    private let logger: Logger
    private let probes = SingleFlight<ReplicaID, Probe>()
    private let reports = SingleFlight<ReplicaID, Void>()
    private let heads: HeadAnswers
    /// What may be asked for that is not there yet.
    package let coldClaims: ColdClaims
    private let keys = ReplicaKeys()

    package init(
        pools: PoolTable, state: HotIndex, origin: OriginClient, waiters: ReplicaWaiters, uses: UseRecorder,
        publications: PublicationLock, presence: PresenceCheck, health: PoolHealth, configuration: RedirectConfiguration,
        coldClaims: ColdClaims, metrics: EngineMetrics, clock: any MirrorClock, logger: Logger
    ) {
        self.pools = pools
        self.state = state
        self.origin = origin
        self.waiters = waiters
        self.uses = uses
        backfill = Backfill(state: state, publications: publications, clock: clock, logger: logger)
        self.presence = presence
        self.health = health
        settings = Reloadable(configuration)
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
        self.coldClaims = coldClaims
        heads = HeadAnswers(state: state, origin: origin, presence: presence, metrics: metrics, clock: clock, logger: logger)
    }

    private var configuration: RedirectConfiguration { settings.value }

    /// Requests from now on wait by these settings; those under way have theirs.
    package func reload(_ configuration: RedirectConfiguration) {
        settings.replace(with: configuration)
        coldClaims.reload(configuration.coldClaims)
    }

    /// The artifact that a client's words mean (``OriginClient/source(_:)``).
    package func source(_ text: String) throws(ArtifactURLError) -> ArtifactSource {
        try origin.source(text)
    }

    /// Where a request is sent that the mirror cannot help: to the artifact's own URL, signed where clients could not read it otherwise.
    package func originLocation(of source: ArtifactSource) async -> String {
        do {
            return try await origin.location(of: source, life: configuration.locationLife)
        } catch {
            metrics.countError(error)
            logger.warning("cannot sign the origin's URL", metadata: ["artifact": "\(source.name.redacted)", "error": "\(error)"])
            return source.url.description
        }
    }

    /// How long a client may be kept waiting for one answer, by what it says of itself.
    ///
    /// - Parameter asked: Its `?wait=`; cut off at `waitLimit`.
    /// - Parameter hop: How often it was redirected to ourselves before.
    package func wait(asked: Duration?, hop: Int, patience: Patience) -> Wait {
        configuration.wait(asked: asked, hop: hop, patience: patience)
    }

    /// - Parameter userAgent: The field's value; `nil` where there is none.
    package func patience(of userAgent: (some Collection<UInt8>)?) -> Patience {
        configuration.clients.patience(of: userAgent)
    }

    /// - Parameter pool: `nil` when no pool serves the client: the answer is the origin, if it is allowed.
    /// - Parameter isHead: Whether the client wants to know of the artifact alone.
    /// - Parameter isReportedMissing: Whether the client was redirected to a copy before and did not find it.
    /// - Parameter client: Who asks; nothing is waited for once it has left.
    /// - Parameter network: Who pays for what is not there yet; `nil` for nobody.
    package func answer(
        _ source: ArtifactSource, in pool: Pool?, wait: Wait, isHead: Bool = false, isReportedMissing: Bool = false,
        from network: ClientNetwork?, client: ClientPresence? = nil
    ) async -> RedirectAnswer {
        let artifact = source.name
        let answer = await withSpan("redirect") { span in
            span.attributes["artifact"] = artifact.redacted
            span.attributes["pool"] = pool?.id.description
            let found: RedirectAnswer
            if isReportedMissing, let pool, refusal(of: source) == nil, let trouble = await look(for: artifact, in: pool, network) {
                found = .origin(trouble)
            } else {
                found = await answerUncounted(source, in: pool, wait: wait, isHead: isHead, client: client, network: network)
            }
            let answer = await usable(found, source, isHead: isHead)
            span.attributes["outcome"] = answer.outcome.rawValue
            return answer
        }
        metrics.count(answer, pool: pool?.id, isHead: isHead)
        log(answer, artifact, pool?.id)
        return answer
    }

    // MARK: Requests that wait together

    /// Lets one more request wait for the answer that another gets, until ``leave(_:)``.
    ///
    /// - Returns: Until when; `nil` when as many wait as may.
    package func join(wait: Wait) -> ContinuousClock.Instant? {
        // The last place is for the other one, which may not be counted yet.
        guard waiters.join(limit: configuration.maxWaiting - 1) else { return nil }
        return clock.instant + wait.limit
    }

    package func leave(_ count: Int) {
        waiters.leave(count)
    }

    /// Waits for a copy on behalf of those who go on when the request is over that they have joined.
    ///
    /// - Parameter wait: What each of them was given.
    package func waitOn(for source: ArtifactSource, in pool: Pool, until deadline: ContinuousClock.Instant, wait: Wait) async
        -> RedirectAnswer
    {
        let request = PendingRequest(
            source, pool: pool, token: state.token(), wait: wait, deadline: deadline, isHead: false,
            network: nil)
        return await orOrigin(request) { try await waitForCopy($0, isCounted: false) }
    }

    /// Counts and logs the answer that has been found for several requests at once.
    ///
    /// - Parameter waits: How long each of them has waited, over all hops.
    package func record(_ answer: RedirectAnswer, _ id: ReplicaID, waits: [Duration], isHead: Bool) {
        for wait in waits {
            metrics.count(answer, pool: id.pool, isHead: isHead)
            switch answer.outcome {
            case .wait, .fallback, .error: if !isHead { metrics.recordWait(wait, pool: id.pool) }
            case .hit, .backfill, .refused, .hop, .pending: break
            }
        }
        log(answer, id.artifact, id.pool, requests: waits.count)
    }

    /// Asks for a copy ahead of use, and does not wait for it.
    package func warm(_ source: ArtifactSource, in pool: Pool) async -> WarmResult {
        let artifact = source.name
        if let refusal = refusal(of: source) { return .refused(refusal) }
        let request = PendingRequest(
            source, pool: pool, token: state.token(), wait: Wait(limit: .zero), deadline: clock.instant, isHead: false, network: nil)
        do {
            return switch try await probe(request) {
            case .pending: .replica(.pending)
            case .queueFull, .overBudget: .queueFull
            case .settled(let replica, _, _): .replica(replica.status)
            }
        } catch {
            metrics.countError(error)
            logger.warning("could not warm", metadata: ["artifact": "\(artifact.redacted)", "pool": "\(pool.id)", "error": "\(error)"])
            return .unavailable
        }
    }

    private func answerUncounted(
        _ source: ArtifactSource, in pool: Pool?, wait: Wait, isHead: Bool, client: ClientPresence?, network: ClientNetwork?
    ) async -> RedirectAnswer {
        if let refusal = refusal(of: source) { return .refused(message: refusal) }
        guard let pool else { return .origin(.noPool) }
        let request = PendingRequest(
            source, pool: pool, token: state.token(), wait: wait, deadline: clock.instant + wait.limit, isHead: isHead, client: client,
            network: network)
        // Behind the token: what is remembered of this answer is forgotten when the pool turns unreadable meanwhile.
        guard health.isReadable(pool.id) else { return .origin(.unavailable) }
        return await orOrigin(request) { try await follow($0) }
    }

    /// HEAD cannot use the signed URL that clients get of an object in a private bucket: what the bucket says stands in its place.
    private func usable(_ answer: RedirectAnswer, _ source: ArtifactSource, isHead: Bool) async -> RedirectAnswer {
        guard isHead, case .origin = answer, origin.isInBucket(source.name), let description = await heads.ofBucket(source) else {
            return answer
        }
        return .description(description)
    }

    /// What breaks ends in a redirect to the origin.
    private func orOrigin(
        _ request: PendingRequest, _ answer: (PendingRequest) async throws -> RedirectAnswer
    ) async -> RedirectAnswer {
        do {
            return try await answer(request)
        } catch {
            metrics.countError(error)
            logger.warning(
                "redirect falls back to the origin",
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
    private func look(for artifact: ArtifactURL, in pool: Pool, _ network: ClientNetwork?) async -> Fallback? {
        guard coldClaims.spend(network) else { return .budget }
        let id = ReplicaID(artifact: artifact, pool: pool.id)
        do {
            try await reports.run(id) { try await presence.lookAfterReport(id) }
            return nil
        } catch {
            metrics.countError(error)
            logger.warning("could not look for an object that is reported missing", metadata: ["replica": "\(id)", "error": "\(error)"])
            return .unavailable
        }
    }

    /// What the egress policy has against an artifact, in words for the client.
    private func refusal(of source: ArtifactSource) -> String? {
        do {
            try origin.check(source)
            return nil
        } catch let error as OutboundError {
            return error.message
        } catch {
            return "the artifact's URL may not be fetched"
        }
    }

    private func follow(_ request: PendingRequest) async throws -> RedirectAnswer {
        // Who hopped here has waited for the copy, wherever it was done meanwhile.
        let began = clock.instant - request.wait.before
        let hasHopped = request.wait.before > .zero
        if let replica = try await state.replica(request.id), !request.mayClaim(over: replica),
            let answer = try await settled(replica, request, as: hasHopped ? .wait : .hit)
        {
            if hasHopped { metrics.recordWait(began.duration(to: clock.instant), pool: request.pool.id) }
            return answer
        }
        // Absent, or an error whose time is over, or pending.
        switch try await probe(request) {
        case .settled(let replica, let outcome, let token):
            var request = request
            request.token = token
            return try await settled(replica, request, as: outcome) ?? .origin(.unavailable)
        case .queueFull:
            return .origin(.overloaded)
        case .overBudget:
            return .origin(.budget)
        case .pending where request.isHead:
            return try await heads.answer(pending: request.source, until: request.deadline) { coldClaims.spend(request.network) }
        case .pending:
            let answer = try await waitForCopy(request)
            if answer.outcome != .hop { metrics.recordWait(began.duration(to: clock.instant), pool: request.pool.id) }
            return answer
        }
    }

    /// The answer that a replica gives by itself; `nil` when there is something to do first.
    private func settled(_ replica: Replica, _ request: PendingRequest, as outcome: Outcome) async throws -> RedirectAnswer? {
        switch replica.status {
        case .present(let object):
            if object.markedAt == nil {
                uses.record(request.id, lastUsed: object.lastUsed)
            } else {
                // The sweep must not take away what is handed out now: clear the mark before answering.
                try await state.touch([ReplicaUse(id: request.id, at: clock.now)])
                // Unless it has just done so: that cannot be undone.
                guard try await state.replica(request.id)?.state == .present else { return .origin(.removing) }
            }
            // Twice as long as one client needs, so that others can be given the same location meanwhile.
            let location = try await request.pool.store.location(of: object.key, life: configuration.signedLife)
            // A signature is for one method.
            if request.isHead, location.expires != nil {
                return try await heads.answer(object, of: request.id, in: request.pool, as: outcome)
            }
            if request.pool.store.capabilities.features.contains(.servedByMirror) { keys.remember(request.id, as: object.key) }
            return .replica(
                ReplicaRedirect(
                    id: request.id, outcome: outcome, object: object, location: location,
                    notAfter: location.expires.map { $0 - configuration.locationLife }, token: request.token))
        case .error(let failure) where clock.now < failure.retryAt:
            return request.answer(to: failure)
        case .removing:
            return .origin(.removing)
        case .error, .pending:
            return nil
        }
    }

    private enum Probe: Sendable {
        /// With the token of the request that looked, which may be older than those of the requests that it answers.
        case settled(Replica, Outcome, HotIndex.Token)
        case pending
        case queueFull
        /// The client's network may claim no more.
        case overBudget
    }

    /// Looks and claims, and leaves what this request would fetch the artifact with to whoever copies it.
    private func probe(_ request: PendingRequest) async throws -> Probe {
        var isFirst = false
        var probe = try await probes.run(request.id) {
            isFirst = true
            return try await probePoolAndClaim(request)
        }
        // The first one's budget is not the others'.
        if case .overBudget = probe, !isFirst { probe = try await probePoolAndClaim(request) }
        // That of another claim is older, or it has gone with the end of the copy before.
        if case .pending = probe, let query = request.source.query, try await state.query(for: request.id) != query {
            try await state.keepQuery(query, for: request.id)
        }
        return probe
    }

    /// One HEAD and one claim for all requests of this process that find the replica absent at the same time.
    private func probePoolAndClaim(_ request: PendingRequest) async throws -> Probe {
        // Somebody may have been here between this request's look and its turn.
        let current = try await state.replica(request.id)
        switch current?.status {
        case .present: if let current { return .settled(current, .hit, request.token) }
        case .pending:
            // A shared state may have lost its job: who claims it has it queued again.
            if case .exists(let replica) = try await state.claim(request.id), replica.state != .pending {
                return .settled(replica, .hit, request.token)
            }
            return .pending
        case .error, .removing, nil: break
        }
        guard coldClaims.spend(request.network) else { return .overBudget }
        // State that was lost costs one HEAD for each object, never a second copy.
        if let replica = try await backfill.record(request.id, in: request.pool) { return .settled(replica, .backfill, request.token) }
        // Before the claim, in whose way a refusal stands that is remembered of another query.
        if let query = request.source.query { try await state.keepQuery(query, for: request.id) }
        coldClaims.expect(request.id, for: request.network)
        let claim = try await state.claim(request.id)
        if claim != .claimed { coldClaims.forget(request.id) }
        switch claim {
        case .claimed: return .pending
        case .queueFull: return .queueFull
        case .exists(let replica): return replica.state == .pending ? .pending : .settled(replica, .hit, request.token)
        }
    }

    /// - Parameter isCounted: Whether it is one request, and not for others who are counted already.
    private func waitForCopy(_ request: PendingRequest, isCounted: Bool = true) async throws -> RedirectAnswer {
        while true {
            let remaining = clock.instant.duration(to: request.deadline)
            guard remaining > .zero else { return request.timedOut }
            guard request.client?.hasLeft != true else { return .origin(.left) }
            guard !isCounted || waiters.count < configuration.maxWaiting else { return .origin(.overloaded) }
            let wake = try await waiters.wait(for: request.id, upTo: remaining, isCounted: isCounted, client: request.client) {
                try await state.replica(request.id)?.state == .pending
            }
            let replica: Replica?
            switch wake {
            case .timedOut: return request.timedOut
            case .left: return .origin(.left)
            case .closed: return .origin(.shuttingDown)
            case .changed(let changed): replica = changed
            case .lookAgain: replica = try await state.replica(request.id)
            }
            // Gone while we waited: a purge. Copying it again is for the next request.
            guard let replica else { return .origin(.removing) }
            if let answer = try await settled(replica, request, as: .wait) { return answer }
            // The copy that was waited for has just failed: that is the answer, however short the time that failures are remembered.
            if case .error(let failure) = replica.status { return request.answer(to: failure) }
        }
    }

    private func log(_ answer: RedirectAnswer, _ artifact: ArtifactURL, _ pool: PoolID?, requests: Int = 1) {
        let level: Logger.Level =
            switch answer {
            // Counted; the log has a line in a while (``ColdClaims``).
            case .hop, .origin(.budget): .debug
            case .description(let description) where description.outcome == .hit: .debug
            case .replica(let redirect) where redirect.outcome == .hit: .debug
            default: .info
            }
        guard logger.logLevel <= level else { return }
        var metadata: Logger.Metadata = ["artifact": "\(artifact.redacted)", "outcome": "\(answer.outcome.rawValue)"]
        if let pool { metadata["pool"] = "\(pool)" }
        if requests > 1 { metadata["requests"] = .stringConvertible(requests) }
        switch answer {
        case .origin(let reason): metadata["reason"] = "\(reason.rawValue)"
        case .originStatus(let status, _): metadata["status"] = .stringConvertible(status)
        case .refused(let message): metadata["reason"] = "\(message)"
        case .hop(let number): metadata["hop"] = .stringConvertible(number)
        case .replica, .description: break
        }
        logger.log(level: level, "redirect", metadata: metadata)
    }
}
