import MirrorCore
package import MirrorStorage

/// What a pool requires of its bucket.
package struct S3PoolTarget: Sendable, Equatable {
    package var bucket: String
    package var endpoint: S3Endpoint
    package var access: BucketAccess
    /// Whether clients read at a URL other than the bucket's own, such as a CDN's.
    package var isReadElsewhere = false
    /// Empty, or with a trailing slash.
    package var keyPrefix = ""
    /// The longest time for which the mirror keeps an unused replica.
    package var retention: Duration

    /// The minimum for the lifecycle rule: one day more than the mirror keeps anything, in whole days as S3 counts them.
    package var leastExpiryDays: Int {
        Int(clamping: (retention.wholeMilliseconds + Self.day - 1) / Self.day) + 1
    }

    /// The days in a new lifecycle rule. The rule counts from when an object was stored, the mirror from its last use. The rule is for objects
    /// that no record mentions, and should not delete objects in daily use more often than necessary.
    package var newExpiryDays: Int { max(leastExpiryDays, 30) }

    private static let day: Int64 = 86_400_000

    var publicRead: S3BucketPolicy.PublicRead {
        let partition = endpoint.isAWS ? S3ServiceHost.partition(of: endpoint.region) : .standard
        return S3BucketPolicy.PublicRead(partition: partition.rawValue, bucket: bucket, keyPrefix: keyPrefix)
    }

    var expiryRuleID: String { Self.identifier("cloud-mirror-expiry", keyPrefix) }
    var abortRuleID: String { Self.identifier("cloud-mirror-abort-uploads", keyPrefix) }

    /// The name of our statement or rule in a bucket. If two pools with different prefixes share a bucket, their names differ.
    static func identifier(_ name: String, _ keyPrefix: String) -> String {
        let prefix = keyPrefix.dropLast()
        guard !prefix.isEmpty else { return name }
        guard prefix.contains("/") || prefix.utf8.count > 200 else { return "\(name)-\(prefix)" }
        // Rule names have at most 255 characters, and `a/b` must differ from `a-b`.
        let words = String(prefix.prefix(200).map { $0 == "/" ? "-" : $0 })
        var check = CRC32C()
        Array(prefix.utf8).withUnsafeBytes { check.update($0) }
        return "\(name)-\(words)-\(Hex.encode(check.bytes))"
    }
}

extension S3PoolTarget {
    init(_ configuration: S3Configuration, retention: Duration) {
        self.init(
            bucket: configuration.bucket, endpoint: configuration.endpoint, access: configuration.reading.access,
            isReadElsewhere: configuration.reading.isElsewhere, keyPrefix: configuration.reading.keyPrefix,
            retention: retention)
    }
}
