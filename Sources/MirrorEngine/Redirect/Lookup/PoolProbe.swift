import MirrorCore
import MirrorState
import MirrorStorage

/// Looks into the pool for an artifact that the state does not know, and asks for a copy where it is not there: once for all requests of this
/// process that want it at the same time.
///
/// Goes on when nobody waits for it any more, for a while: whoever asks next finds what came of it.
final class PoolProbe: Sendable {
    enum Finding: Sendable {
        /// With the token of the request that looked, which may be older than those of the requests that it answers.
        indirect case settled(Replica, Outcome, HotIndex.Token)
        case pending
        case queueFull
        /// This network may claim no more.
        case overBudget(ClientNetwork?)
    }

    /// Longer than any pool takes that is well.
    private static let life = Duration.seconds(10)

    private let state: HotIndex
    private let backfill: Backfill
    private let coldClaims: ColdClaims
    private let clock: any MonotonicClock
    private let flights = SingleFlight<ReplicaID, Finding>(goesOnAlone: true)
    private let looks = LookCount(limit: 4_000)

    init(state: HotIndex, backfill: Backfill, coldClaims: ColdClaims, clock: any MonotonicClock) {
        self.state = state
        self.backfill = backfill
        self.coldClaims = coldClaims
        self.clock = clock
    }

    /// Looks and claims, and leaves what this request would fetch the artifact with to whoever copies it.
    func find(_ request: PendingRequest) async throws -> Finding {
        var finding = try await flights.run(request.id) { try await self.lookAndClaimInTime(request) }
        // The first one's budget is not the others'.
        if case .overBudget(let network) = finding, network != request.network { finding = try await lookAndClaimInTime(request) }
        // That of another claim is older, or it has gone with the end of the copy before.
        if case .pending = finding, let query = request.source.query, try await state.query(for: request.id) != query,
            mayReplaceQuery(request.network)
        {
            try await state.keepQuery(query, for: request.id)
        }
        return finding
    }

    /// Whether a network may have what the copy is fetched with replaced: anybody can make up signatures, and each is one that the origin refuses.
    ///
    /// Who may not is not refused, and not counted as such: the request waits for the copy as it is.
    private func mayReplaceQuery(_ network: ClientNetwork?) -> Bool {
        if let network, coldClaims.isSpent(network) { return false }
        return coldClaims.spend(network)
    }

    private func lookAndClaimInTime(_ request: PendingRequest) async throws -> Finding {
        guard looks.begin(in: request.pool.id) else { return .queueFull }
        let finding = try await leaving(after: Self.life, by: clock) {
            // When it ends, however long nobody has waited for it by then.
            defer { self.looks.end(in: request.pool.id) }
            return try await self.lookAndClaim(request)
        }
        guard let finding else {
            throw StorageError(.timedOut, "neither pool nor state answered within \(Self.life)", operation: "probe")
        }
        return finding
    }

    private func lookAndClaim(_ request: PendingRequest) async throws -> Finding {
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
        guard coldClaims.spend(request.network) else { return .overBudget(request.network) }
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
}
