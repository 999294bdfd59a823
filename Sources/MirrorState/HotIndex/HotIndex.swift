package import MirrorCore
import Synchronization

/// Answers for present replicas from memory: a state store around another one, to which it forwards everything else.
///
/// It is coherent. A replica that is changed through the index is forgotten before the call returns, and one that is changed elsewhere as soon as the
/// base store reports it (see ``run()``). A result from the base store is remembered only if nothing was invalidated meanwhile, so that a slow
/// read never brings back what is gone. Marked replicas are never answered from memory, because a use of one has to reach the base store.
package final class HotIndex: StateStore, SelectiveStateStore {
    /// A position in the sequence of invalidations of the replicas that share a part of the memory.
    package struct Token: Sendable, Hashable {
        fileprivate let place: Int
        fileprivate let epoch: UInt64
    }

    package enum Invalidation: Sendable, Hashable {
        case replica(ReplicaID)
        case everything
    }

    package typealias Observer = @Sendable (Invalidation) -> Void

    private let base: any StateStore
    private let clock: any WallClock
    /// The server's fast path finds its answers here.
    package let memory: HotMemory
    private let observers = Mutex<[Observer]>([])

    /// - Parameter memory: The maximum size of what is remembered, in bytes (``HotMemory``).
    package init(_ base: any StateStore, memory: Int = HotMemory.standardLimit, clock: any WallClock = SystemClock()) {
        self.base = base
        self.clock = clock
        self.memory = HotMemory(limit: memory)
    }

    // MARK: The server's fast path

    /// The number of records: one for each replica, and more for replicas that are requested in several ways.
    package var count: Int { memory.count }

    /// A token to take before a replica is looked up; see ``isCurrent(_:)``.
    package func token(of id: ReplicaID) -> Token { token(of: memory.key(id)) }

    private func token(of key: HotKey?) -> Token {
        // For a replica that cannot be remembered, no token is current.
        guard let key else { return Token(place: 0, epoch: .max) }
        let place = memory.place(of: key)
        return Token(place: place, epoch: memory.epoch(in: place))
    }

    /// Whether the replica has not been invalidated since the token was taken: what was read since may be remembered.
    package func isCurrent(_ token: Token) -> Bool {
        memory.epoch(in: token.place) == token.epoch
    }

    /// Remembers how requests for a present, unmarked replica are answered, unless the token is outdated.
    ///
    /// The answer is forgotten together with the replica, before a call that changes the replica returns.
    package func remember(_ answer: HotAnswer, of id: ReplicaID, _ object: StoredObject, token: Token) {
        guard object.markedAt == nil, let key = memory.key(id), memory.place(of: key) == token.place else { return }
        if memory.remember(key, object, answer, readIn: token.epoch) == .contradicted { invalidate(id) }
    }

    /// What is known about replicas, each with a token from before it was read. Replicas that are present are not remembered here but by
    /// ``remember(_:of:_:token:)``, so that nothing is remembered twice.
    package func look(_ ids: [ReplicaID]) async throws -> [(replica: Replica?, token: Token)] {
        // Of each name the hash is computed once: that is the most expensive part of a look into memory.
        let keys = ids.map { memory.key($0) }
        let tokens = keys.map { token(of: $0) }
        var found = ids.indices.map { index in
            (replica: cached(ids[index], keys[index]).map { Replica(id: ids[index], status: .present($0)) }, token: tokens[index])
        }
        let missing = found.indices.filter { found[$0].replica == nil }
        guard !missing.isEmpty else { return found }
        for (index, replica) in zip(missing, try await base.replicas(missing.map { ids[$0] })) { found[index].replica = replica }
        return found
    }

    /// Adds an observer that is called on every invalidation, in the task that causes it, after the index has forgotten the replica and the token has
    /// advanced. It must be quick and must not call the index. It is not called for a newer `lastUsed` alone, nor when a replica becomes pending or present.
    package func addObserver(_ observer: @escaping Observer) {
        observers.withLock { $0.append(observer) }
    }

    /// The object of a present, unmarked replica, if the replica is remembered.
    package func cached(_ id: ReplicaID) -> StoredObject? { cached(id, memory.key(id)) }

    /// - Parameter key: The replica's.
    private func cached(_ id: ReplicaID, _ key: HotKey?) -> StoredObject? {
        guard let key else { return nil }
        return memory.shard(key).object(key) { ObjectKey(id.artifact) }
    }

    // MARK: Staying coherent

    /// Follows the base store's changes; returns when the store is closed or the task is cancelled.
    ///
    /// It must run as long as anything is served, if others than this index change the base store. It forgets everything when it
    /// begins and when it ends, because changes were or will be missed.
    package func run() async {
        let changes = await base.selectedChanges(of: .results)
        invalidateAll()
        for await change in changes { apply(change) }
        invalidateAll()
    }

    /// Changes only invalidate: a change may be older than what was read since, so its content is not remembered.
    ///
    /// A replica that clients may have been redirected to cannot change without being marked, removed or lost first, which is always announced.
    private func apply(_ change: ReplicaChange) {
        switch change {
        case .everything:
            invalidateAll()
        case .interrupted:
            break
        case .stale(let id):
            invalidate(id)
        case .staleName(let hash, let pool):
            // If it is not remembered, no observer needs to know: changes of replicas that are read from now on are reported with the whole name.
            if let key = memory.key(hash, in: pool), memory.shard(key).forget(key) { announce(.everything) }
        case .replica(let id, let replica):
            switch replica?.status {
            case .pending:
                // It was absent or an error before, which was announced then. What is remembered now was read later: this may be the late echo of a
                // claim made through this index.
                break
            case .present(let object) where object.markedAt == nil:
                if let known = cached(id), !known.hasSameBytes(as: object) { invalidate(id) }
            case .present, .error, .removing, nil:
                invalidate(id)
            }
        }
    }

    /// The order matters. Memory comes first, so that a caller that takes a token after it advanced does not find the replica here. The token comes before
    /// the observers, so that a cache that remembers something after its observer ran finds its token outdated.
    private func invalidate(_ id: ReplicaID) {
        if let key = memory.key(id) { memory.shard(key).forget(key) }
        announce(.replica(id))
    }

    /// Forgets everything, and makes the caches in front of the index forget it too.
    package func invalidateAll() {
        memory.forgetAll()
        announce(.everything)
    }

    private func announce(_ invalidation: Invalidation) {
        for observer in observers.withLock({ $0 }) { observer(invalidation) }
    }

    /// - Parameter token: Taken before the base store was asked.
    private func learn(_ id: ReplicaID, _ replica: Replica?, _ token: Token) { learn(id, memory.key(id), replica, token) }

    private func learn(_ id: ReplicaID, _ key: HotKey?, _ replica: Replica?, _ token: Token) {
        guard let key else { return }
        guard case .present(let object) = replica?.status, object.markedAt == nil else {
            if cached(id, key) != nil { invalidate(id) }
            return
        }
        switch memory.shard(key).remember(key, object, readIn: token.epoch) {
        case .remembered, .outdated: break
        case .contradicted: invalidate(id)
        }
    }

    // MARK: StateStore

    package func replica(_ id: ReplicaID) async throws -> Replica? { try await replica(id, within: nil) }

    /// - Parameter limit: See ``LimitedStateStore/replica(_:within:)``; `nil` for the base store's own. A base store without a limit takes as long as
    ///   it takes.
    package func replica(_ id: ReplicaID, within limit: Duration?) async throws -> Replica? {
        let key = memory.key(id)
        if let object = cached(id, key) { return Replica(id: id, status: .present(object)) }
        let token = token(of: key)
        let replica = try await read(id, within: limit)
        learn(id, key, replica, token)
        return replica
    }

    private func read(_ id: ReplicaID, within limit: Duration?) async throws -> Replica? {
        guard let limit, let store = base as? any LimitedStateStore else { return try await base.replica(id) }
        return try await store.replica(id, within: limit)
    }

    /// See ``LimitedStateStore/answerLimit``.
    package var answerLimit: Duration? { (base as? any LimitedStateStore)?.answerLimit }

    package func replicas(_ ids: [ReplicaID]) async throws -> [Replica?] {
        let found = try await look(ids)
        for (id, found) in zip(ids, found) { learn(id, found.replica, found.token) }
        return found.map(\.replica)
    }

    package func claim(_ id: ReplicaID, leasing terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?) {
        let token = token(of: id)
        let (claim, lease) = try await base.claim(id, leasing: terms)
        switch claim {
        case .claimed: learn(id, nil, token)
        case .exists(let replica): learn(id, replica, token)
        case .queueFull: break
        }
        forgetIfSetAside(lease)
        return (claim, lease)
    }

    package func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws {
        try await base.keepQuery(query, for: id)
    }

    package func query(for id: ReplicaID) async throws -> FetchQuery? {
        try await base.query(for: id)
    }

    package func moment(in pool: PoolID) async throws -> PoolMoment {
        try await base.moment(in: pool)
    }

    package func time(in pool: PoolID) async throws -> Timestamp {
        try await base.time(in: pool)
    }

    package func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica? {
        let token = token(of: id)
        guard let replica = try await base.recordPresent(id, object, seenSince: moment) else { return nil }
        learn(id, replica, token)
        return replica
    }

    package func lease(_ terms: LeaseTerms) async throws -> LeaseOutcome {
        let outcome = try await base.lease(terms)
        forgetIfSetAside(outcome)
        return outcome
    }

    private func forgetIfSetAside(_ outcome: LeaseOutcome?) {
        if case .setAside(let id, _)? = outcome { invalidate(id) }
    }

    package func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp? {
        try await base.nextDue(pools: pools, passingOver: lanes)
    }

    package func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease {
        try await base.extend(lease, duration: duration)
    }

    package func confirm(_ lease: CopyLease) async throws {
        try await base.confirm(lease)
    }

    package func finish(_ lease: CopyLease, _ result: CopyResult, leasing terms: LeaseTerms?) async throws -> LeaseOutcome? {
        let token = token(of: lease.id)
        let outcome = try await base.finish(lease, result, leasing: terms)
        switch result {
        case .present(var object):
            object.lastUsed = ReplicaUse.time(object.lastUsed, at: clock.now)
            learn(lease.id, Replica(id: lease.id, status: .present(object)), token)
        case .failed: invalidate(lease.id)
        case .retry, .handBack: break
        }
        forgetIfSetAside(outcome)
        return outcome
    }

    package func touch(_ uses: [ReplicaUse]) async throws {
        try await base.touch(uses)
        let now = clock.now
        for use in uses {
            if let key = memory.key(use.id) { memory.shard(key).touch(key, at: ReplicaUse.time(use.at, at: now), now: now) }
        }
    }

    package func describe(_ id: ReplicaID, _ object: StoredObject) async throws {
        try await base.describe(id, object)
        if let key = memory.key(id) { memory.shard(key).describe(key, object) }
    }

    package func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID] {
        do {
            let marked = try await base.mark(ids, unusedSince: unusedSince)
            for id in marked { invalidate(id) }
            return marked
        } catch {
            // The call may have succeeded nevertheless.
            for id in ids { invalidate(id) }
            throw error
        }
    }

    package func beginRemovals(_ wanted: [WantedRemoval], duration: Duration) async throws -> [Removal?] {
        do {
            let removals = try await base.beginRemovals(wanted, duration: duration)
            for case let removal? in removals { invalidate(removal.id) }
            return removals
        } catch {
            // The call may have succeeded nevertheless.
            for removal in wanted { invalidate(removal.id) }
            throw error
        }
    }

    package func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal] {
        try await base.confirm(removals, duration: duration)
    }

    package func endRemovals(_ removals: [Removal]) async throws -> [RemovalEnd] {
        try await base.endRemovals(removals)
    }

    package func handBack(_ removal: Removal) async throws {
        try await base.handBack(removal)
    }

    /// Errors are never answered from memory, so there is nothing to forget here.
    package func forgetErrors(before: Timestamp, limit: Int) async throws -> Int {
        try await base.forgetErrors(before: before, limit: limit)
    }

    package func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica] {
        try await base.leastRecentlyUsed(in: pool, after: after, limit: limit)
    }

    package func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID] {
        try await base.abandonedRemovals(in: pool, limit: limit)
    }

    package func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        try await base.replicas(in: pool, state: state, after: after, limit: limit)
    }

    package func totals(of pool: PoolID) async throws -> PoolTotals {
        try await base.totals(of: pool)
    }

    package func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals] {
        try await base.lanes(in: pool, limit: limit)
    }

    package func changes() async -> AsyncStream<ReplicaChange> {
        await base.changes()
    }

    package func changes(of interest: ChangeInterest) async -> AsyncStream<ReplicaChange> {
        await base.selectedChanges(of: interest)
    }

    package func close() async {
        await base.close()
        invalidateAll()
    }
}
