/// The optional features of a store, and its limits.
///
/// The engine relies only on this: it never tries a call to see whether it throws
/// ``StorageError/Code/unsupported``.
public struct StoreCapabilities: Sendable, Hashable {
    /// Features that not every store has.
    public struct Features: OptionSet, Sendable, Hashable {
        public let rawValue: Int

        public init(rawValue: Int) {
            self.rawValue = rawValue
        }

        /// Parts of one upload may be written at the same time and in any order.
        public static let parallelParts = Features(rawValue: 1 << 0)
        /// The bytes of an upload can be read back before it is complete (``ObjectUpload/read(_:)``).
        public static let readsUploads = Features(rawValue: 1 << 1)
        /// Objects have no URL of their own: the mirror itself serves them.
        public static let servedByMirror = Features(rawValue: 1 << 2)
        /// Objects are files on this machine (``ObjectStore/openFile(_:)``).
        public static let opensFiles = Features(rawValue: 1 << 3)
        /// The service can copy from another of its buckets (``ObjectStore/copy(_:from:metadata:condition:)``).
        public static let serverSideCopy = Features(rawValue: 1 << 4)
        /// The service itself enforces ``WriteCondition``.
        public static let conditionalWrites = Features(rawValue: 1 << 5)
        /// Locations carry a signature and expire (``ObjectLocation/expires``).
        public static let presignedLocations = Features(rawValue: 1 << 6)
        /// A listing returns everything that ``ObjectStore/head(_:)`` returns; otherwise only the metadata that is needed to name the object.
        public static let listsMetadata = Features(rawValue: 1 << 7)
        /// The digest given to `complete` is kept for objects of several parts, too; otherwise `head` returns it only for objects of one part.
        public static let keepsDigestOfParts = Features(rawValue: 1 << 8)
        /// ``ObjectMetadata/upstreamURL`` keeps its query; otherwise, because others may read the metadata, it is returned without.
        public static let keepsUpstreamQuery = Features(rawValue: 1 << 9)
        /// The service can fetch from any URL that answers GET (``ObjectStore/pull(_:from:metadata:condition:confirm:)``).
        public static let pullsURLs = Features(rawValue: 1 << 10)

        /// Every feature with its description: the table in docs/storage-backends.md is generated from this.
        package static let all: [(feature: Features, name: String, meaning: String)] = [
            (.parallelParts, "parallelParts", "parts at the same time, in any order"),
            (.readsUploads, "readsUploads", "reads an upload back before it is complete"),
            (.serverSideCopy, "serverSideCopy", "server-side copies from another bucket of the service"),
            (.pullsURLs, "pullsURLs", "server-side fetches from any URL"),
            (.conditionalWrites, "conditionalWrites", "publishes only if there is no object yet"),
            (.presignedLocations, "presignedLocations", "signed locations that expire"),
            (.servedByMirror, "servedByMirror", "objects are served by the mirror"),
            (.opensFiles, "opensFiles", "objects are files, for `sendfile`"),
            (.listsMetadata, "listsMetadata", "listings contain all metadata of an object"),
            (.keepsDigestOfParts, "keepsDigestOfParts", "keeps the SHA-256 of objects of several parts"),
            (.keepsUpstreamQuery, "keepsUpstreamQuery", "keeps the query of the artifact's URL"),
        ]
    }

    /// The optional features of the store.
    public var features: Features
    /// Bytes.
    public var maxObjectSize: Int64
    /// Bytes; every part except the last is at least this long.
    public var minPartSize: Int64
    /// Bytes.
    public var maxPartSize: Int64
    /// 1 if an object is written with one request; the part of an object of unknown length then has an unknown length, too.
    public var maxParts: Int

    public init(
        features: Features, maxObjectSize: Int64 = .max, minPartSize: Int64 = 1, maxPartSize: Int64 = .max, maxParts: Int = .max
    ) {
        self.features = features
        self.maxObjectSize = maxObjectSize
        self.minPartSize = minPartSize
        self.maxPartSize = maxPartSize
        self.maxParts = maxParts
    }
}
