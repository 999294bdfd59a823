import MirrorCore
import MirrorSettings
package import MirrorStorage

/// What a pool in a bucket has beside the bucket.
package struct GCSPoolSettings: StorageSettings {
    package var bucket: GCSBucketSettings
    package var reading = BucketReading()
    /// The location of the bucket, existing or to be created.
    package var location: String
    /// The project that the bucket is created in.
    package var project: String?

    package func clash(with other: GCSPoolSettings, called name: String) -> SettingsClash? {
        guard bucket.isSame(as: other.bucket), reading.keyPrefix == other.reading.keyPrefix else { return nil }
        return SettingsClash(
            key: "bucket", message: "is already the bucket of \(name); give each pool its own bucket or keyPrefix")
    }
}

extension GCSPoolSettings {
    /// - Parameter pool: Its region is the bucket's location, unless the section says another.
    /// - Returns: `nil` after recording a problem.
    static func read(_ section: SettingsReader, of pool: PoolID) -> GCSPoolSettings? {
        let bucket = GCSBucketSettings.read(section, example: "my-mirror-us-central1")
        var region: String?
        section.value(
            "region", &region, .location, defaultNote: "the region in the pool's name", example: "us-central1",
            doc: "The bucket's location, if it is not the region in the pool's name: `pools apply` creates the bucket there.")
        var project: String?
        section.value(
            "project", &project, .project, example: "my-project",
            doc: "The project that `pools apply` creates the bucket in. Nothing else needs it.")
        let reading = BucketReading.read(
            section,
            .init(
                signature: "a signature by the mirror, and expire. A signature needs a service account or an HMAC key.",
                servers: "a CDN, a load balancer, a proxy", duty: "receive the `Host` and the path given here, because both are signed."))
        guard let bucket else { return nil }
        if reading.access == .presigned, bucket.credentials == .anonymous {
            section.report("cannot be presigned without credentials; remove `credentials: anonymous`", key: "access")
        }
        bucket.warnOfPlainHTTP(section)
        return GCSPoolSettings(
            bucket: bucket, reading: reading,
            location: region ?? pool.region, project: project)
    }
}
