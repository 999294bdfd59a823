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
    /// Whether the service fetches artifacts by itself from their origins.
    package var pullsURLs = true
    /// The size of a block in a copy by the service, in bytes.
    package var copyPartSize: Int64 = 128 << 20
    /// How many blocks of one copy by the service may be in progress at the same time.
    package var copyConcurrency = 8
}
