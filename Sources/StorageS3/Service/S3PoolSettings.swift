package import MirrorCore
import MirrorSettings
package import MirrorStorage

/// What a pool in a bucket has beside the bucket.
package struct S3PoolSettings: StorageSettings {
    package var bucket: S3BucketSettings
    package var access: S3Configuration.Access = .public
    /// What stands in front of keys in locations; `nil` for the bucket's own URL.
    package var publicURL: ArtifactURL?
    /// Empty, or with a slash at its end.
    package var keyPrefix = ""

    package func clash(with other: S3PoolSettings, called name: String) -> SettingsClash? {
        guard bucket.isSame(as: other.bucket), keyPrefix == other.keyPrefix else { return nil }
        return SettingsClash(
            key: "bucket", message: "is already the bucket of \(name); give each pool its own bucket or keyPrefix")
    }
}

extension S3PoolSettings {
    /// - Parameter pool: Its region is the one that requests are signed for, unless the section says another.
    /// - Returns: `nil` after recording a problem.
    static func read(_ section: SettingsReader, of pool: PoolID) -> S3PoolSettings? {
        let bucket = S3BucketSettings.read(section, example: "my-mirror-eu-central-1", fallbackRegion: pool.region)
        var access = S3Configuration.Access.public
        section.value(
            "access", &access, .choice(),
            doc:
                "How clients read the objects: `public` objects can be read by everyone, at plain URLs; `presigned` URLs carry a "
                + "signature by the mirror, and expire."
        )
        var publicURL: ArtifactURL?
        section.value(
            "publicURL", &publicURL, .locationURL, defaultNote: "the bucket's own URL", example: "https://mirror-cdn.example.org",
            doc:
                "What redirects begin with in place of the bucket's own URL: a CDN, a VPC endpoint, a proxy. With presigned access the "
                + "server must receive the `Host` and the path given here, because both are signed.")
        var keyPrefix: String?
        section.value(
            "keyPrefix", &keyPrefix, .keyPrefix, example: "cloud-mirror/",
            doc: "Prefix of every key, for a bucket that also holds other things.")
        guard let bucket else { return nil }
        if access == .presigned, bucket.credentials == .anonymous {
            section.report("cannot be presigned without credentials; remove `credentials: anonymous`", key: "access")
        }
        if let key = bucket.plainHTTPKey {
            section.warn("uses plain HTTP: anyone on the network path can read and change what is copied", key: key)
        }
        return S3PoolSettings(bucket: bucket, access: access, publicURL: publicURL, keyPrefix: keyPrefix ?? "")
    }
}
