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

    /// How far ahead of the store's clock a use may be. Machines' clocks differ; what is further ahead was noted by a clock that was wrong.
    private static let maxAhead = Duration.seconds(3_600)

    /// The time of a use as stores keep it: one that is too far ahead counts as one now. Otherwise nothing would expire until then.
    package static func time(_ time: Timestamp, at now: Timestamp) -> Timestamp { time <= now + maxAhead ? time : now }
}
