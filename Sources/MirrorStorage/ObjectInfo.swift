public import MirrorCore

/// What a store knows about an object without reading its bytes.
public struct ObjectInfo: Sendable, Hashable {
    /// The object's name in the pool.
    public var key: ObjectKey
    /// Bytes.
    public var size: Int64
    /// A strong entity tag with quotes, as in an `ETag` field; it changes whenever the bytes do.
    public var etag: String
    /// When it was stored, or replaced.
    public var lastModified: Timestamp
    /// The metadata as it was given to the upload.
    public var metadata: ObjectMetadata

    /// When the artifact was last changed, for clients: the time that the origin stated, otherwise when the object was stored.
    public var artifactLastModified: Timestamp { metadata.upstreamLastModified ?? lastModified }

    public init(key: ObjectKey, size: Int64, etag: String, lastModified: Timestamp, metadata: ObjectMetadata) {
        self.key = key
        self.size = size
        self.etag = etag
        self.lastModified = lastModified
        self.metadata = metadata
    }
}

/// The metadata that is kept with an object's bytes.
public struct ObjectMetadata: Sendable, Hashable {
    /// The origin's `Content-Type`, returned unchanged.
    public var contentType: String?
    /// The origin's `Content-Encoding`, returned unchanged.
    public var contentEncoding: String?
    /// The origin's `Content-Disposition`, returned unchanged.
    public var contentDisposition: String?

    /// The artifact's URL. Its query is returned only with ``StoreCapabilities/Features/keepsUpstreamQuery``.
    public var upstreamURL: String
    /// The origin's `ETag` with quotes; `nil` if it stated none.
    public var upstreamETag: String?
    /// The length that the origin stated, in bytes; `nil` if it stated none.
    public var upstreamContentLength: Int64?
    /// The origin's `Last-Modified`; `nil` if it stated none.
    public var upstreamLastModified: Timestamp?
    /// When the copy was made.
    public var stored: Timestamp
    /// Every URL of the redirect chain, the artifact's own first; without queries.
    public var addresses: [String]
    /// The digest; known once the upload is complete.
    public var sha256: Digest?
    /// Other fields of the origin's answer that clients look for.
    public var originFields: OriginFields

    public init(
        contentType: String? = nil, contentEncoding: String? = nil, contentDisposition: String? = nil, upstreamURL: String,
        upstreamETag: String? = nil, upstreamContentLength: Int64? = nil, upstreamLastModified: Timestamp? = nil,
        stored: Timestamp, addresses: [String] = [], sha256: Digest? = nil, originFields: OriginFields = OriginFields()
    ) {
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.contentDisposition = contentDisposition
        self.upstreamURL = upstreamURL
        self.upstreamETag = upstreamETag
        self.upstreamContentLength = upstreamContentLength
        self.upstreamLastModified = upstreamLastModified
        self.stored = stored
        self.addresses = addresses
        self.sha256 = sha256
        self.originFields = originFields
    }

    /// The names under which stores keep the fields that have no name in HTTP.
    package enum Name {
        package static let upstreamURL = "cloud-mirror-upstream-url"
        package static let upstreamETag = "cloud-mirror-upstream-etag"
        package static let upstreamContentLength = "cloud-mirror-upstream-content-length"
        package static let upstreamLastModified = "cloud-mirror-upstream-last-modified"
        package static let stored = "cloud-mirror-stored"
        package static let addresses = "cloud-mirror-addresses"
        package static let sha256 = "cloud-mirror-sha256"
        package static let originFields = "cloud-mirror-origin-fields"
        /// Also under the names that Maven Resolver looks for in answers of buckets.
        package static let checksumSHA1 = "checksum-sha1"
        package static let checksumMD5 = "checksum-md5"
    }
}
