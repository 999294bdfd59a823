public import MirrorCore

/// A change in a state store.
public enum ReplicaChange: Sendable, Hashable {
    /// The replica as it is now; `nil` if it is absent. Also sent when the job of a pending replica can be leased again.
    case replica(ReplicaID, Replica?)
    /// The replica may have changed; nothing more is known, so look again.
    case stale(ReplicaID)
    /// The same for a replica that no request waits for, and of which only the hash of its artifact's name is known: 64 hexadecimal digits.
    case staleName(String, PoolID)
    /// Changes cannot be reported for now. Remembered replicas are the best available information, but waiting for a change is useless.
    case interrupted
    /// Changes may have been missed: forget everything.
    case everything
}
