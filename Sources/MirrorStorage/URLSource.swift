public import MirrorCore

/// What a store's service may be told to fetch by itself, from wherever it lies.
public struct URLSource: Sendable, Hashable {
    /// Where a GET without further fields is answered, also for a range, for as long as a copy may take. It may hold a signature: it is for the service
    /// alone, and never for a log.
    public var url: ArtifactURL
    /// Whether every address of its host is one of the public internet: a service elsewhere does not reach others, or reaches what they are where it is.
    public var isPublic: Bool
    /// Bytes.
    public var size: Int64
    /// A strong entity tag with its quotes: what is fetched must still have it.
    public var etag: String
    /// What the origin states of the whole. Where there are any, the service must be able to check at least one of them.
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
