/// How long a pool keeps replicas, and how much it may hold.
package struct RetentionConfiguration: Sendable, Equatable {
    /// The percentage of its file system that a local pool may hold if nothing else is configured.
    package static let shareOfDisk: Int64 = 80

    /// How long a replica is kept after its last use.
    package var timeToLive: Duration
    package var maxBytes: MaxBytes
    /// The space that stays free on the file system of a local pool.
    package var minFreeBytes: Int64
    /// The time between the mark and the deletion of a replica, so that a client that was just redirected to it still gets its artifact.
    package var grace: Duration

    package init(
        timeToLive: Duration = .seconds(24 * 3_600), maxBytes: MaxBytes = .none, minFreeBytes: Int64 = 64 << 20,
        grace: Duration = .seconds(60)
    ) {
        self.timeToLive = timeToLive
        self.maxBytes = maxBytes
        self.minFreeBytes = minFreeBytes
        self.grace = grace
    }

    package var policy: any RetentionPolicy { TimeToLive(timeToLive) }

    /// What a pool may hold.
    package enum MaxBytes: Sendable, Equatable {
        case none
        case bytes(Int64)
        /// ``RetentionConfiguration/shareOfDisk`` of the file system, shared by the local pools on it that have no limit of their own.
        case shareOfDisk
    }
}
