/// An object in a bucket that a store of the same service can copy.
public struct CopySource: Sendable, Hashable {
    /// The kind of storage, as in a pool's name: `s3`.
    public var service: String
    /// The address of the service, scheme and authority without a path: `https://s3.us-west-2.amazonaws.com`.
    public var endpoint: String
    /// The bucket's region, as the service names it.
    public var region: String
    /// The bucket's name.
    public var bucket: String
    /// The object's own name, not encoded.
    public var key: String
    /// One version of a versioned object; `nil` for the current one.
    public var version: String?
    /// Bytes.
    public var size: Int64
    /// The entity tag, with quotes; the object must still have it when it is copied.
    public var etag: String?

    public init(
        service: String, endpoint: String, region: String, bucket: String, key: String, version: String? = nil, size: Int64,
        etag: String? = nil
    ) {
        self.service = service
        self.endpoint = endpoint
        self.region = region
        self.bucket = bucket
        self.key = key
        self.version = version
        self.size = size
        self.etag = etag
    }
}
