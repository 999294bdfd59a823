public import MirrorCore

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
