package import MirrorStorage
package import StorageCloud

/// One container, and how it is reached.
package struct AzureConfiguration: Sendable {
    package var container: String
    package var endpoint: AzureEndpoint
    package var reading = BucketReading()
    package var credentials: any CredentialsProvider<AzureCredentials>
    /// Sign locations where there is no account key.
    package var delegation: AzureDelegationKeys?
    /// Whether the service fetches artifacts by itself, from wherever they lie.
    package var pullsURLs = true
    /// Bytes of a block of a copy by the service.
    package var copyPartSize: Int64 = 128 << 20
    /// Blocks of one copy by the service under way at a time.
    package var copyConcurrency = 8
}
