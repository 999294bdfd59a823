import MirrorCore
import MirrorStorage
import StorageCloud

/// What a pool requires of its bucket.
struct S3PoolTarget: PoolTarget {
    var bucket: String
    var endpoint: S3Endpoint
    var reading: BucketReading
    var retention: Duration

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
            bucket: configuration.bucket, endpoint: configuration.endpoint, reading: configuration.reading, retention: retention)
    }
}
