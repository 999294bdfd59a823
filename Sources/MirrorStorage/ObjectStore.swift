public import MirrorCore

/// Drives one pool: one bucket or directory of one kind of storage.
///
/// Everything thrown is a ``StorageError``, `CancellationError` where the task was cancelled, or, out of
/// ``ObjectUpload/write(_:from:)``, what the stream itself threw, unchanged.
///
/// *Behavior* (each line is a test of the conformance suite in module MirrorTesting):
/// - An object appears whole, with its metadata, when an upload completes, and never before; an aborted upload leaves nothing.
/// - A second upload of a key replaces the object; whoever reads the first one goes on reading the first one, or gets an error, never a mixture.
/// - `head` and `get` of an absent key throw `.notFound`; `delete` of an absent key succeeds.
/// - A range beyond the end is cut off at the end; one that begins at or after the end throws `.invalidRequest`.
/// - Metadata comes back as it was given, the digest as it was given to `complete`, where the store's features say so; a type that was not given may
///   come back as `application/octet-stream`, which means the same.
/// - `list` returns every complete object exactly once, in the order of the keys, over as many pages as are asked for; with its metadata where
///   ``StoreCapabilities/Features/listsMetadata`` says so.
/// - `copy` makes the same object as an upload of the same bytes would, or leaves nothing.
/// - `delete` of many keys deletes each that can be deleted, and returns the others.
/// - `openFile` throws `.unsupported` without ``StoreCapabilities/Features/opensFiles``.
/// - Calls may be made from any task at any time.
public protocol ObjectStore: Sendable {
    /// What this store can do; the same for as long as it is open.
    var capabilities: StoreCapabilities { get }

    /// What is known of an object, without its bytes.
    ///
    /// - Throws: `.notFound` when there is no object.
    func head(_ key: ObjectKey) async throws -> ObjectInfo

    /// Opens an object for reading.
    ///
    /// - Parameter range: `nil` for the whole object.
    /// - Throws: `.notFound` when there is no object, `.invalidRequest` when the range begins at or after its end.
    func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent

    /// Begins an upload; nothing is visible under `key` until ``ObjectUpload/complete(size:sha256:condition:)``.
    ///
    /// - Parameter expectedSize: Bytes, where the origin stated them: a store may refuse early what it cannot take (`.full`, `.invalidRequest`).
    func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload

    /// What another store of the same service is told to copy one of this store's objects from (``canCopy(from:)``). Makes no network call.
    ///
    /// - Parameter size: Bytes of the object.
    /// - Parameter etag: What the object must still have; `nil` for any.
    /// - Returns: `nil` where no store copies from this one.
    func copySource(of key: ObjectKey, size: Int64, etag: String?) -> CopySource?

    /// Whether ``copy(_:from:metadata:condition:)`` is worth trying: same kind of service, in reach, and a size that it copies. Makes no network call.
    func canCopy(from source: CopySource) -> Bool

    /// Makes the service itself copy an object of another bucket, so that no byte of it passes through this process.
    ///
    /// - Parameter metadata: As for an upload; the copy's own, not the source's. With a digest, where it is known: a store whose service states one of
    ///   the copy compares them.
    /// - Throws: `.permissionDenied` or `.notFound` where the service does not let this store read the source, `.preconditionFailed` where the
    ///   source is no longer what `source` says or `condition` does not hold; `.checksumMismatch` where the copy has another size or digest;
    ///   `.unsupported` where ``canCopy(from:)`` is false.
    func copy(_ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition) async throws -> ObjectInfo

    /// Opens an object as a file, so that its bytes can be sent by the kernel. The default throws `.unsupported`.
    func openFile(_ key: ObjectKey) async throws -> ObjectFile

    /// Deletes an object; succeeds when there is none.
    func delete(_ key: ObjectKey) async throws

    /// Deletes many objects, in as few calls as the service allows.
    ///
    /// - Returns: The keys that could not be deleted, and why; a key that was absent is not among them.
    /// - Throws: What made the whole fail; nothing is known of the keys then.
    func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError]

    /// One page of the objects, in the order of their keys.
    ///
    /// - Parameter after: The last key of the page before; `nil` for the first page.
    /// - Parameter limit: 1...1000.
    /// - Returns: At most `limit` objects; fewer mean that there are no more.
    func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo]

    /// Where a client finds the object. Makes no network call.
    ///
    /// A store that signs locations signs them as at the beginning of a window of time, so that all nodes give one location for as long as the window
    /// lasts. The window, five minutes at most, is added to `life`: while more than that is left, a location is given to other clients, too.
    ///
    /// - Parameter life: How long the location must at least work, where it is one that ends.
    func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation

    /// Throws when the pool cannot take objects now, in words that say what to do; cheap enough for a readiness check.
    func checkHealth() async throws

    /// How much the place can take that the store writes to, where that has an end: asked for at each look at the metrics, and while copies are made.
    ///
    /// - Returns: `nil` where there is no such limit.
    func space() async throws -> StoreSpace?
}

extension ObjectStore {
    public func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        throw StorageError(.unsupported, "this store keeps no files", operation: "openFile")
    }

    public func space() async throws -> StoreSpace? { nil }

    public func copySource(of key: ObjectKey, size: Int64, etag: String?) -> CopySource? { nil }

    public func canCopy(from source: CopySource) -> Bool { false }

    public func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        throw StorageError(.unsupported, "this store copies nothing by itself", operation: "copy")
    }

    public func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] { try await deleteOneByOne(keys) }

    /// For a service that knows no batches.
    package func deleteOneByOne(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        var failures: [ObjectKey: StorageError] = [:]
        for key in keys {
            do {
                try await delete(key)
            } catch let error as StorageError {
                failures[key] = error
            }
        }
        return failures
    }
}

/// An upload that is under way.
///
/// *Behavior*:
/// - Parts may be written at the same time where ``StoreCapabilities/Features/parallelParts`` says so; elsewhere one after the other in order.
/// - A part may be written again after it failed; the last writing counts.
/// - `complete` throws `.invalidRequest` unless the bytes written are exactly 0..<`size`, and leaves nothing visible then.
/// - `abort` may be called at any time, also twice or after `complete`, and never undoes a completed upload.
/// - `read` throws `.unsupported` without ``StoreCapabilities/Features/readsUploads``.
public protocol ObjectUpload: Sendable {
    /// Writes one part from a stream, to its end.
    ///
    /// - Returns: The bytes written.
    /// - Throws: `.invalidRequest` when `part` states a length and the stream is longer or shorter.
    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64

    /// Reads bytes that were written before.
    func read(_ range: ByteRange) async throws -> ByteStream

    /// Publishes the object in one step, durably: it survives the machine's crash after this returns.
    ///
    /// - Parameter condition: What must hold of the key in that moment. A store without ``StoreCapabilities/Features/conditionalWrites`` looks before at
    ///   most, or takes no notice.
    /// - Throws: `.preconditionFailed` when it does not hold; the upload is gone then.
    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo

    /// Removes what was written, unless the upload is complete.
    func abort() async
}

extension ObjectUpload {
    /// Publishes the object on no condition.
    public func complete(size: Int64, sha256: Digest) async throws -> ObjectInfo {
        try await complete(size: size, sha256: sha256, condition: .none)
    }
}

/// What must hold of a key for an object to be published under it.
public enum WriteCondition: Sendable, Hashable {
    /// Nothing: an object that is there is replaced.
    case none
    /// There is no object: `If-None-Match: *` (RFC 9110 §13.1.2). Whoever comes late replaces nothing.
    case absent
}

/// One part of an upload.
public struct UploadPart: Sendable, Hashable {
    /// From 0, without gaps.
    public var number: Int
    /// Where it begins in the object, in bytes.
    public var offset: Int64
    /// Bytes; `nil` when only the stream's end tells.
    public var length: Int64?

    public init(number: Int, offset: Int64, length: Int64?) {
        self.number = number
        self.offset = offset
        self.length = length
    }
}

/// An object's bytes, or a range of them.
public struct ObjectContent: Sendable {
    /// What is known of the whole object.
    public var info: ObjectInfo
    /// What `body` holds of the object: as asked for, cut off at the object's end; `nil` for the whole.
    public var range: ByteRange?
    /// The bytes, as they arrive.
    public var body: ByteStream

    public init(info: ObjectInfo, range: ByteRange?, body: ByteStream) {
        self.info = info
        self.range = range
        self.body = body
    }
}

/// Where a client finds an object.
public struct ObjectLocation: Sendable, Hashable {
    /// An absolute URL; from a store with ``StoreCapabilities/Features/servedByMirror`` a path on the mirror's own address.
    public var url: String
    /// When it stops working; `nil` for never.
    public var expires: Timestamp?

    public init(url: String, expires: Timestamp? = nil) {
        self.url = url
        self.expires = expires
    }
}
