public import MirrorCore

/// The time-limited right to delete one replica's object, and to end its removal.
public struct Removal: Sendable, Hashable {
    /// The replica whose object is deleted.
    public let id: ReplicaID
    /// Grows with each removal in the store; ending a removal is checked against it (fencing).
    public let token: Int64

    public init(id: ReplicaID, token: Int64) {
        self.id = id
        self.token = token
    }
}

/// Which replicas a removal may take out of service.
public enum RemovalCondition: Sendable, Hashable {
    /// Any replica, even an absent one: the pool may have an object that the store has lost. If another caller is removing it, that caller has to delete once
    /// more.
    case none
    /// Only a marked replica that was not used after this.
    case unused(since: Timestamp)
    /// Only a replica whose removal was begun before and abandoned.
    case abandoned
}

/// A replica to be taken out of service, and on what condition.
public struct WantedRemoval: Sendable, Hashable {
    /// The replica whose object is to be deleted.
    public let id: ReplicaID
    /// Otherwise the replica stays in service.
    public let condition: RemovalCondition

    public init(id: ReplicaID, condition: RemovalCondition) {
        self.id = id
        self.condition = condition
    }
}

/// What became of a removal whose object was deleted.
public enum RemovalEnd: Sendable, Hashable {
    /// The replica is absent.
    case absent
    /// Another deletion was requested since this one began: the removal continues; delete once more and end it again.
    case repeated
    /// The removal is not the newest: it belongs to another caller, or has ended. Nothing has changed.
    case stale
}

/// A point in the history of a pool, taken before a lookup in it; see ``StateStore/recordPresent(_:_:seenSince:)``.
public struct PoolMoment: Sendable, Hashable {
    /// Grows with each removal that ends; only meaningful to the store.
    public let number: Int64

    public init(number: Int64) {
        self.number = number
    }
}
