public import MirrorCore

/// Holds replicas, copy jobs and leases in one place, so that "pending" and "queued" cannot disagree.
///
/// State is a cache of the truth, which is the pools: losing it all loses nothing but time. Every call is atomic, across all processes
/// that share the store. Everything thrown is a ``StateError``, or `CancellationError`. Times come from the clock that the store was made with.
///
/// *Behavior* (each line is a test of the conformance suite in module MirrorTesting):
/// - Of any number of claims at the same time exactly one is `.claimed`; the others are `.exists` with a pending replica.
/// - A claim of an error whose `retryAt` is past, or of an absent replica, succeeds; of anything else it does not.
/// - A claim beyond `maxQueued` jobs, or beyond `maxQueuedPerOrigin` in its lane, is `.queueFull` and changes nothing.
/// - The query kept last for a replica is the one that is read, by whoever shares the store, as long as the copy goes on, over leases, retries and hand-backs.
/// - A kept query is gone when the copy has ended or the replica was taken out of service, and is never seen in records, listings, changes or claims.
/// - A claim of an origin's refusal (4xx) succeeds before its time where a query has been kept since.
/// - A job is leased to one worker at a time, the oldest first, none before its time; a lease that ran out is leased again with a larger token and the next attempt.
/// - `extend` and `finish` with a token that is not the newest, or of a job that is gone, throw `.staleLease` and change nothing.
/// - Jobs wait in one lane for each origin; `lease` and `nextDue` pass over the lanes that they are told to, however many jobs wait in them.
/// - A job whose lease ran out waits in the lane `.unfinished`. One whose lease ran out twice is set aside: the replica is an error whose reason is `.unfinished`, which is told.
/// - A lease that ran out but that nobody else took can still be extended or finished.
/// - `.handBack` makes the job leasable at once with the same attempt number; `.retry` not before its time.
/// - `recordPresent` changes only what is absent, or an error; a purge in between wins.
/// - `touch` only ever moves `lastUsed` forward, clears the mark, and touches nothing that is not present.
/// - `describe` adds what the pool says of a present replica's object, where that is still the object, and changes nothing else.
/// - `mark` marks only what is present and was not used after `unusedSince`.
/// - `beginRemoval` takes any replica, drops its job, and makes its late writes fail; with `unusedSince` only a marked one not used after it.
/// - A replica under removal answers claims with `.exists`, is leased to nobody, and is absent after `forget`.
/// - `underRemoval` lists what is under removal since before a time, in one pool.
/// - `forgetErrors` makes errors absent whose `retryAt` lies before a time, those that lie back furthest first, at most so many; nothing else.
/// - `leastRecentlyUsed` lists present replicas of one pool, oldest use first, each exactly once over all pages.
/// - `lanes` tells how many jobs each lane of a pool has, queued and leased, after every kind of transition.
/// - `totals` agree with what was recorded, after every kind of transition.
/// - Every change reaches every stream of `changes()` that was open before it; a stream that is not read costs bounded memory and then tells `.everything`.
/// - What was written is still there after the store was closed and opened again, where the store is durable.
public protocol StateStore: Sendable {
    /// - Returns: `nil` when it is absent.
    func replica(_ id: ReplicaID) async throws -> Replica?

    // MARK: Becoming present

    /// Makes the replica pending and queues its copy job, in one step.
    func claim(_ id: ReplicaID) async throws -> Claim

    /// Keeps what a replica's artifact is to be fetched with beyond its name (a signature), for whoever copies it. The newest replaces older ones.
    ///
    /// A secret: kept for ``FetchQuery/life`` at most, and never where it outlives the store's process or service. Losing it loses no more than the copy.
    func keepQuery(_ query: FetchQuery, for id: ReplicaID) async throws

    /// - Returns: `nil` when none is kept.
    func query(for id: ReplicaID) async throws -> FetchQuery?

    /// Records an object that was found in the pool (back-fill).
    ///
    /// - Returns: The replica as it is afterwards, whoever made it so.
    func recordPresent(_ id: ReplicaID, _ object: StoredObject) async throws -> Replica

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
    func extend(_ lease: CopyLease, duration: Duration) async throws -> CopyLease

    func finish(_ lease: CopyLease, _ result: CopyResult) async throws

    // MARK: Being used and going away

    /// Remembers uses; one that is older than `lastUsed` still clears the mark.
    func touch(_ uses: [ReplicaUse]) async throws

    /// Adds what the pool says of a present replica's object, for those who ask later.
    ///
    /// - Parameter object: With its ``StoredObject/representation``; another object than the replica's is left aside.
    func describe(_ id: ReplicaID, _ object: StoredObject) async throws

    /// Marks expired replicas.
    ///
    /// - Returns: Those that were marked now.
    func mark(_ ids: [ReplicaID], unusedSince: Timestamp) async throws -> [ReplicaID]

    /// Takes a replica out of service, before its object is deleted.
    ///
    /// - Parameter unusedSince: `nil` takes it whatever its state (purge), also when it is absent: the pool may hold what the store lost.
    /// - Returns: Whether it is under removal now by this call; `false` when it was before.
    func beginRemoval(_ id: ReplicaID, unusedSince: Timestamp?) async throws -> Bool

    /// Ends a removal: the replica is absent. Changes nothing that is not under removal.
    func forget(_ id: ReplicaID) async throws

    /// Makes errors absent that nobody has asked for since they could have been tried again.
    ///
    /// - Parameter before: Those stay whose `retryAt` is not before it.
    /// - Parameter limit: 1...1000.
    /// - Returns: How many; fewer than `limit` when there are no more.
    func forgetErrors(before: Timestamp, limit: Int) async throws -> Int

    // MARK: Looking

    /// Present replicas of a pool, the least recently used first.
    ///
    /// - Parameter after: The last of the page before.
    /// - Parameter limit: 1...1000.
    func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) async throws -> [Replica]

    /// Replicas under removal, so that a removal cut off by a crash is ended.
    ///
    /// - Parameter begunBefore: Where other processes remove from the pool too: longer ago than any of them can still be at it.
    func underRemoval(in pool: PoolID, begunBefore: Timestamp, limit: Int) async throws -> [ReplicaID]

    /// Replicas in any state, in the order of pool and URL.
    ///
    /// - Parameter pool: `nil` for all pools.
    /// - Parameter after: The last of the page before.
    /// - Parameter limit: 1...1000.
    func replicas(in pool: PoolID?, after: ReplicaID?, limit: Int) async throws -> [Replica]

    func totals(of pool: PoolID) async throws -> PoolTotals

    /// Lanes of a pool with their jobs, those with most jobs first. Of more than a thousand lanes a store may leave some out.
    ///
    /// - Parameter limit: 1...1000.
    func lanes(in pool: PoolID, limit: Int) async throws -> [LaneTotals]

    /// Changes from now on. A lease, a heartbeat and a mere newer `lastUsed` are not told. The stream ends when the store is closed.
    func changes() async -> AsyncStream<ReplicaChange>

    func close() async
}

extension StateStore {
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
}
