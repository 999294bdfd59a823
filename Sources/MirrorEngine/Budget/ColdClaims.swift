package import Logging
package import MirrorCore
package import MirrorState
import Synchronization

/// The budget that each client network has for what is not there yet: it stands in front of every write and every call to a pool or an origin that a request for
/// such an artifact causes (decision 0015).
///
/// Whoever joins a copy that is queued or under way spends nothing. What a copy has turned out to hold is charged to the network that claimed it, when its end is
/// told: by whichever process it was made.
package final class ColdClaims: Sendable {
    private struct State {
        var table = BudgetTable()
        /// Who claimed what is being copied, by the hash of the replica's name: the name itself may be long.
        var claimants = RecentEntries<Int, ClientNetwork>(capacity: 100_000)
        var notice = Notice()
    }

    /// One line of the log in a while, however many are refused.
    private struct Notice {
        static let interval = Duration.seconds(10)
        var last: ContinuousClock.Instant?
        var count = 0

        /// - Returns: How many were refused since the line before; `nil` when it is too soon for another.
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
    /// - Parameter client: `nil` for what an admin asks for, which costs nothing.
    /// - Returns: Whether it was there to be spent.
    package func spend(_ client: ClientNetwork?) -> Bool {
        guard let client else { return true }
        let (limits, now) = (limits.value, clock.instant)
        let (refusal, refused) = state.withLock { state in
            let refusal = state.table.claim(client, limits, at: now)
            return (refusal, refusal == nil ? nil : state.notice.count(at: now))
        }
        guard let refusal else { return true }
        metrics.countOverBudget(refusal)
        if let refused {
            logger.notice(
                "a client network has used up its budget for artifacts without a copy: it is redirected to the origins",
                metadata: ["network": "\(client)", "budget": "\(refusal.rawValue)", "refused": .stringConvertible(refused)])
        }
        return false
    }

    /// Whether a network has nothing left to spend.
    package func isSpent(_ client: ClientNetwork) -> Bool {
        let (limits, now) = (limits.value, clock.instant)
        return state.withLock { $0.table.refusal(of: client, limits, at: now) } != nil
    }

    /// Networks that have nothing left to spend.
    package var spent: [ClientNetwork] {
        let (limits, now) = (limits.value, clock.instant)
        return state.withLock { $0.table.refused(limits, at: now) }
    }

    // MARK: What copies turn out to hold

    /// Says for whom a replica is claimed. To be called before that is done, as the copy may be quick.
    func expect(_ id: ReplicaID, for client: ClientNetwork?) {
        guard let client else { return }
        state.withLock { $0.claimants.insert(client, for: id.hashValue) }
    }

    /// The claim was not made.
    func forget(_ id: ReplicaID) {
        state.withLock { _ = $0.claimants.remove(id.hashValue) }
    }

    /// Charges copies to those who claimed them, until the store closes or the task is cancelled.
    ///
    /// A copy that failed is not charged for its bytes, which nobody states: it has cost its claim.
    package func run(_ changes: AsyncStream<ReplicaChange>) async {
        for await change in changes {
            guard case .replica(let id, let replica) = change, replica?.status != .pending else { continue }
            let (limits, now) = (limits.value, clock.instant)
            state.withLock { state in
                guard !state.claimants.isEmpty, let client = state.claimants.remove(id.hashValue),
                    case .present(let object) = replica?.status
                else { return }
                state.table.charge(object.size, to: client, limits, at: now)
            }
        }
    }
}
