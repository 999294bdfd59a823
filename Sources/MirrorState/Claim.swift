public import MirrorCore

/// What came of asking for a copy.
public enum Claim: Sendable, Hashable {
    /// This caller made the replica pending and queued its copy job.
    case claimed
    /// Somebody was first, or it is there already, or it failed a short while ago.
    case exists(Replica)
    /// As many jobs are queued as may be.
    case queueFull
}
