/// Names a replica: one artifact in one pool.
public struct ReplicaID: Sendable, Hashable, CustomStringConvertible {
    /// What is stored.
    public let artifact: ArtifactURL
    /// Where it is stored.
    public let pool: PoolID

    public init(artifact: ArtifactURL, pool: PoolID) {
        self.artifact = artifact
        self.pool = pool
    }

    /// Safe for logs: without the artifact's query.
    public var description: String { "\(pool) \(artifact.redacted)" }
}

/// What is known about one artifact in one pool. A replica about which nothing is known is absent.
public struct Replica: Sendable, Hashable {
    /// The artifact and the pool.
    public let id: ReplicaID
    /// What is known about it.
    public var status: Status

    /// What is known about a replica that is not absent.
    public enum Status: Sendable, Hashable {
        /// A copy job is queued or in progress.
        case pending
        /// The pool has its object.
        case present(StoredObject)
        /// The last copy failed; after ``CopyFailure/retryAt`` a request tries again.
        case error(CopyFailure)
        /// Its object is being deleted: clients are not redirected to it, and nothing is copied until it is gone.
        case removing

        /// The status in one word; a replica whose object is being deleted is absent.
        public var state: State {
            switch self {
            case .pending: .pending
            case .present: .present
            case .error: .error
            case .removing: .absent
            }
        }
    }

    public init(id: ReplicaID, status: Status) {
        self.id = id
        self.status = status
    }

    /// The status in one word; a replica whose object is being deleted is absent.
    public var state: State { status.state }

    /// The words that users, metrics and the API see.
    public enum State: String, Sendable, CaseIterable {
        /// Nothing is known about it, or its object is being deleted.
        case absent
        /// A copy job is queued or in progress.
        case pending
        /// The pool has its object.
        case present
        /// The last copy failed.
        case error
    }
}

/// What a pool holds for a present replica.
public struct StoredObject: Sendable, Hashable {
    /// The object's name in the pool.
    public var key: ObjectKey
    /// Bytes.
    public var size: Int64
    /// `nil` until it is known, because not every pool keeps it.
    public var sha256: Digest?
    /// When it was stored, or replaced.
    public var storedAt: Timestamp
    /// Coarse: a use updates it at most once in an interval.
    public var lastUsed: Timestamp
    /// When it was found to be expired; the object stays until the grace period has passed, and a use clears the mark.
    public var markedAt: Timestamp?
    /// The pool's header fields for it, if known: only for pools that clients cannot ask themselves.
    public var representation: Representation?

    public init(
        key: ObjectKey, size: Int64, sha256: Digest?, storedAt: Timestamp, lastUsed: Timestamp, markedAt: Timestamp? = nil,
        representation: Representation? = nil
    ) {
        self.key = key
        self.size = size
        self.sha256 = sha256
        self.storedAt = storedAt
        self.lastUsed = lastUsed
        self.markedAt = markedAt
        self.representation = representation
    }

    /// Whether the other one is the same object in the pool; times of use are ignored.
    public func isSameObject(as other: StoredObject) -> Bool {
        key == other.key && size == other.size && sha256 == other.sha256 && storedAt == other.storedAt
    }
}

/// What a pool states about an object besides its length: the header fields of a GET (RFC 9110 §8).
public struct Representation: Sendable, Hashable {
    /// With quotes.
    public var etag: String
    /// The field `Last-Modified`.
    public var lastModified: Timestamp
    /// The field `Content-Type`.
    public var contentType: String?
    /// The field `Content-Encoding`.
    public var contentEncoding: String?
    /// The field `Content-Disposition`.
    public var contentDisposition: String?

    public init(
        etag: String, lastModified: Timestamp, contentType: String? = nil, contentEncoding: String? = nil,
        contentDisposition: String? = nil
    ) {
        self.etag = etag
        self.lastModified = lastModified
        self.contentType = contentType
        self.contentEncoding = contentEncoding
        self.contentDisposition = contentDisposition
    }
}

/// Why an artifact could not be copied.
public struct CopyFailure: Error, Sendable, Hashable {
    /// What decides how clients are answered.
    public var reason: Reason
    /// For users; contains no query, credential or path of this machine.
    public var message: String
    /// Until then the failure is the answer; after that a request tries again.
    public var retryAt: Timestamp

    /// Why a copy failed, for callers that act on it.
    public enum Reason: Sendable, Hashable {
        /// The origin answered with this HTTP status, which is passed on.
        case origin(status: Int)
        /// The egress policy refuses the URL, or an address that it leads to.
        case refused
        /// The origin redirects to a destination that the egress policy does not allow; the policy does not bind clients.
        case redirect
        /// The origin could not be reached, or what it sent was incomplete or corrupt.
        case transfer
        /// The origin answered with a web page although the name suggests something else.
        case content
        /// The artifact is larger than the configuration allows.
        case tooLarge
        /// The pool could not take it.
        case storage
        /// The pool is full, and nothing in it could be deleted, because everything was used recently.
        case noRoom
        /// Attempts began but never ended, because the processes that made them ended.
        case unfinished
    }

    /// Whether the origin might have answered differently to another query that is not part of the artifact's name: it refused, and did not ask to
    /// try later.
    package var mayBeOfQuery: Bool {
        guard case .origin(let status) = reason else { return false }
        return (400..<500).contains(status) && ![408, 425, 429].contains(status)
    }

    public init(reason: Reason, message: String, retryAt: Timestamp) {
        self.reason = reason
        self.message = message
        self.retryAt = retryAt
    }
}
