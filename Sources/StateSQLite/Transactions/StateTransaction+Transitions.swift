import GRDB
import MirrorCore
import MirrorState

/// The calls of ``StateStore`` that change something.
extension StateTransaction {
    mutating func claim(
        _ id: ReplicaID, leasing terms: LeaseTerms?, maxQueued: Int, maxQueuedPerOrigin: Int, hasQuery: Bool
    ) throws -> (claim: Claim, lease: LeaseOutcome?) {
        let old = try record(id)
        if let replica = old.replica(id), !old.canBeClaimed(at: now, hasQuery: hasQuery) { return (.exists(replica), nil) }
        guard try hasRoom(for: id, maxQueued: maxQueued, maxQueuedPerOrigin: maxQueuedPerOrigin) else { return (.queueFull, nil) }
        // The terms by which this job is leased at once, which is then written once.
        let met = try terms.flatMap { try isNext(id, by: $0) ? $0 : nil }
        let number = try nextNumber(of: met == nil ? 1 : 2)
        var record = old
        record.claim(sequence: number, at: now)
        let leased = met.flatMap { record.lease(id, token: number + 1, worker: $0.worker, at: now, duration: $0.duration) }
        try store(record, replacing: old, id, isToldOf: true)
        if let leased { return (.claimed, .leased(leased)) }
        return (.claimed, try terms.map { try lease($0, maxErrors: maxQueued) })
    }

    /// Whether a job that is queued now is the one that would be leased: it comes after all others that are due.
    private func isNext(_ id: ReplicaID, by terms: LeaseTerms) throws -> Bool {
        for lanes in terms.passingOver {
            if let first = try firstLane(of: terms.pools, passingOver: lanes), first.due <= now { return false }
            if terms.pools.contains(id.pool), !lanes.contains(CopyLane(of: id.artifact)) { return true }
        }
        return false
    }

    mutating func recordPresent(_ id: ReplicaID, _ object: StoredObject) throws -> Replica {
        let old = try record(id)
        var record = old
        if record.recordPresent(object, at: now) { try store(record, replacing: old, id, isToldOf: true) }
        return record.replica(id) ?? Replica(id: id, status: .present(object))
    }

    mutating func lease(_ terms: LeaseTerms, maxErrors: Int) throws -> LeaseOutcome {
        var next: Timestamp?
        for lanes in terms.passingOver {
            switch try lease(terms, passingOver: lanes, maxErrors: maxErrors) {
            case .notDue(let due): next = due
            case let outcome: return outcome
            }
        }
        return .notDue(next: next)
    }

    private mutating func lease(_ terms: LeaseTerms, passingOver lanes: Set<CopyLane>, maxErrors: Int) throws -> LeaseOutcome {
        while let lane = try firstLane(of: terms.pools, passingOver: lanes) {
            guard lane.due <= now else { return .notDue(next: lane.due) }
            let job = try firstJob(in: lane)
            guard let (id, old) = job.replica else {
                // All others would wait behind it.
                try drop(row: job.number)
                continue
            }
            var record = old
            switch record.writeOffLease(at: now) {
            case .setAside(let failure):
                try store(record, replacing: old, id, isToldOf: true)
                try dropErrors(of: id.pool, beyond: maxErrors, butNot: id)
                return .setAside(id, failure)
            case .requeued:
                try store(record, replacing: old, id, isToldOf: false)
            case nil:
                let token = try nextNumber()
                guard let lease = record.lease(id, token: token, worker: terms.worker, at: now, duration: terms.duration) else {
                    return .notDue(next: lane.due)
                }
                try storeLease(record, replacing: old, id)
                return .leased(lease)
            }
        }
        return .notDue(next: nil)
    }

    mutating func extend(_ lease: CopyLease, duration: Duration) throws -> CopyLease {
        let old = try record(lease.id)
        var record = old
        let extended = try record.extend(lease, at: now, duration: duration)
        try storeLease(record, replacing: old, lease.id)
        return extended
    }

    mutating func finish(_ lease: CopyLease, _ result: CopyResult, maxErrors: Int) throws {
        let old = try record(lease.id)
        var record = old
        try record.finish(lease, result, at: now)
        try store(record, replacing: old, lease.id, isToldOf: true)
        if case .failed = result { try dropErrors(of: lease.id.pool, beyond: maxErrors, butNot: lease.id) }
    }

    /// Drops the oldest errors of a pool that has too many.
    private mutating func dropErrors(of pool: PoolID, beyond maxErrors: Int, butNot newest: ReplicaID) throws {
        while try totals(of: pool).errors > maxErrors || errorBytes(in: pool) > StateLimits.errorBytes {
            // One more than needed, because the newest may be among them.
            guard let oldest = try oldestErrors(of: pool, limit: 2).first(where: { $0 != newest }) else { return }
            try store(ReplicaRecord(), replacing: try record(oldest), oldest, isToldOf: true)
        }
    }

    mutating func touch(_ uses: [ReplicaUse]) throws {
        for use in uses {
            if try move(use) { continue }
            let old = try record(use.id)
            var record = old
            switch record.touch(at: use.at, now: now) {
            case .nothing: break
            case .used: try store(record, replacing: old, use.id, isToldOf: false)
            case .revived: try store(record, replacing: old, use.id, isToldOf: true)
            }
        }
    }

    /// Records a use that changes nothing else, as nearly all do: writing the whole row would cost about three times as much.
    ///
    /// - Returns: Whether it did.
    private func move(_ use: ReplicaUse) throws -> Bool {
        let statement = try db.cachedStatement(
            sql: "UPDATE replicas SET last_used = ?1 WHERE pool = ?2 AND hash = ?3 AND status = 2 AND marked_at IS NULL AND last_used < ?1")
        let time = ReplicaUse.time(use.at, at: now)
        try statement.execute(arguments: [time.milliseconds, use.id.pool.description, use.id.artifact.nameHash])
        return db.changesCount > 0
    }

    mutating func describe(_ id: ReplicaID, _ object: StoredObject) throws {
        let old = try record(id)
        var record = old
        if record.describe(object) { try store(record, replacing: old, id, isToldOf: false) }
    }

    mutating func mark(_ ids: [ReplicaID], unusedSince: Timestamp) throws -> [ReplicaID] {
        var marked: [ReplicaID] = []
        for id in ids {
            var record = try record(id)
            guard record.mark(unusedSince: unusedSince, at: now) else { continue }
            try storeMark(record, id)
            marked.append(id)
        }
        return marked
    }

    mutating func beginRemoval(_ id: ReplicaID, _ condition: RemovalCondition, duration: Duration) throws -> Removal? {
        let old = try condition == .none ? recordOrDrop(id) : record(id)
        var record = old
        let token = try nextNumber()
        let start = record.beginRemoval(condition, token: token, at: now, duration: duration)
        if start == .nothing { return nil }
        try store(record, replacing: old, id, isToldOf: start == .begun)
        return start == .repeated ? nil : Removal(id: id, token: token)
    }

    /// A purge gets rid of a record that cannot be read: it counts as absent.
    private mutating func recordOrDrop(_ id: ReplicaID) throws -> ReplicaRecord {
        if let record = try readable(id) { return record }
        if let number = try row(of: id) { try drop(row: number) }
        return ReplicaRecord()
    }

    mutating func confirm(_ removals: [Removal], duration: Duration) throws -> [Removal] {
        var confirmed: [Removal] = []
        for removal in removals {
            var record = try record(removal.id)
            guard record.confirm(removal, at: now, duration: duration) else { continue }
            try storeRemoval(record, removal.id)
            confirmed.append(removal)
        }
        return confirmed
    }

    mutating func endRemoval(_ removal: Removal) throws -> RemovalEnd {
        let old = try record(removal.id)
        var record = old
        let end = record.endRemoval(removal)
        switch end {
        case .absent: try store(record, replacing: old, removal.id, isToldOf: true)
        case .repeated: try storeRemoval(record, removal.id)
        case .stale: break
        }
        return end
    }

    mutating func handBack(_ removal: Removal) throws {
        var record = try record(removal.id)
        try record.handBack(removal, at: now)
        try storeRemoval(record, removal.id)
    }

    mutating func forgetErrors(before time: Timestamp, limit: Int) throws -> Int {
        let ids = try errors(before: time, limit: limit)
        for id in ids {
            let old = try record(id)
            var record = old
            if record.forgetError(before: time) { try store(record, replacing: old, id, isToldOf: true) }
        }
        return ids.count
    }
}
