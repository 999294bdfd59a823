package import MirrorCore
import MirrorSettings
package import MirrorStorage

/// What a pool in a bucket has beside the bucket.
package struct GCSPoolSettings: StorageSettings {
    package var bucket: GCSBucketSettings
    package var access: GCSConfiguration.Access = .public
    /// What stands in front of keys in locations; `nil` for the bucket's own URL.
    package var publicURL: ArtifactURL?
    /// Empty, or with a slash at its end.
    package var keyPrefix = ""
    /// Where the bucket is, or is to be.
    package var location: String
    /// The project that the bucket is created in.
    package var project: String?

    package func clash(with other: GCSPoolSettings, called name: String) -> SettingsClash? {
        guard bucket.isSame(as: other.bucket), keyPrefix == other.keyPrefix else { return nil }
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
        var access = GCSConfiguration.Access.public
        section.value(
            "access", &access, .choice(),
            doc:
                "How clients read the objects: `public` objects can be read by everyone, at plain URLs; `presigned` URLs carry a "
                + "signature by the mirror, and expire. A signature needs a service account or an HMAC key."
        )
        var publicURL: ArtifactURL?
        section.value(
            "publicURL", &publicURL, .locationURL, defaultNote: "the bucket's own URL", example: "https://mirror-cdn.example.org",
            doc:
                "What redirects begin with in place of the bucket's own URL: a CDN, a load balancer, a proxy. With presigned access the "
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
        return GCSPoolSettings(
            bucket: bucket, access: access, publicURL: publicURL, keyPrefix: keyPrefix ?? "",
            location: region ?? pool.region, project: project)
    }
}
