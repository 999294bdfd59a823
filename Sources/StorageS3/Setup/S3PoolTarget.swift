import MirrorCore
package import MirrorStorage

/// What a pool wants of its bucket.
package struct S3PoolTarget: Sendable, Equatable {
    package var bucket: String
    package var endpoint: S3Endpoint
    package var access: BucketAccess
    /// Whether clients read at an address that is not the bucket's own, such as a CDN's.
    package var isReadElsewhere = false
    /// Empty, or with a slash at its end.
    package var keyPrefix = ""
    /// The longest time for which the mirror keeps an unused replica.
    package var retention: Duration

    /// The least that the lifecycle rule may say: a day more than the mirror keeps anything, in whole days as S3 counts them.
    package var leastExpiryDays: Int {
        Int(clamping: (retention.wholeMilliseconds + Self.day - 1) / Self.day) + 1
    }

    /// What a new lifecycle rule says. It counts from when an object was stored, and the mirror from its last use: the rule is there for objects
    /// that nobody remembers, and must not end those that are in use every day more often than need be.
    package var newExpiryDays: Int { max(leastExpiryDays, 30) }

    private static let day: Int64 = 86_400_000

    var publicRead: S3BucketPolicy.PublicRead {
        let partition = endpoint.isAWS ? S3ServiceHost.partition(of: endpoint.region) : .standard
        return S3BucketPolicy.PublicRead(partition: partition.rawValue, bucket: bucket, keyPrefix: keyPrefix)
    }

    var expiryRuleID: String { Self.identifier("cloud-mirror-expiry", keyPrefix) }
    var abortRuleID: String { Self.identifier("cloud-mirror-abort-uploads", keyPrefix) }

    /// The name of something of ours in a bucket. Two pools with a prefix each in one bucket have names of their own.
    static func identifier(_ name: String, _ keyPrefix: String) -> String {
        let prefix = keyPrefix.dropLast()
        guard !prefix.isEmpty else { return name }
        guard prefix.contains("/") || prefix.utf8.count > 200 else { return "\(name)-\(prefix)" }
        // Rules have at most 255 characters, and `a/b` is not `a-b`.
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
