package import MirrorStorage
package import StorageCloud

/// One bucket, and how to reach it.
package struct S3Configuration: Sendable {
    package var bucket: String
    package var endpoint: S3Endpoint
    package var reading = BucketReading()
    package var credentials: any CredentialsProvider<S3Credentials>
    /// What the server at the endpoint refuses; shared by all buckets of the endpoint.
    package var quirks = S3ServiceQuirks()
    /// Bytes of a part of a server-side copy, 5 MiB...5 GiB.
    package var copyPartSize: Int64 = 128 << 20
    /// Concurrent parts of one server-side copy.
    package var copyConcurrency = 8
}
