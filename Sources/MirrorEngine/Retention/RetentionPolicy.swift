package import MirrorCore

/// Says how long a replica is worth keeping.
///
/// Asked at each sweep and never stored: a new policy applies at once to everything that is held.
package protocol RetentionPolicy: Sendable {
    /// - Returns: How long the replica may stay unused.
    func idleLife(of object: StoredObject) -> Duration
    /// No replica's life is shorter: those used since then need not be looked at.
    var shortestIdleLife: Duration { get }
    /// For people.
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
