public import MirrorCore

/// The time-limited right to make one copy.
public struct CopyLease: Sendable, Hashable {
    /// The artifact to copy, and the pool to copy it to.
    public let id: ReplicaID
    /// Grows with each lease in the store; every write is checked against it (fencing).
    public let token: Int64
    /// From 1; an expired lease counts, one that was handed back does not.
    public let attempt: Int
    /// When the replica was claimed; later attempts do not change it. By the clock of this process, not that of the store.
    public let queuedAt: Timestamp
    /// When the job may be leased to another worker, unless the lease is extended.
    public let expires: Timestamp
    /// The lane in which the job waited.
    public let lane: CopyLane

    /// - Parameter lane: `nil` for the lane of the artifact's origin.
    public init(id: ReplicaID, token: Int64, attempt: Int, queuedAt: Timestamp, expires: Timestamp, lane: CopyLane? = nil) {
        self.id = id
        self.token = token
        self.attempt = attempt
        self.queuedAt = queuedAt
        self.expires = expires
        self.lane = lane ?? CopyLane(of: id.artifact)
    }
}

/// Which job a worker asks for, and for how long.
public struct LeaseTerms: Sendable, Hashable {
    /// The pools whose jobs are considered.
    public var pools: Set<PoolID>
    /// The lanes in these pools that are passed over: a job of any lane not in the first set; if none is due, not in the next set, and so on.
    public var passingOver: [Set<CopyLane>]
    /// The name of the worker, for operators.
    public var worker: String
    /// How long the lease lasts unless it is extended.
    public var duration: Duration

    /// - Parameter passingOver: At least one set, which may be empty.
    public init(pools: Set<PoolID>, passingOver: [Set<CopyLane>] = [[]], worker: String, duration: Duration) {
        self.pools = pools
        self.passingOver = passingOver
        self.worker = worker
        self.duration = duration
    }
}

/// The result of requesting a copy job.
public enum LeaseOutcome: Sendable, Hashable {
    /// The job is the caller's.
    case leased(CopyLease)
    /// The job was not leased again; the replica became an error, because its attempts never end. Ask again for another job.
    case setAside(ReplicaID, CopyFailure)
    /// No job is due.
    ///
    /// - Parameter next: When the first one will be that the last set of lanes does not pass over; `nil` if there is none.
    case notDue(next: Timestamp?)
}
