public import MirrorCore

/// The right to do one copy for a while.
public struct CopyLease: Sendable, Hashable {
    public let id: ReplicaID
    /// Grows with each lease of the store; every write is checked against it (fencing).
    public let token: Int64
    /// From 1; a lease that ran out counts, one that was handed back does not.
    public let attempt: Int
    /// When the replica was claimed; later attempts do not change it. By the clock of this process, whatever the store's says.
    public let queuedAt: Timestamp
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
    case leased(CopyLease)
    /// Instead of being leased once more the replica was made an error, because its attempts never end. Ask again for another job.
    case setAside(ReplicaID, CopyFailure)
}

/// How a copy job ends.
public enum CopyResult: Sendable, Hashable {
    case present(StoredObject)
    /// Not to be tried again before `CopyFailure.retryAt`, and then only when somebody asks.
    case failed(CopyFailure)
    /// To be tried again by whoever is free, not before then; the replica stays pending.
    case retry(at: Timestamp)
    /// Not done, and not held against the job: for a worker that shuts down.
    case handBack

    /// Whether there is no job any more.
    package var endsCopy: Bool {
        switch self {
        case .present, .failed: true
        case .retry, .handBack: false
        }
    }
}

/// What came of asking for a copy.
public enum Claim: Sendable, Hashable {
    /// This caller made the replica pending and queued its copy job.
    case claimed
    /// Somebody was first, or it is there already, or it failed a short while ago.
    case exists(Replica)
    /// As many jobs are queued as may be.
    case queueFull
}

/// A use of a replica, to be remembered.
public struct ReplicaUse: Sendable, Hashable {
    public var id: ReplicaID
    public var at: Timestamp

    public init(id: ReplicaID, at: Timestamp) {
        self.id = id
        self.at = at
    }
}

/// What a store says of a pool.
public struct PoolTotals: Sendable, Hashable {
    /// Present replicas, marked ones included.
    public var objects: Int
    /// Their bytes.
    public var bytes: Int64
    public var pending: Int
    public var errors: Int

    public init(objects: Int = 0, bytes: Int64 = 0, pending: Int = 0, errors: Int = 0) {
        self.objects = objects
        self.bytes = bytes
        self.pending = pending
        self.errors = errors
    }
}

/// Something that changed in a state store.
public enum ReplicaChange: Sendable, Hashable {
    /// The replica as it is now; `nil` when it is absent. Also sent when a pending one has a job to be leased again.
    case replica(ReplicaID, Replica?)
    /// The replica may have changed, nothing more is known: look again.
    case stale(ReplicaID)
    /// No change can be told for now. What is remembered is the best there is, but whoever waits for a change waits in vain.
    case interrupted
    /// Changes may have been missed: forget whatever is remembered.
    case everything
}
