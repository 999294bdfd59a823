package import MirrorStorage
package import StorageCloud

/// One bucket, and how it is reached.
package struct GCSConfiguration: Sendable {
    package var bucket: String
    package var endpoint: GCSEndpoint
    package var reading: BucketReading
    package var credentials: any CredentialsProvider<GCSCredentials>
    /// Whether the credentials are tokens: what the JSON API does can be had with nothing else.
    package var hasTokens: Bool
    /// Where `pools apply` creates the bucket.
    package var location: String
    /// The project that the bucket is created in.
    package var project: String?

    package init(
        bucket: String, endpoint: GCSEndpoint = .google, reading: BucketReading = BucketReading(),
        credentials: any CredentialsProvider<GCSCredentials>, hasTokens: Bool = true, location: String = "us", project: String? = nil
    ) {
        self.bucket = bucket
        self.endpoint = endpoint
        self.reading = reading
        self.credentials = credentials
        self.hasTokens = hasTokens
        self.location = location
        self.project = project
    }

    /// What stands in front of the names of uploads under way.
    var uploadPrefix: String { "\(reading.keyPrefix)cloud-mirror-uploads/" }
}
