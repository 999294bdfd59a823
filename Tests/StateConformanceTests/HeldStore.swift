import MirrorCore
import MirrorState
import Synchronization

/// A state store around another one whose answers to ``replica(_:)`` can be held back after they were read, which counts them, and which
/// can be made to fail after a change was made.
final class HeldStore: StateStore {
    private struct State {
        var reads = 0
        var isHolding = false
        var failsAfterChanges = false
        var held: [CheckedContinuation<Void, Never>] = []
    }

    let base: any StateStore
    private let broadcaster: ChangeBroadcaster?
    private let state = Mutex(State())
    /// One element for each answer that is held back.
    let holds: AsyncStream<Void>
    private let holdsContinuation: AsyncStream<Void>.Continuation

    /// - Parameter changes: Told in place of the base store's changes.
    init(_ base: any StateStore, changes: ChangeBroadcaster? = nil) {
        self.base = base
        broadcaster = changes
        (holds, holdsContinuation) = AsyncStream.makeStream()
    }

    var reads: Int { state.withLock { $0.reads } }

    func hold() { state.withLock { $0.isHolding = true } }

    func failAfterChanges() { state.withLock { $0.failsAfterChanges = true } }

    func release() {
        let held = state.withLock { state in
            state.isHolding = false
            defer { state.held = [] }
            return state.held
        }
        for continuation in held { continuation.resume() }
    }

    /// Returns once an answer is held back.
    func untilHeld() async {
        for await _ in holds { return }
    }

    func replica(_ id: ReplicaID) async throws -> Replica? {
        let replica = try await base.replica(id)
        await withCheckedContinuation { continuation in
            let isHeld = state.withLock { state in
                state.reads += 1
                if state.isHolding { state.held.append(continuation) }
                return state.isHolding
            }
            if isHeld { holdsContinuation.yield() } else { continuation.resume() }
        }
        return replica
    }

    private func failIfAsked() throws {
        if state.withLock({ $0.failsAfterChanges }) { throw StateError(.unavailable, "the answer was lost") }
    }

    func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        let marked = try await base.mark(ids, unusedSince: unusedSince)
        try failIfAsked()
        return marked
    }

    func beginRemovals(_ wanted: [WantedRemoval], duration: Duration) async throws -> [Removal?] {
        let removals = try await base.beginRemovals(wanted, duration: duration)
        try failIfAsked()
        return removals
    }

    func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal] {
        try await base.confirm(removals, duration: duration)
    }

    func endRemovals(_ removals: [Removal]) async throws -> [RemovalEnd] { try await base.endRemovals(removals) }

    func handBack(_ removal: Removal) async throws { try await base.handBack(removal) }

    func moment(in pool: PoolID) async throws -> PoolMoment { try await base.moment(in: pool) }

    func time(in pool: PoolID) async throws -> Timestamp { try await base.time(in: pool) }

    func claim(_ id: ReplicaID, leasing terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?) {
        try await base.claim(id, leasing: terms)
    }

    func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws { try await base.keepQuery(query, for: id) }

    func query(for id: ReplicaID) async throws -> FetchQuery? { try await base.query(for: id) }

    func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica? {
        try await base.recordPresent(id, object, seenSince: moment)
    }

    func lease(_ terms: LeaseTerms) async throws -> LeaseOutcome { try await base.lease(terms) }

    func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try await base.nextDue(pools: pools, passingOver: lanes)
    }

    func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease { try await base.extend(lease, duration: duration) }

    func confirm(_ lease: CopyLease) async throws { try await base.confirm(lease) }

    func finish(_ lease: CopyLease, _ result: CopyResult, leasing terms: LeaseTerms?) async throws -> LeaseOutcome? {
        try await base.finish(lease, result, leasing: terms)
    }

    func describe(_ id: ReplicaID, _ object: StoredObject) async throws { try await base.describe(id, object) }

    func touch(_ uses: [ReplicaUse]) async throws { try await base.touch(uses) }

    func forgetErrors(before: Timestamp, limit: Int) async throws -> Int { try await base.forgetErrors(before: before, limit: limit) }

    func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        try await base.leastRecentlyUsed(in: pool, after: after, limit: limit)
    }

    func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID] {
        try await base.abandonedRemovals(in: pool, limit: limit)
    }

    func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        try await base.replicas(in: pool, state: state, after: after, limit: limit)
    }

    func totals(of pool: PoolID) async throws -> PoolTotals { try await base.totals(of: pool) }

    func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals] { try await base.lanes(in: pool, limit: limit) }

    func changes() async -> AsyncStream<ReplicaChange> {
        if let broadcaster { return broadcaster.stream() }
        return await base.changes()
    }

    func close() async { await base.close() }
}
