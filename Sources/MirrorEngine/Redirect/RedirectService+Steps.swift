import MirrorCore
import MirrorState
import MirrorStorage

/// The steps from a request to its answer.
extension RedirectService {
    func follow(_ request: PendingRequest) async throws -> RedirectAnswer {
        // Who hopped here has waited for the copy, wherever it was done meanwhile.
        let hasHopped = request.wait.before > .zero
        if let replica = try await state.replica(request.id), !request.mayClaim(over: replica),
            let answer = try await settled(replica, request, as: hasHopped ? .wait : .hit)
        {
            return answer
        }
        // Absent, or an error whose time is over, or pending.
        switch try await probe.find(request) {
        case .settled(let replica, let outcome, let token):
            return try await settled(replica, request, as: outcome, token: token) ?? .origin(.unavailable)
        case .queueFull:
            return .origin(.overloaded)
        case .overBudget:
            return .origin(.budget)
        case .pending where request.isHead:
            request.time.beginWaiting()
            return try await heads.answer(pending: request.origin, until: request.time.end, from: request.network) { [coldClaims] in
                coldClaims.spend(request.network)
            }
        case .pending:
            return try await waitForCopy(request)
        }
    }

    func waitForCopy(_ request: PendingRequest) async throws -> RedirectAnswer {
        request.time.beginWaiting()
        while true {
            guard clock.instant < request.time.end else { return request.wait.timedOut }
            if request.isCounted, let refusal = waiters.refusal(request.sharer, configuration.waiting) { return .origin(refusal) }
            let wake = try await waiters.wait(
                for: request.id, isCounted: request.isCounted, sharer: request.sharer, in: request.time
            ) {
                try await state.replica(request.id)?.state == .pending
            }
            let replica: Replica?
            switch wake {
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

    /// The answer that a replica gives by itself; `nil` when there is something to do first.
    ///
    /// - Parameter token: Of the look that found it; `nil` for the request's own.
    // Not inlined, so that what waits for a copy does not keep the room for this as well.
    @inline(never)
    private func settled(
        _ replica: Replica, _ request: PendingRequest, as outcome: Outcome, token: HotIndex.Token? = nil
    ) async throws -> RedirectAnswer? {
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
            // Signed as at the beginning of a window it works for longer: others are given the same one up to the window's end.
            let location = try await request.pool.store.location(of: object.key, life: RedirectConfiguration.locationLife)
            // A signature is for one method.
            if request.isHead, location.expires != nil || request.describes {
                return try await heads.answer(object, of: request.id, in: request.pool, as: outcome)
            }
            if request.pool.store.capabilities.features.contains(.servedByMirror) { keys.remember(request.id, as: object.key) }
            return .replica(
                ReplicaRedirect(
                    id: request.id, outcome: outcome, object: object, location: location,
                    notAfter: location.expires.map { $0 - RedirectConfiguration.locationLife }, token: token ?? request.token))
        case .error(let failure) where clock.now < failure.retryAt:
            return request.answer(to: failure)
        case .removing:
            return .origin(.removing)
        case .error, .pending:
            return nil
        }
    }
}
