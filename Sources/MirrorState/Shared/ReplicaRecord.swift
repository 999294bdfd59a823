package import MirrorCore

/// One replica with its copy job, and the transitions that the rules of ``StateStore`` allow. It has no clock and does no I/O.
///
/// Stores that keep rows (memory, SQLite) load a record, apply one transition and write it back in one transaction, so that the rules are
/// defined in one place.
package struct ReplicaRecord: Sendable, Hashable {
    /// `nil` while the replica is absent.
    package private(set) var status: Replica.Status?
    /// Present exactly while the replica is pending.
    package private(set) var job: CopyJob?
    /// Present exactly while the replica is under removal.
    package private(set) var removal: RemovalJob?
    /// The time from when the replica became an error until it may be tried again; otherwise zero.
    package private(set) var errorLife: Duration = .zero

    /// An absent replica.
    package init() {}

    /// A record as it was stored.
    package init(status: Replica.Status?, job: CopyJob? = nil, removal: RemovalJob? = nil, errorLife: Duration = .zero) {
        self.status = status
        self.job = job
        self.removal = removal
        self.errorLife = errorLife
    }

    package func replica(_ id: ReplicaID) -> Replica? {
        status.map { Replica(id: id, status: $0) }
    }

    // MARK: A clock that was set back

    /// Limits each wait to its full length from now, in case times were recorded before the clock was set back.
    package mutating func clampWaits(at now: Timestamp) {
        if var job {
            job.dueAt = min(job.dueAt, now + job.wait)
            self.job = job
        }
        if case .error(var failure) = status {
            failure.retryAt = min(failure.retryAt, now + errorLife)
            status = .error(failure)
        }
        if let removal { self.removal?.dueAt = min(removal.dueAt, now + removal.wait) }
    }

    /// The same for times in the past: none is later than now.
    package mutating func clampPast(at now: Timestamp) {
        if var job {
            job.queuedAt = min(job.queuedAt, now)
            self.job = job
        }
        if case .present(var object) = status {
            object.lastUsed = min(object.lastUsed, now)
            object.markedAt = object.markedAt.map { min($0, now) }
            status = .present(object)
        }
    }

    // MARK: Becoming present

    /// - Parameter hasQuery: Whether a query is kept that the origin has not answered yet.
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
    package mutating func recordPresent(_ object: StoredObject, at now: Timestamp) -> Bool {
        switch status {
        case nil, .error:
            become(object, at: now)
            return true
        case .pending, .present, .removing:
            return false
        }
    }

    private mutating func become(_ object: StoredObject, at now: Timestamp) {
        var object = object
        object.lastUsed = ReplicaUse.time(object.lastUsed, at: now)
        status = .present(object)
    }

    /// - Returns: `nil` if no job is due, or if its lease has expired and was not written off.
    package mutating func lease(_ id: ReplicaID, token: Int64, worker: String, at now: Timestamp, duration: Duration) -> CopyLease? {
        guard var job, job.dueAt <= now, !job.isLeased else { return nil }
        job.attempts += 1
        job.token = token
        job.worker = worker
        job.wait(duration, from: now)
        self.job = job
        return job.lease(of: id, token: token)
    }

    /// Takes the job from a worker whose lease has expired: its attempt was begun and never ended.
    ///
    /// The job is leased again from the lane `.unfinished`, or is set aside if this was the last time.
    ///
    /// - Returns: `nil` if no lease has expired.
    package mutating func writeOffLease(at now: Timestamp) -> WrittenOff? {
        guard var job, job.dueAt <= now, job.isLeased else { return nil }
        job.unfinished += 1
        job.token = nil
        job.worker = nil
        guard job.unfinished < CopyJob.maxUnfinished else {
            let failure = CopyFailure.unfinished(at: now)
            fail(failure, at: now)
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
        job.wait(duration, from: now)
        self.job = job
        return job.lease(of: lease.id, token: lease.token)
    }

    package mutating func finish(_ lease: CopyLease, _ result: CopyResult, at now: Timestamp) throws(StateError) {
        var job = try job(leasedBy: lease)
        job.token = nil
        job.worker = nil
        switch result {
        case .present(let object):
            become(object, at: now)
            self.job = nil
        case .failed(let failure):
            fail(failure, at: now)
        case .retry(let pause):
            job.wait(max(pause, .zero), from: now)
            self.job = job
        case .handBack:
            // Due since it was queued: a job that was first in the queue is first again.
            job.dueAt = job.queuedAt
            job.attempts -= 1
            self.job = job
        }
    }

    private mutating func fail(_ failure: CopyFailure, at now: Timestamp) {
        status = .error(failure.shortened)
        errorLife = max(now.duration(to: failure.retryAt), .zero)
        job = nil
    }

    private func job(leasedBy lease: CopyLease) throws(StateError) -> CopyJob {
        guard let job, job.token == lease.token else {
            throw .stale(lease)
        }
        return job
    }

    // MARK: Being used and going away

    /// The effect of a use on a replica.
    package enum TouchEffect: Sendable {
        case nothing
        /// Only `lastUsed` moved.
        case used
        /// The mark was cleared too.
        case revived
    }

    package mutating func touch(at time: Timestamp, now: Timestamp) -> TouchEffect {
        guard case .present(var object) = status else { return .nothing }
        let time = ReplicaUse.time(time, at: now)
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

    /// - Returns: Whether this call has marked it.
    package mutating func mark(unusedSince: Timestamp, at now: Timestamp) -> Bool {
        guard case .present(var object) = status, object.markedAt == nil, object.lastUsed <= unusedSince else { return false }
        object.markedAt = now
        status = .present(object)
        return true
    }

    /// The result of requesting a removal.
    package enum RemovalStart: Sendable, Hashable {
        /// The condition spares the replica, or another caller is removing it.
        case nothing
        case begun
        /// It was begun before and abandoned.
        case takenOver
        /// Another caller is removing it, and will delete once more.
        case repeated
    }

    package mutating func beginRemoval(
        _ condition: RemovalCondition, token: Int64, at now: Timestamp, duration: Duration
    ) -> RemovalStart {
        let new = RemovalJob(dueAt: now + duration, wait: duration, token: token)
        if let removal {
            if case .unused = condition { return .nothing }
            if removal.isAbandoned(at: now) {
                self.removal = new
                return .takenOver
            }
            guard condition == .none, !removal.isRepeated else { return .nothing }
            self.removal?.isRepeated = true
            return .repeated
        }
        switch condition {
        case .none: break
        case .unused(let since):
            guard case .present(let object) = status, object.markedAt != nil, object.lastUsed <= since else { return .nothing }
        case .abandoned: return .nothing
        }
        status = .removing
        job = nil
        removal = new
        return .begun
    }

    /// - Returns: Whether the removal still belongs to this token.
    package mutating func confirm(_ confirmed: Removal, at now: Timestamp, duration: Duration) -> Bool {
        guard removal?.token == confirmed.token else { return false }
        removal?.dueAt = now + duration
        removal?.wait = duration
        return true
    }

    package mutating func endRemoval(_ ended: Removal) -> RemovalEnd {
        guard let removal, removal.token == ended.token else { return .stale }
        if removal.isRepeated {
            self.removal?.isRepeated = false
            return .repeated
        }
        status = nil
        self.removal = nil
        return .absent
    }

    package mutating func handBack(_ removal: Removal, at now: Timestamp) throws(StateError) {
        guard self.removal?.token == removal.token else { throw .stale(removal) }
        self.removal = RemovalJob(dueAt: now, wait: .zero, token: nil)
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
    package var queuedAt: Timestamp
    /// When it can be leased; for a leased job, when its lease expires.
    package var dueAt: Timestamp
    /// The time from when `dueAt` was written until `dueAt`.
    package var wait: Duration
    /// The number of leases so far that count.
    package var attempts: Int
    /// The number of those that expired: no worker reported how the attempt ended.
    package var unfinished: Int
    /// The token of the newest lease; `nil` if no worker holds one.
    package var token: Int64?
    package var worker: String?

    package init(
        sequence: Int64, queuedAt: Timestamp, dueAt: Timestamp, wait: Duration = .zero, attempts: Int = 0, unfinished: Int = 0,
        token: Int64? = nil, worker: String? = nil
    ) {
        self.sequence = sequence
        self.queuedAt = queuedAt
        self.dueAt = dueAt
        self.wait = wait
        self.attempts = attempts
        self.unfinished = unfinished
        self.token = token
        self.worker = worker
    }

    /// How many leases may expire before the job is set aside. One can be chance: a killed process was copying other artifacts too.
    package static let maxUnfinished = 2

    var isLeased: Bool { token != nil }

    mutating func wait(_ duration: Duration, from now: Timestamp) {
        dueAt = now + duration
        wait = max(duration, .zero)
    }

    func lease(of id: ReplicaID, token: Int64) -> CopyLease {
        CopyLease(id: id, token: token, attempt: attempts, queuedAt: queuedAt, expires: dueAt, lane: lane(of: id))
    }

    /// The lane in which it waits.
    package func lane(of id: ReplicaID) -> CopyLane {
        unfinished > 0 ? .unfinished : CopyLane(of: id.artifact)
    }

    /// Whether this job is leased before `other` if both are due.
    package func comes(before other: CopyJob) -> Bool {
        (dueAt, sequence) < (other.dueAt, other.sequence)
    }
}

/// A removal that was begun and has not ended.
package struct RemovalJob: Sendable, Hashable {
    /// From then on another caller may take it over.
    package var dueAt: Timestamp
    /// The time from when `dueAt` was written until `dueAt`.
    package var wait: Duration
    /// The token of the current caller; `nil` if it was handed back.
    package var token: Int64?
    /// Whether another deletion has been requested since the last one began.
    package var isRepeated: Bool

    package init(dueAt: Timestamp, wait: Duration, token: Int64?, isRepeated: Bool = false) {
        self.dueAt = dueAt
        self.wait = wait
        self.token = token
        self.isRepeated = isRepeated
    }

    package func isAbandoned(at now: Timestamp) -> Bool { token == nil || dueAt <= now }
}

extension CopyFailure {
    /// How long a job that was set aside is not retried: long enough for its crashes to be rare, short enough to need no intervention.
    private static let setAsideLife = Duration.seconds(3_600)

    /// The failure of a job that is set aside.
    package static func unfinished(at now: Timestamp) -> CopyFailure {
        CopyFailure(
            reason: .unfinished,
            message:
                "set aside: \(CopyJob.maxUnfinished) attempts began and never ended; the processes that made them crashed or were killed",
            retryAt: now + setAsideLife)
    }
}

extension PoolTotals {
    /// Counts one replica that moves from one status to another; `nil` is absent.
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
