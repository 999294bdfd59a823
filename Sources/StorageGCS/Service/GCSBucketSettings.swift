import MirrorCore
import MirrorSettings
package import MirrorStorage

/// A bucket of Google Cloud Storage, and how it is reached.
package struct GCSBucketSettings: StorageSettings {
    package var name: String
    package var endpoint = GCSEndpoint.google
    package var credentials: GCSCredentialSettings = .chain

    /// Whether both are the same bucket, whatever the way to it.
    func isSame(as other: GCSBucketSettings) -> Bool {
        // Google's names are unique in the world, whichever of its endpoints is used; elsewhere each server has its own.
        name == other.name && (endpoint == other.endpoint || endpoint.isGoogle && other.endpoint.isGoogle)
    }

    package func clash(with other: GCSBucketSettings, called name: String) -> SettingsClash? {
        isSame(as: other) ? SettingsClash(key: "bucket", message: "is already the bucket of \(name)") : nil
    }

    package var plainHTTPKey: String? { endpoint.scheme == .http ? "endpoint" : nil }
}

extension GCSBucketSettings {
    /// Reads the keys that say which bucket is meant and how it is reached.
    ///
    /// - Returns: `nil` after recording a problem.
    static func read(_ reader: SettingsReader, example: String) -> GCSBucketSettings? {
        let name = reader.required("bucket", .bucketName, example: example, doc: "The bucket's name.")
        var endpoint: ArtifactURL?
        reader.value(
            "endpoint", &endpoint, .endpoint, defaultNote: "https://\(GCSEndpoint.google.host)", example: "https://storage.example.org",
            doc:
                "The server, if it is not Google's own: scheme, host and port of a private endpoint, or of Cloud Storage in another "
                + "universe. Otherwise credentials are sent only to Google's hosts.")
        let credentials = GCSCredentialSettings.read(reader)
        guard let name else { return nil }
        return GCSBucketSettings(name: name, endpoint: endpoint.map { GCSEndpoint($0) } ?? .google, credentials: credentials)
    }
}
