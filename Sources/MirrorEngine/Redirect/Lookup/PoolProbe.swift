import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTracing
import Synchronization

/// Looks in the pool for an artifact that the state does not know, and requests a copy if it is not there: once for all concurrent requests of this
/// process.
///
/// A lookup continues for a while after everybody has stopped waiting, so that the next request finds its result.
final class PoolProbe: Sendable {
    enum Finding: Sendable {
        /// With the token of the request that looked, which may be older than those of the requests that share its result.
        indirect case settled(Replica, Outcome, HotIndex.Token)
        /// With the news from before that was found.
        case pending(ReplicaWaiters.News)
        case queueFull
        /// This network has used up its budget.
        case overBudget(ClientNetwork?)
    }

    /// What a request has read of its replica on its way here.
    struct Reading: Sendable {
        let replica: Replica?
        /// ``landed(_:)``, from before the state was read.
        let landed: Int
    }

    /// How long a lookup may take: longer than any healthy pool needs.
    private static let life = Duration.seconds(10)

    private let state: HotIndex
    private let waiters: ReplicaWaiters
    private let backfill: Backfill
    private let coldClaims: ColdClaims
    private let desk: LeaseDesk
    private let clock: any MirrorClock
    private let flights = SingleFlight<ReplicaID, Finding>(goesOnAlone: true)
    /// Those that claim nothing.
    private let plainFlights = SingleFlight<ReplicaID, Finding?>(goesOnAlone: true)
    private let looks = LookCount(limit: 4_000)
    private let landings = Mutex(ReplicaCounts())

    init(
        state: HotIndex, waiters: ReplicaWaiters, backfill: Backfill, coldClaims: ColdClaims, desk: LeaseDesk, clock: any MirrorClock
    ) {
        self.state = state
        self.waiters = waiters
        self.backfill = backfill
        self.coldClaims = coldClaims
        self.desk = desk
        self.clock = clock
    }

    /// How many lookups of the replica have ended. While it does not change, no other request has changed the replica here.
    func landed(_ id: ReplicaID) -> Int { landings.withLock { $0[id] } }

    /// Looks in the pool and claims the artifact, and keeps this request's query for the copy.
    ///
    /// - Parameter reading: What the request has read of its replica, if anything.
    func find(_ request: PendingRequest, _ reading: Reading? = nil) async throws -> Finding {
        var finding = try await flights.run(request.id) { try await self.lookAndClaimInTime(request, reading) }
        // The first request's budget says nothing about the others'.
        if case .overBudget(let network) = finding, network != request.network { finding = try await lookAndClaimInTime(request, nil) }
        // The kept query comes from an earlier claim, or was dropped when the previous copy ended.
        if case .pending = finding, let query = request.source.query, try await state.query(for: request.id) != query,
            mayReplaceQuery(request.network)
        {
            try await state.keepQuery(query, for: request.id)
        }
        return finding
    }

    /// Whether a network may replace the query that the copy uses: anybody can make up signatures, which the origin would refuse.
    ///
    /// A request that may not do so is not refused, nor counted as refused: it waits for the copy as it is.
    private func mayReplaceQuery(_ network: ClientNetwork?) -> Bool {
        if let network, coldClaims.isSpent(network) { return false }
        return coldClaims.spend(network)
    }

    /// Looks in the pool for an artifact that is not to be copied.
    ///
    /// - Returns: `nil` if the pool does not have it, or if too many are being looked for.
    func look(for request: PendingRequest) async throws -> Finding? {
        try await plainFlights.run(request.id) {
            try await self.inTime(request, else: Finding?.none) {
                try await self.backfill.record(request.id, in: request.pool).map { Finding.settled($0, .backfill, request.token) }
            }
        }
    }

    private func lookAndClaimInTime(_ request: PendingRequest, _ reading: Reading?) async throws -> Finding {
        try await inTime(request, else: .queueFull) { try await self.lookAndClaim(request, reading) }
    }

    /// - Parameter refusal: What stands for the finding if too many are being looked for.
    private func inTime<Found: Sendable>(
        _ request: PendingRequest, else refusal: Found, _ look: @escaping @Sendable () async throws -> Found
    ) async throws -> Found {
        guard looks.begin(in: request.pool.id) else { return refusal }
        let finding = try await leaving(after: Self.life, by: clock) {
            // When the lookup itself ends, even if nobody has waited for it for a long time.
            defer {
                self.landings.withLock { $0.count(request.id) }
                self.looks.end(in: request.pool.id)
            }
            return try await look()
        }
        guard let finding else {
            throw StorageError(.timedOut, "neither pool nor state answered within \(Self.life)", operation: "probe")
        }
        return finding
    }

    private func lookAndClaim(_ request: PendingRequest, _ reading: Reading?) async throws -> Finding {
        let news = waiters.news(of: request.id)
        // Another request may have changed the state between this request's reading and its turn.
        let current = if let reading, reading.landed == landed(request.id) { reading.replica } else { try await state.replica(request.id) }
        switch current?.status {
        case .present: if let current { return .settled(current, .hit, request.token) }
        case .pending:
            // A shared state may have lost the job; claiming it again queues it again.
            if case .exists(let replica) = try await state.claim(request.id), replica.state != .pending {
                return .settled(replica, .hit, request.token)
            }
            return .pending(news)
        case .error, .removing, nil: break
        }
        guard coldClaims.spend(request.network) else { return .overBudget(request.network) }
        // If the state was lost, that costs one HEAD for each object, never a second copy.
        if let replica = try await backfill.record(request.id, in: request.pool) { return .settled(replica, .backfill, request.token) }
        // Before the claim, which a remembered refusal of another query would prevent.
        if let query = request.source.query { try await state.keepQuery(query, for: request.id) }
        coldClaims.expect(request.id, for: request.network, at: clock.now)
        // Before the claim, too: a worker may begin at once.
        let span = MirrorSpan.current
        let isTraced = span.map { $0.tracer.claims.note(request.id, by: $0) } ?? false
        let claim = try await desk.claim(request.id, in: state)
        if claim == .claimed {
            await coldClaims.confirm(request.id, state)
        } else {
            coldClaims.forget(request.id)
            if isTraced { span?.tracer.claims.forget(request.id) }
        }
        switch claim {
        case .claimed: return .pending(news)
        case .queueFull: return .queueFull
        case .exists(let replica): return replica.state == .pending ? .pending(news) : .settled(replica, .hit, request.token)
        }
    }
}
