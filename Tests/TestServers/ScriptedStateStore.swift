package import MirrorCore
package import MirrorState

/// A state store around another one that remembers what it was asked, and does what a test wants before or after a call.
package final class ScriptedStateStore: StateStore, SelectiveStateStore, LimitedStateStore {
    package enum Call: Sendable, Hashable, CaseIterable {
        case replica, replicaInTime, claim, keepQuery, query, recordPresent, lease, nextDue, extend, confirmLease, finish, touch, describe,
            mark, beginRemovals,
            confirm, endRemovals, handBack, moment, forgetErrors
        case time, leastRecentlyUsed, abandonedRemovals, replicas, totals, lanes
    }

    package typealias Hook = @Sendable () async throws -> Void

    private struct Script: Sendable {
        var counts: [Call: Int] = [:]
        var results: [CopyResult] = []
        var uses: [[ReplicaUse]] = []
        var answerLimit: Duration?
        var limits: [Duration] = []
        var before: [Call: Hook] = [:]
        var after: [Call: Hook] = [:]
    }

    private let base: any StateStore
    private let script = WatchedState(Script())

    package init(_ base: any StateStore) {
        self.base = base
    }

    // MARK: The script

    package func before(_ calls: Call..., do hook: @escaping Hook) {
        script.change { script in for call in calls { script.before[call] = hook } }
    }

    package func after(_ calls: Call..., do hook: @escaping Hook) {
        script.change { script in for call in calls { script.after[call] = hook } }
    }

    /// Says that calls wait no longer than that. They wait as long as a test makes them wait.
    package func limitAnswers(to limit: Duration) { script.change { $0.answerLimit = limit } }

    /// Every call fails from now on, until ``heal()``.
    package func fail(_ code: StateError.Code = .unavailable) {
        script.change { script in
            for call in Call.allCases { script.before[call] = { throw StateError(code, "scripted") } }
        }
    }

    package func heal() {
        script.change { script in
            script.before = [:]
            script.after = [:]
        }
    }

    // MARK: What was seen

    package func count(_ call: Call) -> Int { script.current.counts[call, default: 0] }

    /// Returns once `call` was made `count` times since the start.
    package func calls(_ call: Call, _ count: Int) async throws {
        try await script.value { $0.counts[call, default: 0] >= count ? () : nil }
    }

    /// What copy jobs ended with, also where the store refused it.
    package var results: [CopyResult] { script.current.results }

    package func results(_ count: Int) async throws -> [CopyResult] {
        try await script.value { $0.results.count >= count ? $0.results : nil }
    }

    /// Of each call of `touch`.
    package var uses: [[ReplicaUse]] { script.current.uses }

    /// Of each call of `replica` that had one.
    package var limits: [Duration] { script.current.limits }

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

    package func replica(_ id: ReplicaID) async throws -> Replica? { try await run(.replica) { try await base.replica(id) } }

    package var answerLimit: Duration? { script.current.answerLimit }

    package func replica(_ id: ReplicaID, within limit: Duration) async throws -> Replica? {
        script.change { $0.limits.append(limit) }
        return try await run(.replicaInTime) { try await base.replica(id) }
    }

    package func claim(_ id: ReplicaID, leasing terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?) {
        try await run(.claim) { try await base.claim(id, leasing: terms) }
    }

    package func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws {
        try await run(.keepQuery) { try await base.keepQuery(query, for: id) }
    }

    package func query(for id: ReplicaID) async throws -> FetchQuery? { try await run(.query) { try await base.query(for: id) } }

    package func moment(in pool: PoolID) async throws -> PoolMoment { try await run(.moment) { try await base.moment(in: pool) } }

    package func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica? {
        try await run(.recordPresent) { try await base.recordPresent(id, object, seenSince: moment) }
    }

    package func lease(_ terms: LeaseTerms) async throws -> LeaseOutcome { try await run(.lease) { try await base.lease(terms) } }

    package func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try await run(.nextDue) { try await base.nextDue(pools: pools, passingOver: lanes) }
    }

    package func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease {
        try await run(.extend) { try await base.extend(lease, duration: duration) }
    }

    package func confirm(_ lease: CopyLease) async throws { try await run(.confirmLease) { try await base.confirm(lease) } }

    package func finish(_ lease: CopyLease, _ result: CopyResult, leasing terms: LeaseTerms?) async throws -> LeaseOutcome? {
        // Remembered when it is over, so that whoever waits for it sees what it did.
        defer { script.change { $0.results.append(result) } }
        return try await run(.finish) { try await base.finish(lease, result, leasing: terms) }
    }

    package func touch(_ uses: [ReplicaUse]) async throws {
        script.change { $0.uses.append(uses) }
        try await run(.touch) { try await base.touch(uses) }
    }

    package func describe(_ id: ReplicaID, _ object: StoredObject) async throws {
        try await run(.describe) { try await base.describe(id, object) }
    }

    package func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        try await run(.mark) { try await base.mark(ids, unusedSince: unusedSince) }
    }

    package func beginRemovals(_ wanted: [WantedRemoval], duration: Duration) async throws -> [Removal?] {
        try await run(.beginRemovals) { try await base.beginRemovals(wanted, duration: duration) }
    }

    package func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal] {
        try await run(.confirm) { try await base.confirm(removals, duration: duration) }
    }

    package func endRemovals(_ removals: [Removal]) async throws -> [RemovalEnd] {
        try await run(.endRemovals) { try await base.endRemovals(removals) }
    }

    package func handBack(_ removal: Removal) async throws { try await run(.handBack) { try await base.handBack(removal) } }

    package func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        try await run(.forgetErrors) { try await base.forgetErrors(before: before, limit: limit) }
    }

    package func time(in pool: PoolID) async throws -> Timestamp { try await run(.time) { try await base.time(in: pool) } }

    package func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        try await run(.leastRecentlyUsed) { try await base.leastRecentlyUsed(in: pool, after: after, limit: limit) }
    }

    package func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID] {
        try await run(.abandonedRemovals) { try await base.abandonedRemovals(in: pool, limit: limit) }
    }

    package func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        try await run(.replicas) { try await base.replicas(in: pool, state: state, after: after, limit: limit) }
    }

    package func totals(of pool: PoolID) async throws -> PoolTotals { try await run(.totals) { try await base.totals(of: pool) } }

    package func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals] {
        try await run(.lanes) { try await base.lanes(in: pool, limit: limit) }
    }

    package func changes() async -> AsyncStream<ReplicaChange> { await base.changes() }

    package func changes(of interest: ChangeInterest) async -> AsyncStream<ReplicaChange> { await base.selectedChanges(of: interest) }

    package func close() async { await base.close() }
}
