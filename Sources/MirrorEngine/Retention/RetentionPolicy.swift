package import MirrorCore

/// Decides how long a replica is worth keeping.
///
/// It is asked at each sweep, and its answers are never stored, so a new policy applies at once to all replicas.
package protocol RetentionPolicy: Sendable {
    /// - Returns: How long the replica may stay unused.
    func idleLife(of object: StoredObject) -> Duration
    /// The shortest life of any replica: replicas that were used more recently need not be checked.
    var shortestIdleLife: Duration { get }
    /// A description for users.
    var summary: String { get }
}

/// The same life for every replica, counted from its last use.
package struct TimeToLive: RetentionPolicy {
    package let duration: Duration

    package init(_ duration: Duration) {
        self.duration = duration
    }

    package func idleLife(of object: StoredObject) -> Duration { duration }
    package var shortestIdleLife: Duration { duration }
    package var summary: String { "\(duration.wholeMilliseconds / 1_000)s after the last use" }
}
