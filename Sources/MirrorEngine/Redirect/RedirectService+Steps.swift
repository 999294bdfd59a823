package import MirrorCore
package import MirrorState
import MirrorStorage
import MirrorTracing
import Retention

extension RedirectService {
    func follow(_ request: PendingRequest) async throws -> RedirectAnswer {
        // A client that hopped here has waited for the copy, even if the copy was done in the meantime.
        let hasHopped = request.wait.before > .zero
        let landed = probe.landed(request.id)
        let known = try await known(of: request, landed)
        if let replica = known, !request.mayClaim(over: replica),
            let answer = try await settled(replica, request, as: hasHopped ? .wait : .hit)
        {
            return answer
        }
        // The replica is absent, pending, or an error that may be retried: what is stored from now on is not an earlier copy.
        let copy = AwaitedCopy(since: clock.now)
        if known?.state != .pending, let answer = try await answerWithoutCopy(request) { return answer }
        // Before the claim: the copy may be there before that returns.
        let isFirst = uses.expectCopy(of: request.id)
        var isPending = false
        defer { if isFirst, !isPending { uses.forgetCopy(of: request.id) } }
        // A present replica comes here only if its object is missing, and has been forgotten since it was read.
        let reading = known?.state == .present ? nil : PoolProbe.Reading(replica: known, landed: landed)
        let finding = try await traced("lookup in pool") { _ in try await probe.find(request, reading) }
        switch finding {
        case .settled(let replica, let outcome, let token):
            return try await settled(replica, request, as: outcome, token: token) ?? .origin(.unavailable)
        case .queueFull:
            return .origin(.overloaded)
        case .overBudget:
            return .origin(.budget)
        case .pending(let news):
            isPending = true
            if isFirst { await uses.confirmCopy(of: request.id) }
            return try await pending(request, copy, since: news)
        }
    }

    /// What the state knows of the replica. It is not asked if it had nothing a moment ago: should another process have claimed the replica since, this
    /// request's claim will show it.
    private func known(of request: PendingRequest, _ landed: Int) async throws -> Replica? {
        if request.absentSince == landed, state.cached(request.id) == nil { return nil }
        return try await traced("lookup in state") { _ in try await state.replica(request.id, within: request.stateLimit) }
    }

    /// The answer if no copy is made of an artifact that the state does not have: the pool goes by cost, and a copy could not save anything, or is
    /// not expected to.
    ///
    /// That is only believed of plain URLs. Named origins do more for their clients than to keep copies, and where a bucket is comes out only when it is
    /// asked.
    ///
    /// - Returns: `nil` if a copy is made.
    private func answerWithoutCopy(_ request: PendingRequest) async throws -> RedirectAnswer? {
        guard request.pool.policy == .cost, request.origin.named == nil, !request.origin.isPrivate, let lives = learned?.lives else {
            return nil
        }
        if lives.prices.savesNothing(in: request.pool.id) { return .origin(.neverPays) }
        guard lives.admission == .cost, let (use, isGone) = try await uses.useWithoutCopy(of: request.id) else { return nil }
        // HEAD uses nothing.
        if request.isHead, isGone { return .origin(.unlikelyToPay) }
        // Anybody can make up names of artifacts, so each that is looked for, or recorded, costs as much as one that is copied.
        guard coldClaims.spend(request.network) else { return .origin(.budget) }
        // Otherwise the state may have lost it.
        let found: PoolProbe.Finding? = try await isGone ? nil : traced("lookup in pool") { _ in try await probe.look(for: request) }
        if case .settled(let replica, let outcome, let token)? = found {
            return try await settled(replica, request, as: outcome, token: token)
        }
        if !request.isHead { uses.recordWithoutCopy(use) }
        return .origin(.unlikelyToPay)
    }

    private func pending(_ request: PendingRequest, _ copy: AwaitedCopy, since news: ReplicaWaiters.News) async throws -> RedirectAnswer {
        if request.isHead {
            request.time.beginWaiting()
            return try await heads.answer(pending: request.origin, until: request.time.end, from: request.network) { [coldClaims] in
                coldClaims.spend(request.network)
            }
        }
        guard MirrorSpan.current != nil else { return try await waitForCopy(request, copy, since: news) }
        return try await traced("wait") { _ in try await waitForCopy(request, copy, since: news) }
    }

    /// - Parameters:
    ///   - copy: Awaited from when it was not there.
    ///   - news: From before the copy was found to be pending; `nil` if it must be looked at.
    func waitForCopy(_ request: PendingRequest, _ copy: AwaitedCopy, since news: ReplicaWaiters.News?) async throws -> RedirectAnswer {
        request.time.beginWaiting()
        var news = news
        while true {
            guard clock.instant < request.time.end else { return request.wait.timedOut }
            if request.isCounted, let refusal = waiters.refusal(request.sharer, configuration.waiting) { return .origin(refusal) }
            let wake = try await waiters.wait(
                for: request.id, since: news, isCounted: request.isCounted, sharer: request.sharer, in: request.time
            ) {
                try await state.replica(request.id)?.state == .pending
            }
            news = nil
            let replica: Replica?
            switch wake {
            case .changed(let changed):
                // Changes may arrive late. This one may be from before the copy that is waited for: a purge, or what the purge removed.
                replica = try await copy.object(in: changed) != nil ? changed : state.replica(request.id)
            case .lookAgain: replica = try await state.replica(request.id)
            }
            // It disappeared while we waited: a purge. The next request may copy it again.
            guard let replica else { return .origin(.removing) }
            if let answer = try await settled(replica, request, as: .wait) { return answer }
            // The copy that was waited for has just failed. That is the answer, even if failures are remembered only briefly.
            if case .error(let failure) = replica.status { return request.answer(to: failure) }
        }
    }

    /// The answer that the replica's state determines; `nil` if there is something to do first.
    ///
    /// - Parameter token: The token of the lookup that found it; `nil` for the request's own.
    // Not inlined, so that a request that waits for a copy does not keep memory for this, too.
    @inline(never)
    private func settled(
        _ replica: Replica, _ request: PendingRequest, as outcome: Outcome, token: HotIndex.Token? = nil
    ) async throws -> RedirectAnswer? {
        switch replica.status {
        case .present(let object):
            if object.markedAt == nil {
                uses.record(request.id, bytes: object.size, lastUsed: object.lastUsed)
            } else {
                // The sweep must not delete what this answer leads to: clear the mark before answering.
                try await uses.write(request.id, bytes: object.size, lastUsed: object.lastUsed)
                // If the removal has already begun, it cannot be undone.
                guard try await state.replica(request.id)?.state == .present else { return .origin(.removing) }
            }
            // A location signed as if at the beginning of a window works for longer: other requests get the same one until the window ends.
            let location = try await request.pool.store.location(of: object.key, life: RedirectConfiguration.locationLife)
            // A signature is valid for one method only.
            if request.isHead, location.expires != nil || request.describes {
                return try await heads.answer(object, of: request.id, in: request.pool, as: outcome, hasFields: request.describes)
            }
            return .replica(
                redirect(to: object, of: request.id, in: request.pool, at: location, as: outcome, token: token ?? request.token))
        case .error(let failure) where clock.now < failure.retryAt:
            return request.answer(to: failure)
        case .removing:
            return .origin(.removing)
        case .error, .pending:
            return nil
        }
    }

    private func redirect(
        to object: StoredObject, of id: ReplicaID, in pool: Pool, at location: ObjectLocation, as outcome: Outcome, token: HotIndex.Token
    ) -> ReplicaRedirect {
        if pool.store.capabilities.features.contains(.servedByMirror) { keys.remember(id, as: object.key) }
        return ReplicaRedirect(
            id: id, outcome: outcome, object: object, location: location,
            notAfter: location.expires.map { $0 - RedirectConfiguration.locationLife }, token: token)
    }

    /// What clients look for in a redirect to a replica, where the origin's own redirect has it.
    ///
    /// - Parameter end: By when the request has its answer.
    /// - Returns: `nil` if the pool does not say, or not in time.
    package func originWords(of redirect: ReplicaRedirect, in pool: Pool, until end: ContinuousClock.Instant) async -> OriginWords? {
        let limit = min(Self.wordsLimit, clock.instant.duration(to: end))
        let words = try? await leaving(after: limit, by: clock) { [heads] in
            try await heads.words(on: redirect.object, of: redirect.id, in: pool)
        }
        return (words ?? nil) ?? nil
    }

    /// A pool normally needs milliseconds.
    private static let wordsLimit = Duration.seconds(1)

    /// The redirect for a plain hit, to be remembered and answered from memory. Nothing is counted or recorded here.
    ///
    /// - Parameter token: Taken before `replica` was looked up.
    /// - Returns: `nil` if it is more than a present replica whose location is known at once; then use
    ///   ``answer(_:in:wait:isHead:describes:isReportedMissing:from:sharer:client:)``.
    package func plainHit(_ replica: Replica?, _ origin: any Origin, in pool: Pool, token: HotIndex.Token) async -> ReplicaRedirect? {
        guard case .present(let object) = replica?.status, object.markedAt == nil, refusal(of: origin) == nil, health.isReadable(pool.id),
            let location = try? await pool.store.location(of: object.key, life: RedirectConfiguration.locationLife), location.expires == nil
        else { return nil }
        let id = ReplicaID(artifact: origin.source.name, pool: pool.id)
        return redirect(to: object, of: id, in: pool, at: location, as: .hit, token: token)
    }
}
