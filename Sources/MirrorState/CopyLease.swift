public import MirrorCore

/// The right to do one copy for a while.
public struct CopyLease: Sendable, Hashable {
    /// What is to be copied, and where to.
    public let id: ReplicaID
    /// Grows with each lease of the store; every write is checked against it (fencing).
    public let token: Int64
    /// From 1; a lease that ran out counts, one that was handed back does not.
    public let attempt: Int
    /// When the replica was claimed; later attempts do not change it. By the clock of this process, whatever the store's says.
    public let queuedAt: Timestamp
    /// When the job may be leased to somebody else, unless the lease is extended.
    public let expires: Timestamp
    /// Where the job waited.
    public let lane: CopyLane

    /// - Parameter lane: `nil` is that of the artifact's origin.
    public init(id: ReplicaID, token: Int64, attempt: Int, queuedAt: Timestamp, expires: Timestamp, lane: CopyLane? = nil) {
        self.id = id
        self.token = token
        self.attempt = attempt
        self.queuedAt = queuedAt
        self.expires = expires
        self.lane = lane ?? CopyLane(of: id.artifact)
    }
}

/// What came of asking for a copy job.
public enum LeaseOutcome: Sendable, Hashable {
    /// The job is the caller's.
    case leased(CopyLease)
    /// Instead of being leased once more the replica was made an error, because its attempts never end. Ask again for another job.
    case setAside(ReplicaID, CopyFailure)
}
