import MirrorCore
package import MirrorStorage

/// What a pool requires of its bucket.
package protocol PoolTarget: Sendable, Equatable {
    /// How clients read the objects.
    var reading: BucketReading { get }
    /// The longest time for which the mirror keeps an unused replica.
    var retention: Duration { get }
}

extension PoolTarget {
    /// Empty, or with a trailing slash.
    package var keyPrefix: String { reading.keyPrefix }

    /// For messages.
    package var objects: String { keyPrefix.isEmpty ? "objects" : "objects under \(keyPrefix)" }

    /// The minimum for a lifecycle rule: one day more than the mirror keeps anything, in whole days as services count them.
    package var leastExpiryDays: Int {
        let day: Int64 = 86_400_000
        return Int(clamping: (retention.wholeMilliseconds + day - 1) / day) + 1
    }

    /// The days in a new lifecycle rule. The rule counts from when an object was stored, the mirror from its last use. The rule is for objects
    /// that no record mentions, and should not delete objects in daily use more often than necessary.
    package var newExpiryDays: Int { max(leastExpiryDays, 30) }
}
