package import MirrorCore
package import MirrorStorage
package import StorageCloud

/// One bucket, and how it is reached.
package struct GCSConfiguration: Sendable {
    package typealias Access = BucketAccess

    package var bucket: String
    package var endpoint: GCSEndpoint
    package var access: Access
    /// What stands in front of keys in locations, such as a CDN's address; `nil` for the bucket's own.
    /// With `presigned` access it must lead to the bucket with its own `Host`, which is part of the signature.
    package var publicURL: ArtifactURL?
    /// What stands in front of every key in the bucket: empty, or text that ends with `/`.
    package let keyPrefix: String
    package var credentials: any CredentialsProvider<GCSCredentials>
    /// Whether the credentials are tokens: what the JSON API does can be had with nothing else.
    package var hasTokens: Bool
    /// Where `pools apply` creates the bucket.
    package var location: String
    /// The project that the bucket is created in.
    package var project: String?

    /// - Parameter keyPrefix: A slash is put behind it; those in front are dropped.
    package init(
        bucket: String, endpoint: GCSEndpoint = .google, access: Access = .public, publicURL: ArtifactURL? = nil, keyPrefix: String = "",
        credentials: any CredentialsProvider<GCSCredentials>, hasTokens: Bool = true, location: String = "us", project: String? = nil
    ) {
        self.bucket = bucket
        self.endpoint = endpoint
        self.access = access
        self.publicURL = publicURL
        self.keyPrefix = BucketReading.trimmed(keyPrefix)
        self.credentials = credentials
        self.hasTokens = hasTokens
        self.location = location
        self.project = project
    }

    /// What stands in front of the names of uploads under way.
    var uploadPrefix: String { "\(keyPrefix)cloud-mirror-uploads/" }
}
