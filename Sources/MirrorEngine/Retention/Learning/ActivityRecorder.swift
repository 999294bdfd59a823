package import Logging
package import MirrorCore
package import MirrorState
import Retention
import Synchronization

/// Records when artifacts are used, for the policy `cost`: the uses that ``UseRecorder`` passes on, and the requests that copies were made for.
///
/// It has nothing to do with answering requests. What cannot be recorded is dropped.
package final class ActivityRecorder: Sendable {
    /// A use of a replica that is present, or of an artifact that was not copied for it.
    package struct Use: Sendable, Hashable {
        package let id: ReplicaID
        package let at: Timestamp
        /// Of the object.
        package let bytes: Int64
        /// Whether there is a replica.
        package let isKept: Bool

        package init(id: ReplicaID, at: Timestamp, bytes: Int64, isKept: Bool = true) {
            self.id = id
            self.at = at
            self.bytes = bytes
            self.isKept = isKept
        }
    }

    static let batch = 500
    /// A replica that ends so many seconds before its time was evicted; sweeps are not more exact, and nor are clocks.
    private static let earliness = 60.0
    /// Requests whose copies are awaited; more are not recorded.
    static let maxAwaited = 10_000

    private struct Held {
        /// Copies for requests of artifacts that were not there, since these requests.
        var awaited: [ReplicaID: AwaitedCopy] = [:]
        /// Those whose copies have come since, and those that were redirected because a copy is not expected to pay.
        var arrived: [Use] = []
    }

    let store: any ActivityStore
    let learned: LearnedRetention
    let accounts: GuardAccounts
    private let timeToLive: @Sendable (PoolID) -> Duration
    private let logger: Logger
    private let held = Mutex(Held())
    private let deltas: Mutex<ActivityDeltas>
    /// The classes that all processes share, as far as this one knows, with their numbers in records.
    private let classes = Mutex<[String: UInt32]>([:])
    private let isFailing = Atomic(false)
    private let unsettled = Mutex<[PoolID: Counterfactual]>([:])

    /// - Parameter timeToLive: What the policy `ttl` would be in a pool, for comparison.
    package init(
        store: any ActivityStore, learned: LearnedRetention, clock: any WallClock,
        timeToLive: @escaping @Sendable (PoolID) -> Duration = { _ in .seconds(86_400) }, logger: Logger
    ) {
        self.store = store
        self.learned = learned
        self.timeToLive = timeToLive
        self.logger = logger
        accounts = GuardAccounts(store: store, learned: learned, logger: logger)
        deltas = Mutex(ActivityDeltas(at: clock.now))
    }

    // MARK: Requests without a replica

    /// A copy is about to be requested: the request counts as a use once the copy is there and its size is known. ``confirmExpected(_:_:)`` or
    /// ``dropExpected(_:)`` follows.
    ///
    /// - Returns: Whether this call awaits it; `false` if it is awaited already, or cannot be.
    @discardableResult
    func expect(_ id: ReplicaID, at time: Timestamp) -> Bool {
        guard learned.isOn else { return false }
        return held.withLock { held in
            guard held.awaited[id] == nil, held.awaited.count < Self.maxAwaited else { return false }
            held.awaited[id] = AwaitedCopy(since: time)
            return true
        }
    }

    /// The copy was requested.
    func confirmExpected(_ id: ReplicaID, _ state: any StateStore) async {
        if held.withLock({ $0.awaited[id]?.claim() ?? false }) { await look(for: [id], state) }
    }

    /// No copy is made after all.
    func dropExpected(_ id: ReplicaID) { held.withLock { $0.awaited[id] = nil } }

    /// Takes note of copies that have come.
    package func run(_ changes: AsyncStream<ReplicaChange>, _ state: any StateStore) async {
        for await change in changes {
            switch change {
            case .replica(_, let replica) where replica?.state == .pending: break
            case .replica(let id, let replica): if !hasArrived(id, replica) { await look(for: [id], state) }
            case .stale(let id): await look(for: [id], state)
            case .everything: await look(for: held.withLock { Array($0.awaited.keys) }, state)
            case .staleName, .interrupted: break
            }
        }
    }

    /// - Returns: Whether it is the copy that is awaited.
    private func hasArrived(_ id: ReplicaID, _ replica: Replica?) -> Bool {
        held.withLock { held in
            guard let copy = held.awaited[id], let object = copy.object(in: replica) else { return false }
            held.awaited[id] = nil
            held.arrived.append(Use(id: id, at: copy.since, bytes: object.size))
            return true
        }
    }

    private func look(for ids: [ReplicaID], _ state: any StateStore) async {
        let ids = held.withLock { held in ids.filter { held.awaited[$0]?.noteNews() ?? false } }
        guard !ids.isEmpty, let replicas = try? await state.replicas(ids) else { return }
        for (id, replica) in zip(ids, replicas) { settle(id, replica) }
    }

    private func settle(_ id: ReplicaID, _ replica: Replica?) {
        held.withLock { held in
            guard let time = held.awaited[id]?.since, replica?.state != .pending else { return }
            held.awaited[id] = nil
            // What was not copied is not recorded: anybody can make up names of artifacts that do not exist.
            guard case .present(let object) = replica?.status else { return }
            held.arrived.append(Use(id: id, at: time, bytes: object.size))
        }
    }

    /// A request was redirected to the origin without a copy (``useWithoutCopy(of:at:)``).
    func note(_ use: Use) {
        held.withLock { held in
            if held.arrived.count < Self.maxAwaited { held.arrived.append(use) }
        }
    }

    // MARK: Uses

    /// Records uses, in the order of their times, with those whose copies have come.
    package func record(_ uses: [Use]) async {
        let arrived = held.withLock { held in
            defer { held.arrived = [] }
            return held.arrived
        }
        guard learned.isOn else { return }
        let all = (arrived + uses).sorted { $0.at < $1.at }
        for start in stride(from: 0, to: all.count, by: Self.batch) {
            await attempt { try await self.recordBatch(Array(all[start..<min(start + Self.batch, all.count)])) }
        }
    }

    private func recordBatch(_ uses: [Use]) async throws {
        let numbers = try await classNumbers(uses.map(\.id.artifact))
        let lives = learned.lives
        let activities = zip(uses, numbers).map { use, number in
            ActivityUse(
                key: ActivityKey(use.id.artifact), pool: lives.prices.number(of: use.id.pool), artifactClass: number,
                time: ActivityRecord.seconds(use.at), bytes: use.bytes, isKept: use.isKept)
        }
        let timesToLive = uses.map { timeToLive($0.id.pool).inSeconds }
        let update = try await store.updateActivity(activities.map(\.key)) { position, record in
            RecordedUse(activities[position], in: uses[position].id.pool, lives, timeToLive: timesToLive[position], &record)
        }
        deltas.withLock { deltas in
            for outcome in update.outcomes { if let outcome { deltas.add(outcome) } }
            for record in update.dropped { deltas.addCensored(record) }
        }
        unsettled.withLock { unsettled in
            for case let (use, outcome?) in zip(uses, update.outcomes) {
                unsettled[use.id.pool, default: Counterfactual()].add(outcome.counterfactual)
            }
        }
        for case let (use, outcome?) in zip(uses, update.outcomes) {
            accounts.add(outcome.account, lives.key(outcome.artifactClass, use.id.pool))
        }
        try await accounts.engage(at: uses.last.map { ActivityRecord.seconds($0.at) } ?? 0)
    }

    /// The numbers of artifacts' classes; that of `other` where there are too many classes.
    private func classNumbers(_ artifacts: [ArtifactURL]) async throws -> [UInt32] {
        let names = artifacts.map { learned.artifactClass(of: $0) }
        var known = classes.withLock { $0 }
        let new = Set(names).subtracting(known.keys)
        if !new.isEmpty, known.count <= ClassList.maxClasses {
            let shared = takeClasses(try await store.addClasses(new.sorted()))
            known.merge(shared) { number, _ in number }
        }
        let other = ActivityRecord.number(of: ClassList.other)
        return names.map { known[$0] ?? other }
    }

    /// Takes the list that all processes share.
    @discardableResult
    private func takeClasses(_ shared: [String]) -> [String: UInt32] {
        classes.withLock { known in
            known = shared.reduce(into: [:]) { $0[$1] = known[$1] ?? ActivityRecord.number(of: $1) }
            return known
        }
    }

    /// Reads which classes all processes share: one that the state has lost is added again at its next use.
    func refreshClasses() async throws { takeClasses(try await store.addClasses([])) }

    // MARK: The end of replicas

    /// Replicas were deleted, or found to be gone.
    ///
    /// - Parameter bytes: The object's size; `nil` if unknown.
    package func ended(_ replicas: [(id: ReplicaID, bytes: Int64?)], at time: Timestamp) async {
        guard learned.isOn, !replicas.isEmpty else { return }
        let lives = learned.lives
        let seconds = ActivityRecord.seconds(time)
        await change(replicas.map(\.id)) { position, artifactClass, uses in
            guard uses.gone == 0, uses.own <= seconds else { return nil }
            uses.gone = seconds
            let id = replicas[position].id
            guard let bytes = replicas[position].bytes else { return nil }
            let costs = lives.costs(of: bytes, in: id.pool)
            let kept = Double(seconds) - Double(uses.own)
            // No life was misjudged where the pool was full.
            let isEarly = lives.expiry(uses, of: artifactClass, bytes: bytes, in: id.pool) > Double(seconds) + Self.earliness
            return isEarly ? uses.close(costs, kept: kept) : uses.commit(costs, kept: kept)
        }
    }

    /// Enters in the accounts until when replicas are kept now.
    func commit(_ replicas: [(id: ReplicaID, bytes: Int64)]) async {
        let lives = learned.lives
        await change(replicas.map(\.id)) { position, artifactClass, uses in
            guard uses.gone == 0 else { return nil }
            let (id, bytes) = replicas[position]
            let expiry = lives.expiry(uses, of: artifactClass, bytes: bytes, in: id.pool)
            return uses.commit(lives.costs(of: bytes, in: id.pool), kept: expiry - Double(uses.own))
        }
    }

    /// Forgets when an artifact was used in a pool, because it was purged there.
    package func forget(_ id: ReplicaID) async {
        dropExpected(id)
        let pool = ActivityRecord.number(of: id.pool.description)
        await attempt {
            _ = try await self.store.updateActivity([ActivityKey(id.artifact)]) { _, record in
                record?[pool] = nil
                if record?.pools.isEmpty ?? false { record = nil }
            }
        }
    }

    /// - Parameter body: Takes a position in `ids` and the class of the artifact. Returns what is added to the account of the artifact's class in the pool.
    private func change(
        _ ids: [ReplicaID], _ body: @escaping @Sendable (Int, UInt32, inout ActivityRecord.PoolUses) -> GuardAccount?
    ) async {
        let prices = learned.lives.prices
        let pools = ids.map { prices.number(of: $0.pool) }
        await attempt {
            let update = try await self.store.updateActivity(ids.map { ActivityKey($0.artifact) }) {
                position, record -> (artifactClass: UInt32, account: GuardAccount)? in
                guard let artifactClass = record?.artifactClass, var uses = record?[pools[position]] else { return nil }
                let account = body(position, artifactClass, &uses)
                record?[pools[position]] = uses
                return account.map { (artifactClass, $0) }
            }
            for (pool, outcome) in zip(pools, update.outcomes) {
                if case let (artifactClass, account)?? = outcome {
                    self.accounts.add(account, GuardedClasses.Key(artifactClass: artifactClass, pool: pool))
                }
            }
        }
    }

    // MARK: Sums

    /// Adds what was observed since the last time to the sums of all processes. Called every minute.
    package func flush(at now: Timestamp) async {
        let observed = deltas.withLock { deltas in
            defer { deltas = ActivityDeltas(at: now) }
            return deltas.named
        }
        await attempt {
            if !observed.isEmpty { _ = try await self.store.addSums(observed) }
            try await self.accounts.flush()
        }
    }

    /// What other policies would have paid since the last call, beyond one read for each request.
    package func takeCounterfactuals() -> [PoolID: Counterfactual] {
        unsettled.withLock { unsettled in
            defer { unsettled = [:] }
            return unsettled
        }
    }

    private func attempt(_ body: @escaping @Sendable () async throws -> Void) async {
        do {
            try await uncancelled { try await body() }
            isFailing.store(false, ordering: .relaxed)
        } catch {
            // Logged once, not every second while the state is unavailable.
            guard !isFailing.exchange(true, ordering: .relaxed) else { return }
            logger.warning("cannot record when artifacts are used at the moment", metadata: ["error": "\(error)"])
        }
    }
}
