import MirrorCore

/// The data of a ``MemoryStateStore``, and every transition on it; the store adds the lock, the clock and the streams.
struct MemoryStateTable {
    let maxQueued: Int
    let maxQueuedPerOrigin: Int
    private var records: [ReplicaID: ReplicaRecord] = [:]
    private var totals: [PoolID: PoolTotals] = [:]
    private var bytes: [PoolID: HeldBytes] = [:]
    /// The last number of a job, lease or removal; it only grows.
    private var lastNumber: Int64 = 0
    /// Queued and leased copy jobs.
    private var jobs = JobLanes()
    /// Changes that have to be sent to the streams.
    private var outbox: [ReplicaChange] = []
    var isClosed = false
    private var lastTime = Timestamp(milliseconds: .min)

    /// See ``StateLimits``.
    private struct HeldBytes {
        var pending = 0
        var errors = 0

        mutating func add(_ status: Replica.Status?, _ amount: Int) {
            switch status {
            case .pending: pending += amount
            case .error: errors += amount
            case .present, .removing, nil: break
            }
        }
    }

    init(maxQueued: Int, maxQueuedPerOrigin: Int) {
        self.maxQueued = maxQueued
        self.maxQueuedPerOrigin = maxQueuedPerOrigin
    }

    mutating func takeOutbox() -> [ReplicaChange] {
        defer { outbox.removeAll() }
        return outbox
    }

    // MARK: Becoming present

    mutating func claim(_ id: ReplicaID, at now: Timestamp, hasQuery: Bool) -> Claim {
        var record = record(id)
        if let replica = record.replica(id), !record.canBeClaimed(at: now, hasQuery: hasQuery) { return .exists(replica) }
        guard jobs.count < maxQueued, jobs.count(of: CopyLane(of: id.artifact), in: id.pool) < maxQueuedPerOrigin,
            bytes[id.pool, default: HeldBytes()].pending + StateLimits.cost(of: id) <= StateLimits.queuedBytes
        else {
            return .queueFull
        }
        record.claim(sequence: nextNumber(), at: now)
        write(record, id)
        return .claimed
    }

    mutating func recordPresent(_ id: ReplicaID, _ object: StoredObject, at now: Timestamp) -> Replica {
        var record = record(id)
        if record.recordPresent(object, at: now) { write(record, id) }
        return record.replica(id) ?? Replica(id: id, status: .present(object))
    }

    mutating func lease(_ terms: LeaseTerms, at now: Timestamp) -> LeaseOutcome {
        for lanes in terms.passingOver {
            if let outcome = lease(terms, passingOver: lanes, at: now) { return outcome }
        }
        return .notDue(next: nextDue(pools: terms.pools, passingOver: terms.passingOver.last ?? []))
    }

    private mutating func lease(_ terms: LeaseTerms, passingOver lanes: Set<CopyLane>, at now: Timestamp) -> LeaseOutcome? {
        while let id = jobs.first(in: terms.pools, passingOver: lanes)?.id {
            var record = record(id)
            switch record.writeOffLease(at: now) {
            case .setAside(let failure):
                write(record, id)
                dropErrors(of: id.pool, butNot: id)
                return .setAside(id, failure)
            case .requeued:
                store(record, id)
            case nil:
                guard let lease = record.lease(id, token: lastNumber + 1, worker: terms.worker, at: now, duration: terms.duration) else {
                    return nil
                }
                lastNumber += 1
                store(record, id)
                return .leased(lease)
            }
        }
        return nil
    }

    func nextDue(pools: Set<PoolID>, passingOver lanes: Set<CopyLane>) -> Timestamp? {
        jobs.first(in: pools, passingOver: lanes)?.dueAt
    }

    mutating func extend(_ lease: CopyLease, at now: Timestamp, duration: Duration) throws(StateError) -> CopyLease {
        var record = record(lease.id)
        let extended = try record.extend(lease, at: now, duration: duration)
        store(record, lease.id)
        return extended
    }

    func confirm(_ lease: CopyLease) throws(StateError) {
        guard record(lease.id).job?.token == lease.token else { throw .stale(lease) }
    }

    mutating func finish(_ lease: CopyLease, _ result: CopyResult, at now: Timestamp) throws(StateError) {
        var record = record(lease.id)
        try record.finish(lease, result, at: now)
        write(record, lease.id)
        if case .failed = result { dropErrors(of: lease.id.pool, butNot: lease.id) }
    }

    /// Drops the oldest errors of a pool that has too many.
    private mutating func dropErrors(of pool: PoolID, butNot newest: ReplicaID) {
        while totals(of: pool).errors > maxQueued || bytes[pool, default: HeldBytes()].errors > StateLimits.errorBytes {
            let oldest = records.lazy.compactMap { id, record -> (at: Timestamp, id: ReplicaID)? in
                guard id.pool == pool, id != newest, case .error(let failure) = record.status else { return nil }
                return (failure.retryAt, id)
            }.min { ($0.at, $0.id.artifact.description) < ($1.at, $1.id.artifact.description) }
            guard let oldest else { return }
            write(ReplicaRecord(), oldest.id)
        }
    }

    // MARK: Being used and going away

    mutating func touch(_ uses: [ReplicaUse], at now: Timestamp) {
        for use in uses {
            var record = record(use.id)
            switch record.touch(at: use.at, now: now) {
            case .nothing: break
            case .used: store(record, use.id)
            case .revived: write(record, use.id)
            }
        }
    }

    mutating func describe(_ id: ReplicaID, _ object: StoredObject) {
        var record = record(id)
        if record.describe(object) { records[id] = record }
    }

    mutating func mark(_ ids: [ReplicaID], unusedSince: Timestamp, at now: Timestamp) -> [ReplicaID] {
        ids.filter { id in
            var record = record(id)
            guard record.mark(unusedSince: unusedSince, at: now) else { return false }
            write(record, id)
            return true
        }
    }

    mutating func beginRemoval(_ id: ReplicaID, _ condition: RemovalCondition, at now: Timestamp, duration: Duration) -> Removal? {
        var record = record(id)
        let token = nextNumber()
        switch record.beginRemoval(condition, token: token, at: now, duration: duration) {
        case .nothing: return nil
        case .repeated:
            store(record, id)
            return nil
        case .takenOver: store(record, id)
        case .begun: write(record, id)
        }
        return Removal(id: id, token: token)
    }

    mutating func confirm(_ removals: [Removal], at now: Timestamp, duration: Duration) -> [Removal] {
        removals.filter { removal in
            var record = record(removal.id)
            guard record.confirm(removal, at: now, duration: duration) else { return false }
            store(record, removal.id)
            return true
        }
    }

    mutating func endRemoval(_ removal: Removal) -> RemovalEnd {
        var record = record(removal.id)
        let end = record.endRemoval(removal)
        switch end {
        case .absent: write(record, removal.id)
        case .repeated: store(record, removal.id)
        case .stale: break
        }
        return end
    }

    mutating func handBack(_ removal: Removal, at now: Timestamp) throws(StateError) {
        var record = record(removal.id)
        try record.handBack(removal, at: now)
        store(record, removal.id)
    }

    mutating func forgetErrors(before time: Timestamp, limit: Int) -> Int {
        let found = records.compactMap { id, record -> (at: (Timestamp, String, String), id: ReplicaID)? in
            guard case .error(let failure) = record.status, failure.retryAt < time else { return nil }
            return ((failure.retryAt, id.pool.description, id.artifact.nameHash), id)
        }
        let oldest = found.sorted { $0.at < $1.at }.prefix(StatePage.length(limit)).map(\.id)
        for id in oldest {
            var record = record(id)
            if record.forgetError(before: time) { write(record, id) }
        }
        return oldest.count
    }

    // MARK: Looking

    func replica(_ id: ReplicaID) -> Replica? { record(id).replica(id) }

    func lanes(of pool: PoolID) -> [LaneTotals] { jobs.totals(of: pool) }

    func totals(of pool: PoolID) -> PoolTotals { totals[pool] ?? PoolTotals() }

    func leastRecentlyUsed(in pool: PoolID, after: Replica?, limit: Int) -> [Replica] {
        var start: (Timestamp, String)?
        if let after {
            guard case .present(let object) = after.status else { return [] }
            start = (object.lastUsed, after.id.artifact.nameHash)
        }
        let found = records.compactMap { id, record -> (at: (Timestamp, String), replica: Replica)? in
            guard id.pool == pool, case .present(let object) = record.status, let replica = record.replica(id) else { return nil }
            let place = (object.lastUsed, id.artifact.nameHash)
            if let start, place <= start { return nil }
            return (place, replica)
        }
        return found.sorted { $0.at < $1.at }.prefix(StatePage.length(limit)).map(\.replica)
    }

    func abandonedRemovals(in pool: PoolID, at now: Timestamp, limit: Int) -> [ReplicaID] {
        Array(
            records.filter { $0.key.pool == pool && $0.value.removal?.isAbandoned(at: now) ?? false }.keys
                .sorted { $0.artifact.description < $1.artifact.description }.prefix(StatePage.length(limit)))
    }

    func replicas(in pool: PoolID?, state: Replica.State?, after: ReplicaID?, limit: Int) -> [Replica] {
        func place(_ id: ReplicaID) -> (String, String) { (id.pool.description, id.artifact.nameHash) }
        let start = after.map(place)
        let found = records.compactMap { id, record -> (at: (String, String), replica: Replica)? in
            guard pool == nil || id.pool == pool, let replica = record.replica(id), state == nil || replica.state == state else {
                return nil
            }
            let place = place(id)
            if let start, place <= start { return nil }
            return (place, replica)
        }
        return found.sorted { $0.at < $1.at }.prefix(StatePage.length(limit)).map(\.replica)
    }

    // MARK: -

    /// Call it with the time of each call: corrects times that are in the future because the clock was set back.
    mutating func notice(_ now: Timestamp) {
        defer { lastTime = now }
        guard now < lastTime else { return }
        for (id, old) in records {
            var record = old
            record.clampWaits(at: now)
            record.clampPast(at: now)
            if record != old { store(record, id) }
        }
    }

    private func record(_ id: ReplicaID) -> ReplicaRecord { records[id] ?? ReplicaRecord() }

    /// Stores a record and announces the change.
    private mutating func write(_ record: ReplicaRecord, _ id: ReplicaID) {
        store(record, id)
        outbox.append(.replica(id, record.replica(id)))
    }

    private mutating func store(_ record: ReplicaRecord, _ id: ReplicaID) {
        let old = records[id]
        totals[id.pool, default: PoolTotals()].count(from: old?.status, to: record.status)
        bytes[id.pool, default: HeldBytes()].add(old?.status, -StateLimits.cost(of: id))
        bytes[id.pool, default: HeldBytes()].add(record.status, StateLimits.cost(of: id))
        jobs.replace(old?.job, with: record.job, of: id)
        records[id] = record.status == nil ? nil : record
    }

    private mutating func nextNumber() -> Int64 {
        lastNumber += 1
        return lastNumber
    }
}
