package import Retention

/// How long a pool keeps replicas, and how much it may hold.
package struct RetentionConfiguration: Sendable, Equatable {
    /// The percentage of its file system that a local pool may hold if nothing else is configured.
    package static let shareOfDisk: Int64 = 80

    /// What decides how long a replica is kept.
    package var policy: Policy
    /// How long a replica is kept after its last use, where that is the policy.
    package var timeToLive: Duration
    /// Prices of this pool that are known better than the price table has them.
    package var price: PriceTable.Override
    package var maxBytes: MaxBytes
    /// The space that stays free on the file system of a local pool.
    package var minFreeBytes: Int64
    /// The time between the mark and the deletion of a replica, so that a client that was just redirected to it still gets its artifact.
    package var grace: Duration

    package init(
        timeToLive: Duration = .seconds(24 * 3_600), maxBytes: MaxBytes = .none, minFreeBytes: Int64 = 64 << 20,
        grace: Duration = .seconds(60), policy: Policy = .ttl, price: PriceTable.Override = PriceTable.Override()
    ) {
        self.policy = policy
        self.timeToLive = timeToLive
        self.price = price
        self.maxBytes = maxBytes
        self.minFreeBytes = minFreeBytes
        self.grace = grace
    }

    package enum Policy: String, Sendable, CaseIterable {
        /// As long as it is expected to save more than its storage costs, according to earlier uses.
        case cost
        /// ``RetentionConfiguration/timeToLive`` after the last use.
        case ttl
    }

    /// What a pool may hold.
    package enum MaxBytes: Sendable, Equatable {
        case none
        case bytes(Int64)
        /// ``RetentionConfiguration/shareOfDisk`` of the file system, shared by the local pools on it that have no limit of their own.
        case shareOfDisk
    }
}
