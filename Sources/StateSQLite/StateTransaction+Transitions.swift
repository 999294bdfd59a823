import GRDB
import MirrorCore
import MirrorState

/// The calls of ``StateStore`` that change something.
extension StateTransaction {
    mutating func claim(_ id: ReplicaID, maxQueued: Int, maxQueuedPerOrigin: Int, hasQuery: Bool) throws -> Claim {
        let old = try record(id)
        if let replica = old.replica(id), !old.canBeClaimed(at: now, hasQuery: hasQuery) { return .exists(replica) }
        // Each pending replica has exactly one job, so that the totals tell how many jobs there are.
        let queued = try Int.fetchOne(db.cachedStatement(sql: "SELECT sum(pending) FROM totals")) ?? 0
        guard queued < maxQueued, try jobs(in: CopyLane(of: id.artifact), of: id.pool) < maxQueuedPerOrigin else { return .queueFull }
        var record = old
        record.claim(sequence: try nextNumber(), at: now)
        try store(record, replacing: old, id, isToldOf: true)
        return .claimed
    }

    mutating func recordPresent(_ id: ReplicaID, _ object: StoredObject) throws -> Replica {
        let old = try record(id)
        var record = old
        if record.recordPresent(object) { try store(record, replacing: old, id, isToldOf: true) }
        return record.replica(id) ?? Replica(id: id, status: .present(object))
    }

    mutating func lease(
        pools: Set<PoolID>, passingOver lanes: Set<CopyLane>, worker: String, duration: Duration
    ) throws -> LeaseOutcome? {
        while let first = try firstJob(pools, passingOver: lanes), first.due <= now {
            let id = try RecordRow.id(pool: first.pool, url: first.url)
            let old = try record(id)
            var record = old
            switch record.writeOffLease(at: now) {
            case .setAside(let failure):
                try store(record, replacing: old, id, isToldOf: true)
                return .setAside(id, failure)
            case .requeued:
                try store(record, replacing: old, id, isToldOf: false)
            case nil:
                let token = try nextNumber()
                guard let lease = record.lease(id, token: token, worker: worker, at: now, duration: duration) else { return nil }
                try store(record, replacing: old, id, isToldOf: false)
                return .leased(lease)
            }
        }
        return nil
    }

    mutating func extend(_ lease: CopyLease, duration: Duration) throws -> CopyLease {
        let old = try record(lease.id)
        var record = old
        let extended = try record.extend(lease, at: now, duration: duration)
        try store(record, replacing: old, lease.id, isToldOf: false)
        return extended
    }

    mutating func finish(_ lease: CopyLease, _ result: CopyResult) throws {
        let old = try record(lease.id)
        var record = old
        try record.finish(lease, result)
        try store(record, replacing: old, lease.id, isToldOf: true)
    }

    mutating func touch(_ uses: [ReplicaUse]) throws {
        for use in uses {
            let old = try record(use.id)
            var record = old
            switch record.touch(at: use.at) {
            case .nothing: break
            case .used: try store(record, replacing: old, use.id, isToldOf: false)
            case .revived: try store(record, replacing: old, use.id, isToldOf: true)
            }
        }
    }

    mutating func describe(_ id: ReplicaID, _ object: StoredObject) throws {
        let old = try record(id)
        var record = old
        if record.describe(object) { try store(record, replacing: old, id, isToldOf: false) }
    }

    mutating func mark(_ ids: [ReplicaID], unusedSince: Timestamp) throws -> [ReplicaID] {
        var marked: [ReplicaID] = []
        for id in ids {
            let old = try record(id)
            var record = old
            guard record.mark(unusedSince: unusedSince, at: now) else { continue }
            try store(record, replacing: old, id, isToldOf: true)
            marked.append(id)
        }
        return marked
    }

    mutating func beginRemoval(_ id: ReplicaID, unusedSince: Timestamp?) throws -> Bool {
        let old = try record(id)
        var record = old
        guard record.beginRemoval(unusedSince: unusedSince, at: now) else { return false }
        try store(record, replacing: old, id, isToldOf: true)
        return true
    }

    mutating func forget(_ id: ReplicaID) throws {
        let old = try record(id)
        var record = old
        if record.forget() { try store(record, replacing: old, id, isToldOf: true) }
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
