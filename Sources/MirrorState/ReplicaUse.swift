public import MirrorCore

/// A use of a replica, to be recorded.
public struct ReplicaUse: Sendable, Hashable {
    /// Which replica was used.
    public var id: ReplicaID
    /// When it was used.
    public var at: Timestamp

    public init(id: ReplicaID, at: Timestamp) {
        self.id = id
        self.at = at
    }
}
