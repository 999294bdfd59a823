package import MirrorCore

/// Decides how long a replica is worth keeping.
///
/// It is asked at each sweep, and its answers are never stored, so a new policy applies at once to all replicas.
package protocol RetentionPolicy: Sendable {
    /// When replicas end, unless they are used before.
    ///
    /// - Parameter replicas: Present ones of one pool, with their objects.
    /// - Returns: One time for each.
    func expiries(of replicas: [(id: ReplicaID, object: StoredObject)], in pool: Pool) async throws -> [Timestamp]
    /// The shortest life of any replica, counted from its last use: replicas that were used more recently need not be checked.
    func shortestLife(in pool: Pool) -> Duration
    /// What replicas are still worth, for choosing those that leave a full pool: the least first.
    ///
    /// - Returns: For each what it is expected to save, in dollars per byte; `nil` if the least recently used leaves first.
    func worth(of replicas: [(id: ReplicaID, object: StoredObject)], in pool: Pool, at now: Timestamp) async throws -> [Double]?
    /// How often a pool is looked through; zero for each time that it can be.
    var interval: Duration { get }
    /// Changes when all answers may have changed, so that a pool is looked through at once.
    var version: Int { get }
    /// A description for users.
    var summary: String { get }
}

/// The same life for every replica, counted from its last use.
package struct TimeToLive: RetentionPolicy {
    package let duration: Duration

    package init(_ duration: Duration) {
        self.duration = duration
    }

    package func expiries(of replicas: [(id: ReplicaID, object: StoredObject)], in pool: Pool) -> [Timestamp] {
        replicas.map { $0.object.lastUsed + duration }
    }

    package func shortestLife(in pool: Pool) -> Duration { duration }
    package func worth(of replicas: [(id: ReplicaID, object: StoredObject)], in pool: Pool, at now: Timestamp) -> [Double]? { nil }
    package var interval: Duration { .zero }
    package var version: Int { 0 }
    package var summary: String { "\(duration.wholeMilliseconds / 1_000)s after the last use" }
}
