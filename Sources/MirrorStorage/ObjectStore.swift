public import MirrorCore

/// Drives one pool: one bucket or directory of one kind of storage.
///
/// All errors are ``StorageError``, `CancellationError` if the task was cancelled, or, from
/// ``ObjectUpload/write(_:from:)``, those that the stream itself threw, unchanged.
///
/// *Behavior* (each line is a test of the conformance suite in module MirrorTesting):
/// - An object appears as a whole, with its metadata, when an upload completes, and never before; an aborted upload leaves nothing.
/// - A second upload of a key replaces the object; a reader of the first object still reads the first one, or gets an error, but never a mixture.
/// - `head` and `get` of an absent key throw `.notFound`; `delete` of an absent key succeeds.
/// - A range beyond the end is cut off at the end; one that begins at or after the end throws `.invalidRequest`.
/// - Metadata is returned unchanged, and so is the digest given to `complete`, if the store's features say so; a missing type may be returned as
///   `application/octet-stream`, which means the same.
/// - `list` returns every complete object exactly once, in the order of the keys, over as many pages as are asked for; with its metadata where
///   ``StoreCapabilities/Features/listsMetadata`` says so.
/// - `copy` and `pull` create the same object as an upload of the same bytes, or leave nothing.
/// - `delete` of many keys deletes each that can be deleted, and returns the others.
/// - `openFile` throws `.unsupported` without ``StoreCapabilities/Features/opensFiles``.
/// - Calls may be made from any task at any time.
public protocol ObjectStore: Sendable {
    /// The capabilities of this store; they do not change while it is open.
    var capabilities: StoreCapabilities { get }

    /// What is known about an object, without its bytes.
    ///
    /// - Throws: `.notFound` if there is no object.
    func head(_ key: ObjectKey) async throws -> ObjectInfo

    /// Opens an object for reading.
    ///
    /// - Parameter range: `nil` for the whole object.
    /// - Throws: `.notFound` if there is no object, `.invalidRequest` if the range begins at or after its end.
    func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent

    /// Begins an upload; nothing is visible under `key` until ``ObjectUpload/complete(size:sha256:condition:)``.
    ///
    /// - Parameter expectedSize: The size in bytes, if the origin stated it: a store may refuse an object early (`.full`, `.invalidRequest`).
    func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload

    /// The source from which another store of the same service can copy an object of this store (``canCopy(from:)``). Makes no network call.
    ///
    /// - Parameter size: The size of the object in bytes.
    /// - Parameter etag: The ETag that the object must still have; `nil` for any.
    /// - Returns: `nil` if no store can copy from this one.
    func copySource(of key: ObjectKey, size: Int64, etag: String?) -> CopySource?

    /// Whether ``copy(_:from:metadata:condition:)`` is worth trying: same kind of service, reachable, suitable size. Makes no network call.
    func canCopy(from source: CopySource) -> Bool

    /// Makes the service itself copy an object from another bucket, so that no byte of it passes through this process.
    ///
    /// - Parameter metadata: The metadata of the copy, as for an upload; not that of the source. It has a digest if one is known: if the service
    ///   states a digest of the copy, the store compares the two.
    /// - Throws: `.permissionDenied` or `.notFound` if the service does not let this store read the source, `.preconditionFailed` if the
    ///   source no longer matches `source` or `condition` does not hold, `.checksumMismatch` if the copy has a different size or digest,
    ///   `.unsupported` if ``canCopy(from:)`` is false.
    func copy(_ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition) async throws -> ObjectInfo

    /// Whether ``pull(_:from:metadata:condition:confirm:)`` is worth trying: the service can reach the source, accepts its size, and can check one of
    /// its digests if the origin states any. Makes no network call.
    func canPull(from source: URLSource) -> Bool

    /// Makes the service itself fetch an object from a URL, so that no byte of it passes through this process.
    ///
    /// - Parameter confirm: Called when the service has all the bytes, before anything is visible. An error from it is rethrown, and nothing is left.
    /// - Throws: As ``copy(_:from:metadata:condition:)``; `.checksumMismatch` if the bytes do not match a digest that `source` states; `.unsupported`
    ///   if ``canPull(from:)`` is false.
    func pull(
        _ key: ObjectKey, from source: URLSource, metadata: ObjectMetadata, condition: WriteCondition,
        confirm: @escaping @Sendable () async throws -> Void
    ) async throws -> ObjectInfo

    /// Opens an object as a file, so that its bytes can be sent by the kernel. The default throws `.unsupported`.
    func openFile(_ key: ObjectKey) async throws -> ObjectFile

    /// Deletes an object; succeeds if there is none.
    func delete(_ key: ObjectKey) async throws

    /// Deletes many objects, in as few calls as the service allows.
    ///
    /// - Returns: The keys that could not be deleted, with the reasons; absent keys are not among them.
    /// - Throws: The error that made the whole call fail; nothing is known about the keys then.
    func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError]

    /// One page of the objects, in the order of their keys.
    ///
    /// - Parameter after: The last key of the previous page; `nil` for the first page.
    /// - Parameter limit: 1...1000.
    /// - Returns: At most `limit` objects; if there are fewer, there are no more.
    func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo]

    /// Where a client finds the object. Makes no network call, unless credentials have to be obtained, or can only sign at the service that issued
    /// them.
    ///
    /// A store that signs locations signs them as at the beginning of a window of time, so that all nodes give the same location during the window.
    /// The window, at most five minutes, is added to `life`: while a location has more than `life` left, other clients get it, too.
    ///
    /// - Parameter life: How long the location must work at least, if it expires.
    func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation

    /// Throws if the pool currently cannot take objects, with a message that says what to do; cheap enough for a readiness check.
    func checkHealth() async throws

    /// How much space there is where the store writes, if it is limited; called for each request of the metrics, and while copies are made.
    ///
    /// - Returns: `nil` if there is no such limit.
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

    public func canPull(from source: URLSource) -> Bool { false }

    public func pull(
        _ key: ObjectKey, from source: URLSource, metadata: ObjectMetadata, condition: WriteCondition,
        confirm: @escaping @Sendable () async throws -> Void
    ) async throws -> ObjectInfo {
        throw StorageError(.unsupported, "this store fetches nothing by itself", operation: "pull")
    }

    public func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] { try await deleteOneByOne(keys) }

    /// For a service without batch deletion.
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

/// An upload in progress.
///
/// *Behavior*:
/// - Parts may be written at the same time with ``StoreCapabilities/Features/parallelParts``; otherwise one after the other, in order.
/// - A part may be written again after it failed; the last write counts.
/// - `complete` throws `.invalidRequest` unless the bytes written are exactly 0..<`size`, and then leaves nothing visible.
/// - `abort` may be called at any time, even twice or after `complete`, and never undoes a completed upload.
/// - `read` throws `.unsupported` without ``StoreCapabilities/Features/readsUploads``.
public protocol ObjectUpload: Sendable {
    /// Writes one part from a stream, to its end.
    ///
    /// - Returns: The number of bytes written.
    /// - Throws: `.invalidRequest` if `part` states a length and the stream is longer or shorter.
    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64

    /// Reads bytes that were written before.
    func read(_ range: ByteRange) async throws -> ByteStream

    /// Publishes the object in one step, durably: once this returns, the object survives a crash of the machine.
    ///
    /// - Parameter condition: The condition on the key at that moment. A store without ``StoreCapabilities/Features/conditionalWrites`` checks it
    ///   beforehand at most, or ignores it.
    /// - Throws: `.preconditionFailed` if it does not hold; the upload is gone then.
    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo

    /// Removes what was written, unless the upload is complete.
    func abort() async
}

extension ObjectUpload {
    /// Publishes the object unconditionally.
    public func complete(size: Int64, sha256: Digest) async throws -> ObjectInfo {
        try await complete(size: size, sha256: sha256, condition: .none)
    }
}

/// The condition on a key for publishing an object under it.
public enum WriteCondition: Sendable, Hashable {
    /// No condition: an existing object is replaced.
    case none
    /// There is no object: `If-None-Match: *` (RFC 9110 §13.1.2). A late upload replaces nothing.
    case absent
}

/// One part of an upload.
public struct UploadPart: Sendable, Hashable {
    /// From 0, without gaps.
    public var number: Int
    /// Where it begins in the object, in bytes.
    public var offset: Int64
    /// The length in bytes; `nil` if it is not known before the end of the stream.
    public var length: Int64?

    public init(number: Int, offset: Int64, length: Int64?) {
        self.number = number
        self.offset = offset
        self.length = length
    }
}

/// An object's bytes, or a range of them.
public struct ObjectContent: Sendable {
    /// What is known about the whole object.
    public var info: ObjectInfo
    /// The range of the object in `body`: as requested, cut off at the object's end; `nil` for the whole object.
    public var range: ByteRange?
    /// The bytes, as they arrive.
    public var body: ByteStream

    public init(info: ObjectInfo, range: ByteRange?, body: ByteStream) {
        self.info = info
        self.range = range
        self.body = body
    }
}

/// The location where a client finds an object.
public struct ObjectLocation: Sendable, Hashable {
    /// An absolute URL; for a store with ``StoreCapabilities/Features/servedByMirror`` a path on the mirror itself.
    public var url: String
    /// When it expires; `nil` for never.
    public var expires: Timestamp?

    public init(url: String, expires: Timestamp? = nil) {
        self.url = url
        self.expires = expires
    }
}
