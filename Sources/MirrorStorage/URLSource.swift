public import MirrorCore

/// A source that a store's service may fetch by itself, wherever it is.
public struct URLSource: Sendable, Hashable {
    /// A URL that answers GET without further fields, also for a range, for as long as a copy may take. It may contain a signature: it is only for
    /// the service, and must not be logged.
    public var url: ArtifactURL
    /// Whether every address of its host is on the public internet. A service elsewhere cannot reach other addresses, or they mean other hosts there.
    public var isPublic: Bool
    /// Bytes.
    public var size: Int64
    /// A strong entity tag with quotes; the object that is fetched must still have it.
    public var etag: String
    /// The digests of the whole object that the origin states. If there are any, the service must be able to check at least one of them.
    public var digests: [Digest]

    public init(url: ArtifactURL, isPublic: Bool, size: Int64, etag: String, digests: [Digest] = []) {
        self.url = url
        self.isPublic = isPublic
        self.size = size
        self.etag = etag
        self.digests = digests
    }
}

extension URLSource: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    public var description: String { "\(url.redacted), \(size) bytes" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: ["url": url.redacted, "size": size]) }
}
