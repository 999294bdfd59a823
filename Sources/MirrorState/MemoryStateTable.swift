import MirrorCore

/// What a ``MemoryStateStore`` holds, and every transition on it; the store adds the lock, the clock and the streams.
struct MemoryStateTable {
    let maxQueued: Int
    let maxQueuedPerOrigin: Int
    private var records: [ReplicaID: ReplicaRecord] = [:]
    private var totals: [PoolID: PoolTotals] = [:]
    /// Of jobs and leases; only ever grows.
    private var lastNumber: Int64 = 0
    /// Copy jobs, queued and leased.
    private var jobs = JobLanes()
    /// What is to be told to the streams.
    private var outbox: [ReplicaChange] = []
    var isClosed = false

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
        guard jobs.count < maxQueued, jobs.count(of: CopyLane(of: id.artifact), in: id.pool) < maxQueuedPerOrigin else { return .queueFull }
        record.claim(sequence: nextNumber(), at: now)
        write(record, id)
        return .claimed
    }

    mutating func recordPresent(_ id: ReplicaID, _ object: StoredObject) -> Replica {
        var record = record(id)
        if record.recordPresent(object) { write(record, id) }
        return record.replica(id) ?? Replica(id: id, status: .present(object))
    }

    mutating func lease(
        pools: Set<PoolID>, passingOver lanes: Set<CopyLane>, worker: String, at now: Timestamp, duration: Duration
    ) -> LeaseOutcome? {
        while let id = jobs.first(in: pools, passingOver: lanes)?.id {
            var record = record(id)
            switch record.writeOffLease(at: now) {
            case .setAside(let failure):
                write(record, id)
                return .setAside(id, failure)
            case .requeued:
                store(record, id)
            case nil:
                guard let lease = record.lease(id, token: lastNumber + 1, worker: worker, at: now, duration: duration) else { return nil }
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

    mutating func finish(_ lease: CopyLease, _ result: CopyResult) throws(StateError) {
        var record = record(lease.id)
        try record.finish(lease, result)
        write(record, lease.id)
    }

    // MARK: Being used and going away

    mutating func touch(_ uses: [ReplicaUse]) {
        for use in uses {
            var record = record(use.id)
            switch record.touch(at: use.at) {
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

    mutating func beginRemoval(_ id: ReplicaID, unusedSince: Timestamp?, at now: Timestamp) -> Bool {
        var record = record(id)
        guard record.beginRemoval(unusedSince: unusedSince, at: now) else { return false }
        write(record, id)
        return true
    }

    mutating func forget(_ id: ReplicaID) {
        var record = record(id)
        if record.forget() { write(record, id) }
    }

    mutating func forgetErrors(before time: Timestamp, limit: Int) -> Int {
        let found = records.compactMap { id, record -> (at: (Timestamp, String, String), id: ReplicaID)? in
            guard case .error(let failure) = record.status, failure.retryAt < time else { return nil }
            return ((failure.retryAt, id.pool.description, id.artifact.description), id)
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
            start = (object.lastUsed, after.id.artifact.description)
        }
        let found = records.compactMap { id, record -> (at: (Timestamp, String), replica: Replica)? in
            guard id.pool == pool, case .present(let object) = record.status, let replica = record.replica(id) else { return nil }
            let place = (object.lastUsed, id.artifact.description)
            if let start, place <= start { return nil }
            return (place, replica)
        }
        return found.sorted { $0.at < $1.at }.prefix(StatePage.length(limit)).map(\.replica)
    }

    func underRemoval(in pool: PoolID, begunBefore: Timestamp, limit: Int) -> [ReplicaID] {
        Array(
            records.filter { $0.key.pool == pool && $0.value.isUnderRemoval(begunBefore: begunBefore) }.keys
                .sorted { $0.artifact.description < $1.artifact.description }.prefix(StatePage.length(limit)))
    }

    func replicas(in pool: PoolID?, after: ReplicaID?, limit: Int) -> [Replica] {
        func place(_ id: ReplicaID) -> (String, String) { (id.pool.description, id.artifact.description) }
        let start = after.map(place)
        let found = records.compactMap { id, record -> (at: (String, String), replica: Replica)? in
            guard pool == nil || id.pool == pool, let replica = record.replica(id) else { return nil }
            let place = place(id)
            if let start, place <= start { return nil }
            return (place, replica)
        }
        return found.sorted { $0.at < $1.at }.prefix(StatePage.length(limit)).map(\.replica)
    }

    // MARK: -

    private func record(_ id: ReplicaID) -> ReplicaRecord { records[id] ?? ReplicaRecord() }

    /// Stores a record whose change is to be told.
    private mutating func write(_ record: ReplicaRecord, _ id: ReplicaID) {
        store(record, id)
        outbox.append(.replica(id, record.replica(id)))
    }

    private mutating func store(_ record: ReplicaRecord, _ id: ReplicaID) {
        let old = records[id]
        totals[id.pool, default: PoolTotals()].count(from: old?.status, to: record.status)
        jobs.replace(old?.job, with: record.job, of: id)
        records[id] = record.status == nil ? nil : record
    }

    private mutating func nextNumber() -> Int64 {
        lastNumber += 1
        return lastNumber
    }
}
