public import MirrorCore

/// The result of requesting a copy.
public enum Claim: Sendable, Hashable {
    /// This caller made the replica pending and queued its copy job.
    case claimed
    /// The replica is pending or present, or its copy failed a short while ago.
    case exists(Replica)
    /// The queue is full.
    case queueFull
}
