public import MirrorCore

/// Holds replicas, copy jobs and leases in one place, so that "pending" and "queued" cannot disagree.
///
/// The state is only a cache; the pools are the truth: losing the whole state costs nothing but time. Every call is atomic, across all processes
/// that share the store; one that takes a list may do its work in several steps, each for a part of the list. All errors are ``StateError`` or `CancellationError`. Times come from the clock that the store was created with, or
/// from that of its service: to compare a time in a record with the present, use ``time(in:)``.
///
/// *Behavior* (each line is a test of the conformance suite in module MirrorTesting):
/// - Of any number of simultaneous claims exactly one is `.claimed`; the others are `.exists` with a pending replica.
/// - A claim of an absent replica, or of an error whose `retryAt` is past, succeeds; any other claim does not. A store that could lose the job of a
///   pending replica queues it again then.
/// - A claim beyond `maxQueued` jobs, or beyond `maxQueuedPerOrigin` in its lane, is `.queueFull` and changes nothing; so is one beyond 32 MiB of names of
///   pending replicas in a pool.
/// - A pool has at most `maxQueued` errors and 32 MiB of them: each new one displaces the oldest, by the time when they can be tried again, and this
///   is announced. Long messages are truncated.
/// - The query that was kept last for a replica is the one that is read, by every process that shares the store, as long as the copy lasts, over leases,
///   retries and hand-backs.
/// - A kept query is gone when the copy has ended or the replica was taken out of service, before that is told, and never appears in records, listings,
///   changes or claims.
/// - A claim of an origin's refusal (4xx) succeeds before its time if a query has been kept since.
/// - A job is leased to one worker at a time, the oldest first, none before its time; an expired lease is leased again with a larger token and the next
///   attempt. If none is due, the time of the first one is returned.
/// - `lease` takes a job that its first set of lanes does not pass over; only if none is due, one that the next set does not pass over.
/// - A claim with terms that succeeds, and the end of a lease with terms, lease in the same step what `lease` would lease next, whichever job that is. A
///   store of several servers may leave that to a later call.
/// - `confirm` of a lease throws what `extend` would throw, and changes nothing.
/// - A lease says when its job was queued, the same over retries, hand-backs and expired leases; never a time in the future, even if the clock was set back.
/// - `extend` and `finish` with a token that is not the newest, or for a job that is gone, throw `.staleLease` and change nothing.
/// - Jobs wait in one lane for each origin; `lease` and `nextDue` pass over the given lanes, however many jobs wait in them.
/// - A job whose lease expired waits in the lane `.unfinished`. A job whose lease expired twice is set aside: the replica becomes an error with the reason
///   `.unfinished`, which is announced.
/// - An expired lease that nobody else has taken can still be extended or finished.
/// - `.handBack` makes the job leasable at once with the same attempt number; `.retry` after its pause, by the store's clock at
///   the time of the call.
/// - `recordPresent` changes only an absent replica or an error, and nothing if a removal of the replica has ended since the moment; other removals
///   do not count, except those that are older than the store remembers.
/// - `touch` only moves `lastUsed` forward, unless a clock that was set back left it in the future; it clears the mark, and only changes replicas that
///   are present.
/// - A use that is more than an hour ahead of the store's clock counts as one now, whichever call tells of it.
/// - `describe` adds the pool's header fields to a present replica's object, if it is still the same object, and changes nothing else.
/// - `time` is by the same clock as marks.
/// - `mark` only marks replicas that are present and were not used after `unusedSince`.
/// - `touch` and `mark` do for each of many replicas what they do for one; `mark` returns them in the order of the list.
/// - `beginRemovals` and `endRemovals` do for each of many replicas what they do for one, and answer in the order of the list.
/// - `beginRemovals` takes any replica, drops its job, and makes its late writes fail; with `.unused` only a marked replica that was not used after it.
/// - A replica under removal answers claims with `.exists`, is leased to nobody, and is absent after `endRemovals`.
/// - A removal belongs to one caller at a time; one that expired or was handed back can be begun again, with a larger token, and then belongs only to the new
///   caller.
/// - A removal that is not the newest is `.stale` to `endRemovals`, `handBack` of it throws `.staleLease`, and `confirm` leaves it out; nothing changes.
/// - Requesting a removal with `.none` while another caller is removing the replica makes the next `endRemovals` return `.repeated`, once; the one after it ends
///   the removal.
/// - An expired removal that nobody else has taken over can still be confirmed and ended.
/// - `abandonedRemovals` lists the removals in one pool that no caller holds.
/// - `forgetErrors` makes errors absent whose `retryAt` is before a time, the earliest first, up to a limit; nothing else.
/// - `leastRecentlyUsed` lists the present replicas of one pool, oldest use first, each exactly once over all pages.
/// - `replicas` of a list finds for each what `replica` does, in the order of the list, whatever it names twice.
/// - `lanes` returns how many jobs each lane of a pool has, queued and leased, after every kind of transition.
/// - `replicas` lists the replicas in one state or in any, each exactly once over all pages, and only the last page is short.
/// - `totals` agree with the records, after every kind of transition.
/// - Every change reaches every stream of `changes()` that was open before it; a stream that is not read costs bounded memory and then gets `.everything`.
/// - A clock that is set back never makes jobs, leases, removals and errors wait longer than their full length from then on. Uses and marks are
///   then no later than now. The same applies when the store is opened with a clock that is behind.
/// - In a durable store, everything that was written is still there after the store was closed and opened again.
public protocol StateStore: Sendable {
    /// What is known about a replica.
    ///
    /// - Returns: `nil` if it is absent.
    func replica(_ id: ReplicaID) async throws -> Replica?

    /// The same for several replicas, in their order, at the cost of one call where the store can do that.
    func replicas(_ ids: [ReplicaID]) async throws -> [Replica?]

    // MARK: Becoming present

    /// Makes the replica pending and queues its copy job, in one step.
    ///
    /// - Parameter terms: Leases a job in the same step if the claim succeeds; `nil` to lease none.
    /// - Returns: Also the outcome of the lease; `nil` if no job was asked for, here or by the store.
    func claim(_ id: ReplicaID, leasing terms: LeaseTerms?) async throws -> (claim: Claim, lease: LeaseOutcome?)

    /// Keeps the part of the query that is not in the artifact's name (a signature), for the worker that copies it. The newest query replaces older ones.
    ///
    /// It is secret: it is kept for `FetchQuery.life` at most, and never where it outlives the store's process or service. Losing it costs only the copy.
    func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws

    /// The query that ``keepQuery(_:for:)`` kept last.
    ///
    /// - Returns: `nil` if none is kept.
    func query(for id: ReplicaID) async throws -> FetchQuery?

    /// A moment to take before a lookup in a pool, for ``recordPresent(_:_:seenSince:)``.
    func moment(in pool: PoolID) async throws -> PoolMoment

    /// Records an object that was found in the pool (back-fill).
    ///
    /// - Parameter moment: A moment from before the lookup that found it.
    /// - Returns: The replica as it is afterwards, whoever changed it; `nil` if the object may have been removed since: then look again.
    func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica?

    /// Leases the oldest job that is due: queued, or with an expired lease.
    func lease(_ terms: LeaseTerms) async throws -> LeaseOutcome

    /// When the next job can be leased; `nil` if none is queued or leased.
    func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp?

    /// Heartbeat: the lease lasts for `duration` from now.
    ///
    /// - Throws: `.staleLease` if the lease is not the newest or its job is gone.
    func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease

    /// Checks that a lease is still the newest. It is cheaper than ``extend(_:duration:)``, and does not change when the lease expires.
    ///
    /// - Throws: `.staleLease` if the lease is not the newest or its job is gone.
    func confirm(_ lease: CopyLease) async throws

    /// Ends a lease, or puts its job back.
    ///
    /// - Parameter terms: Leases a job in the same step; `nil` to lease none.
    /// - Returns: The outcome of that lease; `nil` if no job was asked for, here or by the store.
    /// - Throws: `.staleLease` if the lease is not the newest or its job is gone; then no job is leased.
    func finish(_ lease: CopyLease, _ result: CopyResult, leasing terms: LeaseTerms?) async throws -> LeaseOutcome?

    // MARK: Being used and going away

    /// Records uses; a use that is older than `lastUsed` still clears the mark.
    func touch(_ uses: [ReplicaUse]) async throws

    /// Adds the pool's header fields to a present replica's object, for later requests.
    ///
    /// - Parameter object: The object with its `representation`; ignored if it is not the replica's object.
    func describe(_ id: ReplicaID, _ object: StoredObject) async throws

    /// Marks expired replicas.
    ///
    /// - Returns: The replicas that this call has marked.
    func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID]

    /// Takes replicas out of service, before their objects are deleted.
    ///
    /// - Parameter wanted: Replicas of one pool.
    /// - Parameter duration: How long a removal lasts without ``confirm(_:duration:)`` before another caller may take it over.
    /// - Returns: For each replica, in their order, the right to delete the object; `nil` if the condition spares the replica, or while another caller
    ///   is removing it.
    func beginRemovals(_ wanted: [WantedRemoval], duration: Duration) async throws -> [Removal?]

    /// Call it right before objects are deleted: the removals last for `duration` from now.
    ///
    /// - Parameter removals: Removals in one pool.
    /// - Returns: The removals that still belong to the caller.
    func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal]

    /// Ends removals whose objects have been deleted: the replicas become absent.
    ///
    /// - Parameter removals: Removals in one pool.
    /// - Returns: What became of each of them, in their order.
    func endRemovals(_ removals: [Removal]) async throws -> [RemovalEnd]

    /// Gives up a removal, because the object could not be deleted, so that another caller can take it over.
    func handBack(_ removal: Removal) async throws

    /// Makes errors absent that were not requested again after they could have been tried.
    ///
    /// - Parameter before: Errors whose `retryAt` is not before this time stay.
    /// - Parameter limit: 1...1000.
    /// - Returns: The number of errors; fewer than `limit` if there are no more.
    func forgetErrors(before: Timestamp, limit: Int) async throws -> Int

    // MARK: Looking

    /// The present time by the clock that the times in a pool's records come from, which may differ from this process's own clock.
    func time(in pool: PoolID) async throws -> Timestamp

    /// Present replicas of a pool, the least recently used first.
    ///
    /// - Parameter after: The last replica of the previous page.
    /// - Parameter limit: 1...1000.
    func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica]

    /// Replicas with an abandoned removal, so that a removal that was interrupted by a crash can be ended.
    func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID]

    /// Replicas in the order of pool and of the SHA-256 of the artifact's name: an order that is stable but has no meaning for a reader.
    ///
    /// - Parameter pool: `nil` for all pools.
    /// - Parameter state: `nil` for all; replicas under removal are `.absent`.
    /// - Parameter after: The last replica of the previous page.
    /// - Parameter limit: 1...1000.
    func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica]

    /// The number of a pool's replicas in each state.
    func totals(of pool: PoolID) async throws -> PoolTotals

    /// The lanes of a pool with the number of their jobs, those with the most jobs first. If there are more than a thousand lanes, a store may leave some out.
    ///
    /// - Parameter limit: 1...1000.
    func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals]

    /// A stream of changes from now on. Leases, heartbeats and newer values of `lastUsed` are not reported. The stream ends when the store is closed.
    func changes() async -> AsyncStream<ReplicaChange>

    /// Ends the streams of ``changes()`` and releases the store's resources. Every later call throws `.unavailable`; another `close` does nothing.
    func close() async
}

extension StateStore {
    /// One after the other; for stores that cannot do better.
    public func replicas(_ ids: [ReplicaID]) async throws -> [Replica?] {
        var found: [Replica?] = []
        for id in ids { found.append(try await replica(id)) }
        return found
    }

    /// Replicas in any state.
    package func replicas(in pool: PoolID?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        try await replicas(in: pool, state: nil, after: after, limit: limit)
    }

    /// Makes the replica pending and queues its copy job.
    package func claim(_ id: ReplicaID) async throws -> Claim {
        try await claim(id, leasing: nil).claim
    }

    /// Leases the oldest job that is due outside some lanes.
    ///
    /// - Returns: `nil` if none is due.
    package func lease(
        pools: Set<PoolID>, passingOver lanes: Set<CopyLane>, worker: String, duration: Duration
    ) async throws -> LeaseOutcome? {
        let outcome = try await lease(LeaseTerms(pools: pools, passingOver: [lanes], worker: worker, duration: duration))
        if case .notDue = outcome { return nil }
        return outcome
    }

    /// Leases the oldest job that is due, in any lane, skipping jobs that are set aside.
    package func lease(pools: Set<PoolID>, worker: String, duration: Duration) async throws -> CopyLease? {
        while let outcome = try await lease(pools: pools, passingOver: [], worker: worker, duration: duration) {
            if case .leased(let lease) = outcome { return lease }
        }
        return nil
    }

    /// Ends a lease, or puts its job back.
    package func finish(_ lease: CopyLease, _ result: CopyResult) async throws {
        _ = try await finish(lease, result, leasing: nil)
    }

    /// When the next job can be leased, in any lane.
    package func nextDue(pools: Set<PoolID>) async throws -> Timestamp? {
        try await nextDue(pools: pools, passingOver: [])
    }

    /// Records an object that is in the pool now.
    package func recordPresent(_ id: ReplicaID, _ object: StoredObject) async throws -> Replica? {
        try await recordPresent(id, object, seenSince: try await moment(in: id.pool))
    }

    /// Takes one replica out of service.
    package func beginRemoval(_ id: ReplicaID, _ condition: RemovalCondition, duration: Duration) async throws -> Removal? {
        try await beginRemovals([WantedRemoval(id: id, condition: condition)], duration: duration).first ?? nil
    }

    /// Ends one removal.
    ///
    /// - Returns: `false` if the object must be deleted once more.
    /// - Throws: `.staleLease` if the removal is not the newest.
    package func endRemoval(_ removal: Removal) async throws -> Bool {
        switch try await endRemovals([removal]).first {
        case .absent: true
        case .repeated: false
        case .stale, nil: throw StateError.stale(removal)
        }
    }

    /// Takes a replica out of service whatever its state.
    package func beginRemoval(_ id: ReplicaID) async throws -> Removal? {
        try await beginRemoval(id, .none, duration: .seconds(300))
    }

    /// Makes a replica absent, unless another caller is removing it.
    ///
    /// - Returns: Whether it is absent now.
    package func remove(_ id: ReplicaID) async throws -> Bool {
        guard let removal = try await beginRemoval(id) else { return false }
        return try await endRemoval(removal)
    }
}
