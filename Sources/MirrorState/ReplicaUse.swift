public import MirrorCore

/// A use of a replica, to be remembered.
public struct ReplicaUse: Sendable, Hashable {
    /// Which replica was used.
    public var id: ReplicaID
    /// When.
    public var at: Timestamp

    public init(id: ReplicaID, at: Timestamp) {
        self.id = id
        self.at = at
    }
}
