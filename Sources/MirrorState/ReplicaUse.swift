public import MirrorCore

/// A use of a replica, to be remembered.
public struct ReplicaUse: Sendable, Hashable {
    public var id: ReplicaID
    public var at: Timestamp

    public init(id: ReplicaID, at: Timestamp) {
        self.id = id
        self.at = at
    }
}
