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

/// One artifact in one pool, as far as it is known. A replica that nothing is known of is absent.
public struct Replica: Sendable, Hashable {
    /// Which one it is.
    public let id: ReplicaID
    /// What is known of it.
    public var status: Status

    /// What is known of a replica that is not absent.
    public enum Status: Sendable, Hashable {
        /// A copy job is queued or under way.
        case pending
        /// The pool has its object.
        case present(StoredObject)
        /// The last copy failed; after ``CopyFailure/retryAt`` a request tries again.
        case error(CopyFailure)
        /// Its object is being deleted: nothing is handed out, and nothing is copied until it is gone.
        case removing

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

    /// The words for people, metrics and the API.
    public enum State: String, Sendable, CaseIterable {
        /// Nothing is known of it, or its object is being deleted.
        case absent
        /// A copy job is queued or under way.
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
    /// `nil` until it is known: not every pool keeps it.
    public var sha256: Digest?
    /// When it was stored, or replaced.
    public var storedAt: Timestamp
    /// Coarse: reads write it at most once in a configured while.
    public var lastUsed: Timestamp
    /// When it was found to be expired; it is still there until the grace is over, and a use clears the mark.
    public var markedAt: Timestamp?
    /// What the pool says of it, where that is known: only where clients cannot ask the pool themselves.
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

    /// Whether the other one is the same object of the pool; times of use are left aside.
    public func isSameObject(as other: StoredObject) -> Bool {
        key == other.key && size == other.size && sha256 == other.sha256 && storedAt == other.storedAt
    }
}

/// What a pool answers of an object, beside its length: the fields of a GET of it (RFC 9110 §8).
public struct Representation: Sendable, Hashable {
    /// With its quotes.
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
    /// For people; holds no query, credential or path of this machine.
    public var message: String
    /// Until then the failure is the answer; after it a request tries again.
    public var retryAt: Timestamp

    /// Why a copy failed, for callers that act on it.
    public enum Reason: Sendable, Hashable {
        /// The origin answered with this HTTP status, which is passed on.
        case origin(status: Int)
        /// The egress policy refuses the URL, or an address that it leads to.
        case refused
        /// The origin redirects to what the egress policy does not allow; clients are not bound by it.
        case redirect
        /// The origin could not be reached, or what it sent was incomplete or corrupt.
        case transfer
        /// The origin answered with a web page where the name says that it is something else.
        case content
        /// The artifact is larger than the configuration allows.
        case tooLarge
        /// The pool could not take it.
        case storage
        /// The pool is full, and nothing in it could go: what is there was used a short while ago.
        case noRoom
        /// Attempts began and never ended, because something ended the processes that made them.
        case unfinished
    }

    /// Whether another query, which is not part of the artifact's name, might have been answered otherwise: the origin refused, and did not ask for
    /// patience.
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
