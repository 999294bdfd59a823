public import MirrorCore

/// Holds replicas, copy jobs and leases in one place, so that "pending" and "queued" cannot disagree.
///
/// State is a cache of the truth, which is the pools: losing it all loses nothing but time. Every call is atomic, across all processes
/// that share the store. Everything thrown is a ``StateError``, or `CancellationError`. Times come from the clock that the store was made with, or
/// that its service has: whoever compares a time of a record with now asks for ``time(in:)``.
///
/// *Behavior* (each line is a test of the conformance suite in module MirrorTesting):
/// - Of any number of claims at the same time exactly one is `.claimed`; the others are `.exists` with a pending replica.
/// - A claim of an error whose `retryAt` is past, or of an absent replica, succeeds; of anything else it does not. A store that could lose the job of a
///   pending replica queues it again then.
/// - A claim beyond `maxQueued` jobs, or beyond `maxQueuedPerOrigin` in its lane, is `.queueFull` and changes nothing; so is one beyond 32 MiB of names of pending replicas in a pool.
/// - A pool has no more than `maxQueued` errors and 32 MiB of them: with each new one the oldest go, by the time when they can be tried again, and that
///   is told. Long messages are cut.
/// - The query kept last for a replica is the one that is read, by whoever shares the store, as long as the copy goes on, over leases, retries and hand-backs.
/// - A kept query is gone when the copy has ended or the replica was taken out of service, and is never seen in records, listings, changes or claims.
/// - A claim of an origin's refusal (4xx) succeeds before its time where a query has been kept since.
/// - A job is leased to one worker at a time, the oldest first, none before its time; a lease that ran out is leased again with a larger token and the next attempt.
/// - A lease says when its job was queued, the same over retries, hand-backs and leases that ran out; never a time to come, also when the clock was put back.
/// - `extend` and `finish` with a token that is not the newest, or of a job that is gone, throw `.staleLease` and change nothing.
/// - Jobs wait in one lane for each origin; `lease` and `nextDue` pass over the lanes that they are told to, however many jobs wait in them.
/// - A job whose lease ran out waits in the lane `.unfinished`. One whose lease ran out twice is set aside: the replica is an error whose reason is `.unfinished`, which is told.
/// - A lease that ran out but that nobody else took can still be extended or finished.
/// - `.handBack` makes the job leasable at once with the same attempt number; `.retry` not before its pause is over, by the store's clock at
///   the time of the call.
/// - `recordPresent` changes only what is absent, or an error, and nothing where a removal of the replica has ended since the moment; other removals
///   do not count, but for those of an older time than the store remembers.
/// - `touch` only ever moves `lastUsed` forward, unless a clock that was put back left it in the future; it clears the mark, and touches nothing that is
///   not present.
/// - `describe` adds what the pool says of a present replica's object, where that is still the object, and changes nothing else.
/// - `time` is by the clock that marks are of.
/// - `mark` marks only what is present and was not used after `unusedSince`.
/// - `beginRemoval` takes any replica, drops its job, and makes its late writes fail; with `.unused` only a marked one not used after it.
/// - A replica under removal answers claims with `.exists`, is leased to nobody, and is absent after `endRemoval`.
/// - A removal is one caller's at a time; one that ran out or was handed back can be begun again, with a larger token, and is nobody else's any more.
/// - `endRemoval` and `handBack` of a removal that is not the newest throw `.staleLease` and change nothing; `confirm` leaves it out.
/// - A removal that is asked for with `.none` while somebody is at it makes the next `endRemoval` return `false`, once; the one behind it ends it.
/// - A removal that ran out but that nobody else took can still be confirmed and ended.
/// - `abandonedRemovals` lists the removals of one pool that nobody is at.
/// - `forgetErrors` makes errors absent whose `retryAt` lies before a time, those that lie back furthest first, at most so many; nothing else.
/// - `leastRecentlyUsed` lists present replicas of one pool, oldest use first, each exactly once over all pages.
/// - `lanes` tells how many jobs each lane of a pool has, queued and leased, after every kind of transition.
/// - `replicas` lists those in one state or in any, each exactly once over all pages, and no page but the last is short.
/// - `totals` agree with what was recorded, after every kind of transition.
/// - Every change reaches every stream of `changes()` that was open before it; a stream that is not read costs bounded memory and then tells `.everything`.
/// - A clock that is put back keeps nothing waiting for longer than it would have from then on: jobs, leases, removals and errors. Uses and marks are
///   then of no later time than now. The same holds when the store is opened by a clock that is behind.
/// - What was written is still there after the store was closed and opened again, where the store is durable.
public protocol StateStore: Sendable {
    /// What is known of a replica.
    ///
    /// - Returns: `nil` when it is absent.
    func replica(_ id: ReplicaID) async throws -> Replica?

    // MARK: Becoming present

    /// Makes the replica pending and queues its copy job, in one step.
    func claim(_ id: ReplicaID) async throws -> Claim

    /// Keeps what a replica's artifact is to be fetched with beyond its name (a signature), for whoever copies it. The newest replaces older ones.
    ///
    /// A secret: kept for `FetchQuery.life` at most, and never where it outlives the store's process or service. Losing it loses no more than the copy.
    func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws

    /// What ``keepQuery(_:for:)`` kept last.
    ///
    /// - Returns: `nil` when none is kept.
    func query(for id: ReplicaID) async throws -> FetchQuery?

    /// Taken before a look into a pool, for ``recordPresent(_:_:seenSince:)``.
    func moment(in pool: PoolID) async throws -> PoolMoment

    /// Records an object that was found in the pool (back-fill).
    ///
    /// - Parameter moment: From before the look that found it.
    /// - Returns: The replica as it is afterwards, whoever made it so; `nil` when the object may have been removed since: look again.
    func recordPresent(_ id: ReplicaID, _ object: StoredObject, seenSince moment: PoolMoment) async throws -> Replica?

    /// Leases the oldest job that is due: queued, or leased to somebody whose lease ran out.
    ///
    /// - Parameter pools: Whose jobs; others are left alone.
    /// - Parameter lanes: Whose jobs are left alone in these pools.
    /// - Parameter worker: Who asks, for people who look.
    func lease(
        pools: Set<PoolID>, passingOver lanes: Set<CopyLane>, worker: String, duration: Duration
    ) async throws -> LeaseOutcome?

    /// When the next job can be leased; `nil` when none is queued or leased.
    func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) async throws -> Timestamp?

    /// Heartbeat: the lease runs `duration` from now.
    ///
    /// - Throws: `.staleLease` when the lease is not the newest or its job is gone.
    func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease

    /// Ends a lease, or puts its job back.
    ///
    /// - Throws: `.staleLease` when the lease is not the newest or its job is gone.
    func finish(_ lease: CopyLease, _ result: CopyResult) async throws

    // MARK: Being used and going away

    /// Remembers uses; one that is older than `lastUsed` still clears the mark.
    func touch(_ uses: [ReplicaUse]) async throws

    /// Adds what the pool says of a present replica's object, for those who ask later.
    ///
    /// - Parameter object: With its `representation`; another object than the replica's is left aside.
    func describe(_ id: ReplicaID, _ object: StoredObject) async throws

    /// Marks expired replicas.
    ///
    /// - Returns: Those that were marked now.
    func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID]

    /// Takes a replica out of service, before its object is deleted.
    ///
    /// - Parameter duration: After so long without ``confirm(_:duration:)`` somebody else may take the removal over.
    /// - Returns: The right to delete the object; `nil` when the condition spares the replica, or while somebody else is at it.
    func beginRemoval(_ id: ReplicaID, _ condition: RemovalCondition, duration: Duration) async throws -> Removal?

    /// To be called right before objects are deleted: the removals run `duration` from now.
    ///
    /// - Parameter removals: Of one pool.
    /// - Returns: Those that are still the caller's.
    func confirm(_ removals: [Removal], duration: Duration) async throws -> [Removal]

    /// Ends a removal whose object is deleted: the replica is absent.
    ///
    /// - Returns: `false` when somebody asked for another deletion since this one began: the removal goes on; delete once more and end it again.
    func endRemoval(_ removal: Removal) async throws -> Bool

    /// Leaves a removal to whoever comes next, because the object could not be deleted.
    func handBack(_ removal: Removal) async throws

    /// Makes errors absent that nobody has asked for since they could have been tried again.
    ///
    /// - Parameter before: Those stay whose `retryAt` is not before it.
    /// - Parameter limit: 1...1000.
    /// - Returns: How many; fewer than `limit` when there are no more.
    func forgetErrors(before: Timestamp, limit: Int) async throws -> Int

    // MARK: Looking

    /// Now, by the clock that the times of a pool's records are of: this process' own may be another.
    func time(in pool: PoolID) async throws -> Timestamp

    /// Present replicas of a pool, the least recently used first.
    ///
    /// - Parameter after: The last of the page before.
    /// - Parameter limit: 1...1000.
    func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica]

    /// Replicas whose removal nobody is at any more, so that one cut off by a crash is ended.
    func abandonedRemovals(in pool: PoolID, limit: Int) async throws -> [ReplicaID]

    /// Replicas in the order of pool and of the SHA-256 of the artifact's name: an order that stays, but means nothing to people.
    ///
    /// - Parameter pool: `nil` for all pools.
    /// - Parameter state: `nil` for all; those under removal are `.absent`.
    /// - Parameter after: The last of the page before.
    /// - Parameter limit: 1...1000.
    func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) async throws -> [Replica]

    /// How many replicas of a pool are in which state.
    func totals(of pool: PoolID) async throws -> PoolTotals

    /// Lanes of a pool with their jobs, those with most jobs first. Of more than a thousand lanes a store may leave some out.
    ///
    /// - Parameter limit: 1...1000.
    func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals]

    /// Changes from now on. A lease, a heartbeat and a mere newer `lastUsed` are not told. The stream ends when the store is closed.
    func changes() async -> AsyncStream<ReplicaChange>

    /// Ends the streams of ``changes()`` and gives back what the store holds. Every later call throws `.unavailable`; another `close` does nothing.
    func close() async
}

extension StateStore {
    /// Replicas in any state.
    package func replicas(in pool: PoolID?, after: ReplicaID?, limit: Int) async throws -> [Replica] {
        try await replicas(in: pool, state: nil, after: after, limit: limit)
    }

    /// Leases the oldest job that is due, of any lane, whatever is set aside on the way.
    package func lease(pools: Set<PoolID>, worker: String, duration: Duration) async throws -> CopyLease? {
        while let outcome = try await lease(pools: pools, passingOver: [], worker: worker, duration: duration) {
            if case .leased(let lease) = outcome { return lease }
        }
        return nil
    }

    /// When the next job can be leased, of any lane.
    package func nextDue(pools: Set<PoolID>) async throws -> Timestamp? {
        try await nextDue(pools: pools, passingOver: [])
    }

    /// Records an object that is there now.
    package func recordPresent(_ id: ReplicaID, _ object: StoredObject) async throws -> Replica? {
        try await recordPresent(id, object, seenSince: try await moment(in: id.pool))
    }

    /// Takes a replica out of service whatever its state.
    package func beginRemoval(_ id: ReplicaID) async throws -> Removal? {
        try await beginRemoval(id, .none, duration: .seconds(300))
    }

    /// Makes a replica absent whose removal nobody else is at.
    ///
    /// - Returns: Whether it is absent now.
    package func remove(_ id: ReplicaID) async throws -> Bool {
        guard let removal = try await beginRemoval(id) else { return false }
        return try await endRemoval(removal)
    }
}
