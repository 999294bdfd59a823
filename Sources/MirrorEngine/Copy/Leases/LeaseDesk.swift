import MirrorCore
import MirrorState
import Synchronization

/// Where the tasks of a process take turns to lease copy jobs, so that no slot is filled twice.
///
/// Mostly it is the turn of ``CopyWorkers``, which look for due jobs when they are woken. While they have nothing to do, a request that claims a replica
/// leases the next job in the same call to the state, and so does a copy that ends. Both ask for whatever job is next, so the order of jobs, the shares of
/// origins and the rules for unfinished jobs are the same as for the workers.
package final class LeaseDesk: Sendable {
    /// The workers that make the copies.
    struct Workers: Sendable {
        let slots: CopySlots
        let name: String
        /// How long a lease lasts.
        let lease: Duration
        let clock: any MirrorClock
        /// Wakes them.
        let wake: Signal
    }

    /// What the workers have to do.
    struct Errands {
        /// Copies that have a slot and were not started yet.
        var copies: [CopySlots.Copy] = []
        /// Jobs that were set aside.
        var setAside: [(id: ReplicaID, failure: CopyFailure)] = []
        /// Nothing else has happened than a lease that found no job due, and when the first one is.
        var found: LeaseOutcome?
        /// Whether a job may be due beside these.
        var hasNews = false
    }

    /// For which pools the workers lease jobs, and until when that is known; `nil` for always.
    struct Duty: Sendable {
        let pools: Set<PoolID>
        let validUntil: ContinuousClock.Instant?
    }

    /// A claim that leases a job.
    fileprivate struct LeasingClaim {
        let id: ReplicaID
        var isAnnounced = false
    }

    fileprivate struct State {
        /// Set while jobs are leased at all.
        var workers: Workers?
        var duty: Duty?
        /// Since the duty was noted.
        var time: TimeOfDayWatch?
        var isTaken = false
        /// The workers, when they wait for their turn.
        var waiter: CheckedContinuation<Void, Never>?
        /// Whether the workers have found nothing to do, and wait.
        var isIdle = false
        var claim: LeasingClaim?
        /// Replicas whose job was leased together with their claim, and whose change has not been reported yet.
        var unannounced: Set<ReplicaID> = []
        var errands = Errands()
        var hasNews = false
    }

    /// A change that is never reported is forgotten with the others when there are more than these.
    fileprivate static let maxUnannounced = 1_000

    private let state = Mutex(State())

    package init() {}

    // MARK: For requests and copies

    /// Claims a replica, and leases the next job at the same time if a slot is free for it.
    func claim(_ id: ReplicaID, in store: any StateStore) async throws -> Claim {
        guard let terms = begin(claiming: id) else { return try await store.claim(id) }
        do {
            let (claim, outcome) = try await store.claim(id, leasing: terms)
            await end(outcome, isNews: claim == .claimed && outcome == nil, in: store)
            return claim
        } catch {
            await end(nil, isNews: true, in: store)
            throw error
        }
    }

    /// Ends a copy, and leases the next job at the same time if the slot is free for it then.
    func finish(_ copy: CopySlots.Copy, _ result: CopyResult, in store: any StateStore) async throws {
        guard let terms = begin(ending: copy, result) else { return try await store.finish(copy.lease, result) }
        do {
            let outcome = try await store.finish(copy.lease, result, leasing: terms)
            state.withLock { $0.workers }?.slots.end(copy)
            await end(outcome, isNews: outcome == nil, in: store)
        } catch {
            await end(nil, isNews: true, in: store)
            throw error
        }
    }

    private func begin(claiming id: ReplicaID) -> LeaseTerms? {
        state.withLock { state in
            guard state.isIdle, let terms = state.terms(), terms.pools.contains(id.pool) else { return nil }
            state.isTaken = true
            state.claim = LeasingClaim(id: id)
            return terms
        }
    }

    private func begin(ending copy: CopySlots.Copy, _ result: CopyResult) -> LeaseTerms? {
        state.withLock { state in
            guard result != .handBack, let terms = state.terms(ending: copy) else { return nil }
            state.isTaken = true
            return terms
        }
    }

    /// - Parameter outcome: `nil` if the state did not look for a job, or did not answer.
    /// - Parameter isNews: Whether the workers have to look for one.
    private func end(_ outcome: LeaseOutcome?, isNews: Bool, in store: any StateStore) async {
        let (waiter, wake, orphan) = state.withLock { state in
            if isNews { state.hasNews = true }
            return state.end(outcome)
        }
        waiter?.resume()
        wake?.notify()
        // The workers ended in the meantime. Without this, the attempt would count as one that never ended.
        if let orphan { _ = await uncancelled { try? await store.finish(orphan, .handBack) } }
    }

    // MARK: For the workers

    func open(_ workers: Workers) {
        state.withLock { $0.workers = workers }
    }

    /// From now on no job is leased here.
    ///
    /// - Returns: Copies that were not started.
    func close() -> [CopySlots.Copy] {
        state.withLock { state in
            let copies = state.errands.copies
            state = State(isTaken: state.isTaken, waiter: state.waiter)
            return copies
        }
    }

    /// Waits for the workers' turn; ``giveBack()`` must follow.
    func take() async {
        await withCheckedContinuation { continuation in
            let isFree = state.withLock { state in
                state.isIdle = false
                if state.isTaken { state.waiter = continuation } else { state.isTaken = true }
                return state.waiter == nil
            }
            if isFree { continuation.resume() }
        }
    }

    func giveBack() {
        state.withLock { $0.isTaken = false }
    }

    /// Notes for which pools the workers lease jobs.
    func note(_ duty: Duty) {
        state.withLock { state in
            state.duty = duty
            state.time = state.workers.map { TimeOfDayWatch($0.clock) }
        }
    }

    /// The workers have found nothing that is due, and are about to wait.
    func rest() {
        state.withLock { $0.isIdle = true }
    }

    /// Whether the workers have nothing to do.
    var isResting: Bool { state.withLock { $0.isIdle } }

    /// Copies that were leased in passing, to be started before the workers' turn: so that more can be leased in passing meanwhile.
    func takeCopies() -> [CopySlots.Copy] {
        state.withLock { state in
            defer { state.errands.copies = [] }
            return state.errands.copies
        }
    }

    func takeErrands() -> Errands {
        state.withLock { state in
            var errands = state.errands
            errands.hasNews = state.hasNews
            if state.hasNews { errands.found = nil }
            state.errands = Errands()
            state.hasNews = false
            return errands
        }
    }

    /// Wakes the workers, because a job may be due or a slot free.
    func wake() {
        state.withLock { state in
            state.hasNews = true
            return state.workers?.wake
        }?.notify()
    }

    /// Wakes the workers after a change that may make a job due, unless its job was leased together with its claim.
    func notice(_ change: ReplicaChange) {
        switch change {
        case .everything, .stale, .staleName, .interrupted:
            state.withLock { $0.unannounced = [] }
            wake()
        case .replica(let id, let replica):
            guard replica?.state == .pending, !state.withLock({ $0.announce(id) }) else { return }
            wake()
        }
    }
}

extension LeaseDesk.State {
    /// The terms by which a job may be leased now; `nil` if none may be.
    ///
    /// - Parameter ending: A copy that is about to leave its slot.
    fileprivate mutating func terms(ending copy: CopySlots.Copy? = nil) -> LeaseTerms? {
        // By the new time, the leases of this process may seem to have expired. The workers renew them first.
        if time?.wasSet() == true { duty = nil }
        guard !isTaken, let workers, let duty, duty.validUntil.map({ workers.clock.instant < $0 }) ?? true,
            case .lease(let choices) = workers.slots.turn(ending: copy)
        else { return nil }
        return LeaseTerms(pools: duty.pools, passingOver: choices, worker: workers.name, duration: workers.lease)
    }

    fileprivate mutating func end(
        _ outcome: LeaseOutcome?
    ) -> (waiter: CheckedContinuation<Void, Never>?, wake: Signal?, orphan: CopyLease?) {
        let claim = claim
        self.claim = nil
        var orphan: CopyLease?
        switch outcome {
        case .leased(let lease):
            if let workers {
                errands.copies.append(workers.slots.begin(lease, CopyProgress(clock: workers.clock)))
            } else {
                orphan = lease
            }
            // After the end of a copy, further slots and jobs may be free; and the job of a claim waits if another was leased.
            if claim?.id != lease.id { hasNews = true }
            if let claim, claim.id == lease.id, !claim.isAnnounced {
                if unannounced.count >= LeaseDesk.maxUnannounced { unannounced = [] }
                unannounced.insert(claim.id)
            }
        case .setAside(let id, let failure):
            errands.setAside.append((id, failure))
            hasNews = true
        case .notDue:
            errands.found = outcome
        case nil:
            break
        }
        // The workers get the turn that they wait for.
        isTaken = waiter != nil
        defer { waiter = nil }
        return (waiter, workers?.wake, orphan)
    }

    /// - Returns: Whether the change of a claim needs no notice.
    fileprivate mutating func announce(_ id: ReplicaID) -> Bool {
        guard claim?.id == id else { return unannounced.remove(id) != nil }
        claim?.isAnnounced = true
        return true
    }
}
