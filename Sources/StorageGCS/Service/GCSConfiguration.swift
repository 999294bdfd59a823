package import MirrorStorage
package import StorageCloud

/// One bucket, and how it is reached.
package struct GCSConfiguration: Sendable {
    package var bucket: String
    package var endpoint = GCSEndpoint.google
    package var reading = BucketReading()
    package var credentials: any CredentialsProvider<GCSCredentials>
    /// Whether the credentials are tokens: what the JSON API does can be had with nothing else.
    package var hasTokens = true
    /// Where `pools apply` creates the bucket.
    package var location = "us"
    /// The project that the bucket is created in.
    package var project: String?

    /// The prefix of the names of uploads in progress.
    var uploadPrefix: String { "\(reading.keyPrefix)cloud-mirror-uploads/" }
}
