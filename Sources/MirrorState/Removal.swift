public import MirrorCore

/// The right to delete one replica's object for a while, and to end its removal.
public struct Removal: Sendable, Hashable {
    /// Whose object is deleted.
    public let id: ReplicaID
    /// Grows with each removal of the store; what ends a removal is checked against it (fencing).
    public let token: Int64

    public init(id: ReplicaID, token: Int64) {
        self.id = id
        self.token = token
    }
}

/// Which replicas a removal may take out of service.
public enum RemovalCondition: Sendable, Hashable {
    /// Any, also an absent one: the pool may hold what the store lost. Where somebody else is at it, they are made to delete once more.
    case none
    /// Only a marked one that was not used after this.
    case unused(since: Timestamp)
    /// Only one whose removal was begun before and that nobody is at any more.
    case abandoned
}

/// A moment in the life of a pool, taken before a look into it; see ``StateStore/recordPresent(_:_:seenSince:)``.
public struct PoolMoment: Sendable, Hashable {
    /// Grows with each removal that ends; means something to the store alone.
    public let number: Int64

    public init(number: Int64) {
        self.number = number
    }
}
