import MirrorCore
package import MirrorStorage

/// What a pool wants of its bucket.
package struct GCSPoolTarget: Sendable, Equatable {
    package var bucket: String
    package var endpoint: GCSEndpoint
    package var access: BucketAccess
    /// Whether clients read at an address that is not the bucket's own, such as a CDN's.
    package var isReadElsewhere: Bool
    /// Empty, or with a slash at its end.
    package var keyPrefix: String
    /// What the names of uploads under way begin with.
    package var uploadPrefix: String
    /// `us-central1`
    package var location: String
    package var project: String?
    /// The longest time for which the mirror keeps an unused replica.
    package var retention: Duration

    package init(_ configuration: GCSConfiguration, retention: Duration) {
        bucket = configuration.bucket
        endpoint = configuration.endpoint
        access = configuration.reading.access
        isReadElsewhere = configuration.reading.isElsewhere
        keyPrefix = configuration.reading.keyPrefix
        uploadPrefix = configuration.uploadPrefix
        location = configuration.location
        project = configuration.project
        self.retention = retention
    }

    /// The least that the lifecycle rule may say: a day more than the mirror keeps anything, in whole days as the service counts them.
    package var leastExpiryDays: Int64 {
        (retention.wholeMilliseconds + Self.day - 1) / Self.day + 1
    }

    /// What a new lifecycle rule says. It counts from when an object was stored, and the mirror from its last use: the rule is there for objects
    /// that nobody remembers, and must not end those that are in use every day more often than need be.
    package var newExpiryDays: Int64 { max(leastExpiryDays, 30) }

    private static let day: Int64 = 86_400_000

    /// For messages.
    var objects: String { keyPrefix.isEmpty ? "objects" : "objects under \(keyPrefix)" }
}
