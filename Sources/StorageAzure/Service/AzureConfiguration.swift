package import MirrorCore
package import MirrorStorage
package import StorageCloud

/// One container, and how it is reached.
package struct AzureConfiguration: Sendable {
    package typealias Access = BucketAccess

    package var container: String
    package var endpoint: AzureEndpoint
    package var access: Access
    /// What stands in front of keys in locations, such as a CDN's address; `nil` for the container's own.
    package var publicURL: ArtifactURL?
    /// What stands in front of every key in the container: empty, or text that ends with `/`.
    package let keyPrefix: String
    package var credentials: any CredentialsProvider<AzureCredentials>
    /// Sign locations where there is no account key.
    package var delegation: AzureDelegationKeys?
    /// Whether the service fetches artifacts by itself, from wherever they lie.
    package var pullsURLs = true
    /// Bytes of a block of a copy by the service.
    package var copyPartSize: Int64 = 128 << 20
    /// Blocks of one copy by the service under way at a time.
    package var copyConcurrency = 8

    /// - Parameter keyPrefix: A slash is put behind it; those in front are dropped.
    package init(
        container: String, endpoint: AzureEndpoint, access: Access = .public, publicURL: ArtifactURL? = nil, keyPrefix: String = "",
        credentials: any CredentialsProvider<AzureCredentials>, delegation: AzureDelegationKeys? = nil
    ) {
        self.container = container
        self.endpoint = endpoint
        self.access = access
        self.publicURL = publicURL
        self.keyPrefix = BucketReading.trimmed(keyPrefix)
        self.credentials = credentials
        self.delegation = delegation
    }
}
