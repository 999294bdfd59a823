package import MirrorCore

/// One replica with its copy job, and the transitions that the rules of ``StateStore`` allow. Knows no clock and does no I/O.
///
/// Stores that keep rows (memory, SQLite) load a record, apply one transition and write it back in one transaction, so that the rules stand
/// in one place.
package struct ReplicaRecord: Sendable, Hashable {
    /// `nil` while the replica is absent.
    package private(set) var status: Replica.Status?
    /// There exactly while the replica is pending.
    package private(set) var job: CopyJob?
    /// There exactly while the replica is under removal.
    package private(set) var removalBegan: Timestamp?

    /// An absent replica.
    package init() {}

    /// A record as it was stored.
    package init(status: Replica.Status?, job: CopyJob?, removalBegan: Timestamp? = nil) {
        self.status = status
        self.job = job
        self.removalBegan = removalBegan
    }

    package func replica(_ id: ReplicaID) -> Replica? {
        status.map { Replica(id: id, status: $0) }
    }

    // MARK: Becoming present

    /// - Parameter hasQuery: Whether a query is kept, of which the origin has not spoken yet.
    package func canBeClaimed(at now: Timestamp, hasQuery: Bool) -> Bool {
        switch status {
        case nil: true
        case .error(let failure): failure.retryAt <= now || (hasQuery && failure.mayBeOfQuery)
        case .pending, .present, .removing: false
        }
    }

    /// - Parameter sequence: Grows with each job, and orders jobs of the same millisecond.
    package mutating func claim(sequence: Int64, at now: Timestamp) {
        status = .pending
        job = CopyJob(sequence: sequence, queuedAt: now, dueAt: now)
    }

    /// - Returns: Whether anything changed.
    package mutating func recordPresent(_ object: StoredObject) -> Bool {
        switch status {
        case nil, .error:
            status = .present(object)
            return true
        case .pending, .present, .removing:
            return false
        }
    }

    /// - Returns: `nil` when there is no job that is due, or one whose lease ran out and was not written off.
    package mutating func lease(_ id: ReplicaID, token: Int64, worker: String, at now: Timestamp, duration: Duration) -> CopyLease? {
        guard var job, job.dueAt <= now, !job.isLeased else { return nil }
        job.attempts += 1
        job.token = token
        job.worker = worker
        job.dueAt = now + duration
        self.job = job
        return CopyLease(id: id, token: token, attempt: job.attempts, expires: job.dueAt, lane: job.lane(of: id))
    }

    /// Takes the job from a worker whose lease ran out: its attempt was begun and never ended.
    ///
    /// The job is leased again from the lane `.unfinished`, or is set aside when this was the last time.
    ///
    /// - Returns: `nil` where no lease ran out.
    package mutating func writeOffLease(at now: Timestamp) -> WrittenOff? {
        guard var job, job.dueAt <= now, job.isLeased else { return nil }
        job.unfinished += 1
        job.token = nil
        job.worker = nil
        guard job.unfinished < CopyJob.maxUnfinished else {
            let failure = CopyFailure.unfinished(at: now)
            status = .error(failure)
            self.job = nil
            return .setAside(failure)
        }
        self.job = job
        return .requeued
    }

    package enum WrittenOff: Sendable, Hashable {
        case requeued
        case setAside(CopyFailure)
    }

    package mutating func extend(_ lease: CopyLease, at now: Timestamp, duration: Duration) throws(StateError) -> CopyLease {
        var job = try job(leasedBy: lease)
        job.dueAt = now + duration
        self.job = job
        return CopyLease(id: lease.id, token: lease.token, attempt: job.attempts, expires: job.dueAt, lane: job.lane(of: lease.id))
    }

    package mutating func finish(_ lease: CopyLease, _ result: CopyResult) throws(StateError) {
        var job = try job(leasedBy: lease)
        job.token = nil
        job.worker = nil
        switch result {
        case .present(let object):
            status = .present(object)
            self.job = nil
        case .failed(let failure):
            status = .error(failure)
            self.job = nil
        case .retry(let time):
            job.dueAt = time
            self.job = job
        case .handBack:
            // Due since it was queued: who was first in the queue is first again.
            job.dueAt = job.queuedAt
            job.attempts -= 1
            self.job = job
        }
    }

    private func job(leasedBy lease: CopyLease) throws(StateError) -> CopyJob {
        guard let job, job.token == lease.token else {
            throw StateError(.staleLease, "another worker has the copy job of \(lease.id) now, or it is done, or the replica was purged")
        }
        return job
    }

    // MARK: Being used and going away

    /// What a use did to a replica.
    package enum TouchEffect: Sendable {
        case nothing
        /// Only `lastUsed` moved.
        case used
        /// The mark is gone too.
        case revived
    }

    package mutating func touch(at time: Timestamp) -> TouchEffect {
        guard case .present(var object) = status else { return .nothing }
        let wasMarked = object.markedAt != nil
        guard wasMarked || object.lastUsed < time else { return .nothing }
        object.lastUsed = max(object.lastUsed, time)
        object.markedAt = nil
        status = .present(object)
        return wasMarked ? .revived : .used
    }

    /// - Returns: Whether anything changed.
    package mutating func describe(_ described: StoredObject) -> Bool {
        guard case .present(var object) = status, object.isSameObject(as: described), let representation = described.representation,
            object.representation != representation
        else { return false }
        object.representation = representation
        status = .present(object)
        return true
    }

    /// - Returns: Whether it is marked by this call.
    package mutating func mark(unusedSince: Timestamp, at now: Timestamp) -> Bool {
        guard case .present(var object) = status, object.markedAt == nil, object.lastUsed <= unusedSince else { return false }
        object.markedAt = now
        status = .present(object)
        return true
    }

    /// - Returns: Whether it is under removal by this call.
    package mutating func beginRemoval(unusedSince: Timestamp?, at now: Timestamp) -> Bool {
        if let unusedSince {
            guard case .present(let object) = status, object.markedAt != nil, object.lastUsed <= unusedSince else { return false }
        }
        guard status != .removing else { return false }
        status = .removing
        job = nil
        removalBegan = now
        return true
    }

    package func isUnderRemoval(begunBefore time: Timestamp) -> Bool {
        guard status == .removing, let removalBegan else { return false }
        return removalBegan < time
    }

    /// - Returns: Whether anything changed.
    package mutating func forget() -> Bool {
        guard status == .removing else { return false }
        status = nil
        removalBegan = nil
        return true
    }

    /// - Returns: Whether anything changed.
    package mutating func forgetError(before time: Timestamp) -> Bool {
        guard case .error(let failure) = status, failure.retryAt < time else { return false }
        status = nil
        return true
    }
}

/// A copy job, queued or leased.
package struct CopyJob: Sendable, Hashable {
    package let sequence: Int64
    package let queuedAt: Timestamp
    /// When it can be leased: of a job that is leased, when its lease runs out.
    package var dueAt: Timestamp
    /// Leases so far that count.
    package var attempts: Int
    /// Those of them that ran out: nobody said how the attempt ended.
    package var unfinished: Int
    /// Of the newest lease; `nil` while nobody holds one.
    package var token: Int64?
    package var worker: String?

    package init(
        sequence: Int64, queuedAt: Timestamp, dueAt: Timestamp, attempts: Int = 0, unfinished: Int = 0, token: Int64? = nil,
        worker: String? = nil
    ) {
        self.sequence = sequence
        self.queuedAt = queuedAt
        self.dueAt = dueAt
        self.attempts = attempts
        self.unfinished = unfinished
        self.token = token
        self.worker = worker
    }

    /// Leases that may run out before the job is set aside. One can be chance: whatever else a killed process was copying.
    package static let maxUnfinished = 2

    var isLeased: Bool { token != nil }

    /// Where it waits.
    package func lane(of id: ReplicaID) -> CopyLane {
        unfinished > 0 ? .unfinished : CopyLane(of: id.artifact)
    }

    /// Whether this one is leased before `other` when both are due.
    package func comes(before other: CopyJob) -> Bool {
        (dueAt, sequence) < (other.dueAt, other.sequence)
    }
}

extension CopyFailure {
    /// How long a job that was set aside is left alone: long enough for a crash in it to be rare, short enough to need nobody's help.
    private static let setAsideLife = Duration.seconds(3_600)

    /// What a job that is set aside becomes.
    package static func unfinished(at now: Timestamp) -> CopyFailure {
        CopyFailure(
            reason: .unfinished,
            message:
                "set aside: \(CopyJob.maxUnfinished) attempts began and never ended; the processes that made them crashed or were killed",
            retryAt: now + setAsideLife)
    }
}

extension PoolTotals {
    /// Moves one replica from one status to another; `nil` is absent.
    package mutating func count(from old: Replica.Status?, to new: Replica.Status?) {
        add(old, -1)
        add(new, 1)
    }

    private mutating func add(_ status: Replica.Status?, _ amount: Int) {
        switch status {
        case .pending: pending += amount
        case .present(let object):
            objects += amount
            // A size comes from a pool's answer: two absurd ones must not bring the service down.
            bytes &+= object.size &* Int64(amount)
        case .error: errors += amount
        case .removing, nil: break
        }
    }
}
