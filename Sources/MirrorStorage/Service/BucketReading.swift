package import MirrorCore
package import MirrorSettings

/// How clients read a pool's objects in its bucket: the settings that pools in buckets of all services share.
package struct BucketReading: Sendable, Hashable {
    package var access: BucketAccess
    /// Replaces the bucket's own URL at the beginning of locations, such as the address of a CDN; `nil` for the bucket's own URL.
    /// With `presigned` access it must lead to the bucket with the bucket's own `Host`, if the service signs that.
    package var publicURL: ArtifactURL?
    /// The prefix of every key in the bucket: empty, or text that ends with `/`.
    package var keyPrefix: String

    /// - Parameter keyPrefix: Leading slashes are dropped, and a trailing one is added.
    package init(access: BucketAccess = .public, publicURL: ArtifactURL? = nil, keyPrefix: String = "") {
        self.access = access
        self.publicURL = publicURL
        let trimmed = keyPrefix.drop { $0 == "/" }
        self.keyPrefix = trimmed.isEmpty || trimmed.hasSuffix("/") ? String(trimmed) : "\(trimmed)/"
    }

    /// Whether clients read at a URL other than the bucket's own.
    package var isElsewhere: Bool { access == .public && publicURL != nil }

    /// A service's words in documentation and messages.
    package struct Words {
        /// The service's word for a bucket.
        let bucket: String
        /// What presigned URLs contain, and what that requires.
        let signature: String
        /// What a public URL may point to.
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

extension StorageSettings {
    /// Warns about a connection without TLS.
    package func warnOfPlainHTTP(_ section: SettingsReader) {
        guard let key = plainHTTPKey else { return }
        section.warn("uses plain HTTP: anyone on the network path can read and change what is copied", key: key)
    }
}
