import MirrorCore
import MirrorState

/// A state store around another one that remembers what it was asked, and does what a test wants before or after a call.
final class ScriptedStateStore: StateStore, SelectiveStateStore {
    enum Call: Sendable, Hashable, CaseIterable {
        case replica, claim, keepQuery, query, recordPresent, lease, nextDue, extend, confirmLease, finish, touch, describe, mark,
            beginRemoval,
            confirm, endRemoval, handBack, moment, forgetErrors
        case time, leastRecentlyUsed, abandonedRemovals, replicas, totals, lanes
    }

    typealias Hook = @Sendable () async throws -> Void

    private struct Script: Sendable {
        var counts: [Call: Int] = [:]
        var results: [CopyResult] = []
        var uses: [[ReplicaUse]] = []
        var before: [Call: Hook] = [:]
        var after: [Call: Hook] = [:]
    }

    private let base: any StateStore
    private let script = Watched(Script())

    init(_ base: any StateStore) {
        self.base = base
    }

    // MARK: The script

    func before(_ calls: Call..., do hook: @escaping Hook) {
        script.change { script in for call in calls { script.before[call] = hook } }
    }

    func after(_ calls: Call..., do hook: @escaping Hook) {
        script.change { script in for call in calls { script.after[call] = hook } }
    }

    /// Every call fails from now on, until ``heal()``.
    func fail(_ code: StateError.Code = .unavailable) {
        script.change { script in
            for call in Call.allCases { script.before[call] = { throw StateError(code, "scripted") } }
        }
    }

    func heal() {
        script.change { script in
            script.before = [:]
            script.after = [:]
        }
    }

    // MARK: What was seen

    func count(_ call: Call) -> Int { script.current.counts[call, default: 0] }

    /// Returns once `call` was made `count` times since the start.
    func calls(_ call: Call, _ count: Int) async throws {
        try await script.until { $0.counts[call, default: 0] >= count }
    }

    /// What copy jobs ended with, also where the store refused it.
    var results: [CopyResult] { script.current.results }

    func results(_ count: Int) async throws -> [CopyResult] {
        try await script.until { $0.results.count >= count }
        return results
    }

    /// Of each call of `touch`.
    var uses: [[ReplicaUse]] { script.current.uses }

    private func run<Result: Sendable>(_ call: Call, _ operation: () async throws -> Result) async throws -> Result {
        let (before, after) = script.change { script in
            script.counts[call, default: 0] += 1
            return (script.before[call], script.after[call])
        }
        try await before?()
        let result = try await operation()
        try await after?()
        return result
    }

    // MARK: StateStore

    func replica(_ id: ReplicaID) async throws -> Replica? { try await run(.replica) { try await base.replica(id) } }

    func claim(_ id: ReplicaID, leasing terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?) {
        try await run(.claim) { try await base.claim(id, leasing: terms) }
    }

    func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws {
        try await run(.keepQuery) { try await base.keepQuery(query, for: id) }
    }

    func query(for id: ReplicaID) async throws -> FetchQuery? { try await run(.query) { try await base.query(for: id) } }

    func moment(in pool: PoolID) async throws -> PoolMoment { try await run(.moment) { try await base.moment(in: pool) } }

    func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica? {
        try await run(.recordPresent) { try await base.recordPresent(id, object, seenSince: moment) }
    }

    func lease(_ terms: LeaseTerms) async throws -> LeaseOutcome { try await run(.lease) { try await base.lease(terms) } }

    func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try await run(.nextDue) { try await base.nextDue(pools: pools, passingOver: lanes) }
    }

    func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease {
        try await run(.extend) { try await base.extend(lease, duration: duration) }
    }

    func confirm(_ lease: CopyLease) async throws { try await run(.confirmLease) { try await base.confirm(lease) } }

    func finish(_ lease: CopyLease, _ result: CopyResult, leasing terms: LeaseTerms?) async throws -> LeaseOutcome? {
        // Remembered when it is over, so that whoever waits for it sees what it did.
        defer { script.change { $0.results.append(result) } }
        return try await run(.finish) { try await base.finish(lease, result, leasing: terms) }
    }

    func touch(_ uses: [ReplicaUse]) async throws {
        script.change { $0.uses.append(uses) }
        try await run(.touch) { try await base.touch(uses) }
    }

    func describe(_ id: ReplicaID, _ object: StoredObject) async throws { try await run(.describe) { try await base.describe(id, object) } }

    func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        try await run(.mark) { try await base.mark(ids, unusedSince: unusedSince) }
    }

    func beginRemoval(_ id: ReplicaID, _ condition: RemovalCondition, duration: Duration) async throws -> Removal? {
        try await run(.beginRemoval) { try await base.beginRemoval(id, condition, duration: duration) }
    }

    func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal] {
        try await run(.confirm) { try await base.confirm(removals, duration: duration) }
    }

    func endRemoval(_ removal: Removal) async throws -> Bool { try await run(.endRemoval) { try await base.endRemoval(removal) } }

    func handBack(_ removal: Removal) async throws { try await run(.handBack) { try await base.handBack(removal) } }

    func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        try await run(.forgetErrors) { try await base.forgetErrors(before: before, limit: limit) }
    }

    func time(in pool: PoolID) async throws -> Timestamp { try await run(.time) { try await base.time(in: pool) } }

    func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        try await run(.leastRecentlyUsed) { try await base.leastRecentlyUsed(in: pool, after: after, limit: limit) }
    }

    func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID] {
        try await run(.abandonedRemovals) { try await base.abandonedRemovals(in: pool, limit: limit) }
    }

    func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        try await run(.replicas) { try await base.replicas(in: pool, state: state, after: after, limit: limit) }
    }

    func totals(of pool: PoolID) async throws -> PoolTotals { try await run(.totals) { try await base.totals(of: pool) } }

    func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals] {
        try await run(.lanes) { try await base.lanes(in: pool, limit: limit) }
    }

    func changes() async -> AsyncStream<ReplicaChange> { await base.changes() }

    func changes(of interest: ChangeInterest) async -> AsyncStream<ReplicaChange> { await base.selectedChanges(of: interest) }

    func close() async { await base.close() }
}
