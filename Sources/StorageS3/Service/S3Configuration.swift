package import MirrorCore
package import MirrorStorage
package import StorageCloud

/// One bucket, and how it is reached.
package struct S3Configuration: Sendable {
    package typealias Access = BucketAccess

    package var bucket: String
    package var endpoint: S3Endpoint
    package var access: Access
    /// What stands in front of keys in locations, such as a CDN's or a VPC endpoint's address; `nil` for the bucket's own.
    /// With `presigned` access it must lead to the bucket with its own `Host`, which is part of the signature.
    package var publicURL: ArtifactURL?
    /// What stands in front of every key in the bucket: empty, or text that ends with `/`.
    package let keyPrefix: String
    package var credentials: any CredentialsProvider<S3Credentials>
    /// What the server at the endpoint was found to refuse; shared by all buckets of the endpoint.
    package var quirks = S3ServiceQuirks()
    /// Bytes of a part of a server-side copy, 5 MiB...5 GiB.
    package var copyPartSize: Int64 = 128 << 20
    /// Parts of one server-side copy under way at a time.
    package var copyConcurrency = 8

    /// - Parameter keyPrefix: A slash is put behind it; those in front are dropped.
    package init(
        bucket: String, endpoint: S3Endpoint, access: Access = .public, publicURL: ArtifactURL? = nil, keyPrefix: String = "",
        credentials: any CredentialsProvider<S3Credentials>
    ) {
        self.bucket = bucket
        self.endpoint = endpoint
        self.access = access
        self.publicURL = publicURL
        self.keyPrefix = BucketReading.trimmed(keyPrefix)
        self.credentials = credentials
    }
}
