package import MirrorCore
package import MirrorSettings

/// What the settings of pools in buckets have in common, whatever the service.
package struct BucketReading: Sendable {
    package var access = BucketAccess.public
    /// What stands in front of keys in locations; `nil` for the bucket's own URL.
    package var publicURL: ArtifactURL?
    /// Empty, or with a slash at its end.
    package var keyPrefix = ""

    /// The words of one service.
    package struct Words {
        /// What the service calls a bucket.
        let bucket: String
        /// What presigned URLs carry, and what that needs.
        let signature: String
        /// What a public URL may lead to.
        let servers: String
        /// What the server behind it has to do with presigned URLs.
        let duty: String

        package init(bucket: String = "bucket", signature: String, servers: String, duty: String) {
            self.bucket = bucket
            self.signature = signature
            self.servers = servers
            self.duty = duty
        }
    }

    package static func read(_ section: SettingsReader, prefix: SettingKind<String> = .keyPrefix, _ words: Words) -> BucketReading {
        var reading = BucketReading()
        section.value(
            "access", &reading.access, .choice(),
            doc:
                "How clients read the objects: `public` objects can be read by everyone, at plain URLs; `presigned` URLs carry "
                + words.signature)
        section.value(
            "publicURL", &reading.publicURL, .locationURL, defaultNote: "the \(words.bucket)'s own URL",
            example: "https://mirror-cdn.example.org",
            doc:
                "What redirects begin with in place of the \(words.bucket)'s own URL: \(words.servers). With presigned access the server "
                + "must \(words.duty)")
        var keyPrefix: String?
        section.value(
            "keyPrefix", &keyPrefix, prefix, example: "cloud-mirror/",
            doc: "Prefix of every key, for a \(words.bucket) that also holds other things.")
        reading.keyPrefix = keyPrefix ?? ""
        return reading
    }
}

extension BucketReading {
    /// A prefix of keys with a slash behind it, and none in front; or nothing.
    package static func trimmed(_ keyPrefix: String) -> String {
        let trimmed = keyPrefix.drop { $0 == "/" }
        return trimmed.isEmpty || trimmed.hasSuffix("/") ? String(trimmed) : "\(trimmed)/"
    }
}

extension StorageSettings {
    /// Warns of a connection without TLS.
    package func warnOfPlainHTTP(_ section: SettingsReader) {
        guard let key = plainHTTPKey else { return }
        section.warn("uses plain HTTP: anyone on the network path can read and change what is copied", key: key)
    }
}
