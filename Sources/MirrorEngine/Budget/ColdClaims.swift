package import Logging
package import MirrorCore
package import MirrorState
import Synchronization

/// The budget of each client network for artifacts without a copy. It is checked before every write, and every call to a pool or an origin, that a
/// request for such an artifact causes (decision 0015).
///
/// Joining a copy that is queued or running costs nothing. The actual size of a copy is charged to the network that claimed it when the state reports
/// its end, whichever process made it.
package final class ColdClaims: Sendable {
    private struct State {
        var table = BudgetTable()
        /// Who claimed each copy, by the hash of the replica's name, because the name itself may be long.
        var claimants = RecentEntries<Int, Claimant>(capacity: 100_000)
        var notice = Notice()

        /// - Returns: Whether the state has to be read to know what has become of the copy.
        mutating func change(_ id: ReplicaID, _ change: (inout AwaitedCopy) -> Bool) -> Bool {
            guard !claimants.isEmpty, var claimant = claimants[id.hashValue] else { return false }
            defer { claimants.insert(claimant, for: id.hashValue) }
            return change(&claimant.copy)
        }
    }

    /// A network that has claimed a copy, or is about to.
    private struct Claimant {
        let network: ClientNetwork
        var copy: AwaitedCopy
    }

    /// Limits the log to one line per interval, however many claims are refused.
    private struct Notice {
        static let interval = Duration.seconds(10)
        var last: ContinuousClock.Instant?
        var count = 0

        /// - Returns: How many were refused since the last line; `nil` if it is too soon for another.
        mutating func count(at now: ContinuousClock.Instant) -> Int? {
            count += 1
            if let last, last.duration(to: now) < Self.interval { return nil }
            last = now
            defer { count = 0 }
            return count
        }
    }

    private let state = Mutex(State())
    private let limits: Reloadable<ColdClaimLimits>
    private let metrics: EngineMetrics
    private let clock: any MonotonicClock
    private let logger: Logger

    package init(_ limits: ColdClaimLimits, metrics: EngineMetrics, clock: any MonotonicClock, logger: Logger) {
        self.limits = Reloadable(limits)
        self.metrics = metrics
        self.clock = clock
        self.logger = logger
    }

    func reload(_ limits: ColdClaimLimits) {
        self.limits.replace(with: limits)
    }

    /// Spends one claim.
    ///
    /// - Parameter client: `nil` for an admin's request, which costs nothing.
    /// - Returns: Whether the network had a claim left.
    package func spend(_ client: ClientNetwork?) -> Bool {
        guard let client else { return true }
        let (limits, now) = (limits.value, clock.instant)
        let (refusal, refused) = state.withLock { state in
            let refusal = state.table.claim(client, limits, at: now)
            return (refusal, refusal == nil ? nil : state.notice.count(at: now))
        }
        guard let refusal else { return true }
        metrics.countOverBudget(refusal)
        if let refused { logRefusal(of: client, refusal, refused) }
        return false
    }

    private func logRefusal(of client: ClientNetwork, _ refusal: BudgetTable.Refusal, _ count: Int) {
        logger.notice(
            "a client network has used up its budget for artifacts without a copy: its clients are redirected to the origins",
            metadata: ["network": "\(client)", "budget": "\(refusal.rawValue)", "refused": .stringConvertible(count)])
    }

    /// Whether a network has nothing left to spend.
    package func isSpent(_ client: ClientNetwork) -> Bool {
        let (limits, now) = (limits.value, clock.instant)
        return state.withLock { $0.table.refusal(of: client, limits, at: now) } != nil
    }

    /// Whether a network may still be sent bytes of artifacts: its claims have nothing to do with that.
    package func mayReceive(_ client: ClientNetwork) -> Bool {
        let (limits, now) = (limits.value, clock.instant)
        let (mayReceive, refused) = state.withLock { state in
            let mayReceive = state.table.hasBytes(client, limits, at: now)
            return (mayReceive, mayReceive ? nil : state.notice.count(at: now))
        }
        guard !mayReceive else { return true }
        metrics.countOverBudget(.bytes)
        if let refused { logRefusal(of: client, .bytes, refused) }
        return false
    }

    /// Charges bytes that the mirror has sent to a client of a network in place of the pool.
    package func charge(_ bytes: Int64, to client: ClientNetwork) {
        let (limits, now) = (limits.value, clock.instant)
        guard limits.bytes != nil else { return }
        state.withLock { $0.table.charge(bytes, to: client, limits, at: now) }
    }

    /// Networks that have nothing left to spend.
    package var spent: [ClientNetwork] {
        let (limits, now) = (limits.value, clock.instant)
        return state.withLock { $0.table.refused(limits, at: now) }
    }

    // MARK: The actual sizes of copies

    /// Notes which network is about to claim a replica. Must be called before the claim, because the copy may be quick. ``confirm(_:_:)`` or
    /// ``forget(_:)`` follows.
    func expect(_ id: ReplicaID, for client: ClientNetwork?, at time: Timestamp) {
        guard let client else { return }
        state.withLock { $0.claimants.insert(Claimant(network: client, copy: AwaitedCopy(since: time)), for: id.hashValue) }
    }

    /// The claim was made.
    func confirm(_ id: ReplicaID, _ store: any StateStore) async {
        if state.withLock({ $0.change(id) { $0.claim() } }) { await look(for: id, store) }
    }

    /// Undoes ``expect(_:for:at:)`` if the claim was not made.
    func forget(_ id: ReplicaID) {
        state.withLock { _ = $0.claimants.remove(id.hashValue) }
    }

    /// Charges copies to the networks that claimed them, until the store closes or the task is cancelled.
    ///
    /// A failed copy costs only its claim, because its bytes are not known.
    package func run(_ changes: AsyncStream<ReplicaChange>, _ store: any StateStore) async {
        for await change in changes {
            switch change {
            case .replica(_, let replica) where replica?.state == .pending: break
            case .replica(let id, let replica): if !hasArrived(id, replica) { await lookAfterNews(of: id, store) }
            case .stale(let id): await lookAfterNews(of: id, store)
            case .everything, .staleName, .interrupted: break
            }
        }
    }

    /// Charges the copy that was claimed if this is news of it.
    private func hasArrived(_ id: ReplicaID, _ replica: Replica?) -> Bool {
        let (limits, now) = (limits.value, clock.instant)
        return state.withLock { state in
            guard !state.claimants.isEmpty, let claimant = state.claimants[id.hashValue], let object = claimant.copy.object(in: replica)
            else { return false }
            _ = state.claimants.remove(id.hashValue)
            state.table.charge(object.size, to: claimant.network, limits, at: now)
            return true
        }
    }

    private func lookAfterNews(of id: ReplicaID, _ store: any StateStore) async {
        if state.withLock({ $0.change(id) { $0.noteNews() } }) { await look(for: id, store) }
    }

    private func look(for id: ReplicaID, _ store: any StateStore) async {
        let replica: Replica?
        // While the state is away, the claim is remembered: there may be more news.
        do { replica = try await store.replica(id) } catch { return }
        let (limits, now) = (limits.value, clock.instant)
        state.withLock { state in
            guard replica?.state != .pending, let claimant = state.claimants.remove(id.hashValue),
                case .present(let object) = replica?.status
            else { return }
            state.table.charge(object.size, to: claimant.network, limits, at: now)
        }
    }
}
