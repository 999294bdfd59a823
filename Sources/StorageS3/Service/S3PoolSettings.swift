import MirrorCore
import MirrorSettings
package import MirrorStorage

/// The settings of a pool in a bucket, including those of the bucket.
package struct S3PoolSettings: StorageSettings {
    package var bucket: S3BucketSettings
    package var reading = BucketReading()

    package func clash(with other: S3PoolSettings, called name: String) -> SettingsClash? {
        guard bucket.isSame(as: other.bucket), reading.keyPrefix == other.reading.keyPrefix else { return nil }
        return SettingsClash(
            key: "bucket", message: "is already the bucket of \(name); give each pool its own bucket or keyPrefix")
    }
}

extension S3PoolSettings {
    /// - Parameter pool: Its region is the default signing region.
    /// - Returns: `nil` after recording a problem.
    static func read(_ section: SettingsReader, of pool: PoolID) -> S3PoolSettings? {
        let bucket = S3BucketSettings.read(section, example: "my-mirror-eu-central-1", fallbackRegion: pool.region)
        let reading = BucketReading.read(
            section,
            .init(
                signature: "a signature by the mirror, and expire.", servers: "a CDN, a VPC endpoint, a proxy",
                duty: "receive the `Host` and the path given here, because both are signed."))
        guard let bucket else { return nil }
        if reading.access == .presigned, bucket.credentials == .anonymous {
            section.report("cannot be presigned without credentials; remove `credentials: anonymous`", key: "access")
        }
        bucket.warnOfPlainHTTP(section)
        return S3PoolSettings(bucket: bucket, reading: reading)
    }
}
