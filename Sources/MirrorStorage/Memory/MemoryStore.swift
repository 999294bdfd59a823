public import MirrorCore
import NIOCore
import Synchronization

/// A pool in memory: for tests and experiments, and the simplest example of a complete store.
public final class MemoryStore: ObjectStore {
    struct StoredObject: Sendable {
        var info: ObjectInfo
        var bytes: ByteBuffer
    }

    struct State {
        var objects: [ObjectKey: StoredObject] = [:]
        /// The bytes of objects and of uploads in progress.
        var bytesHeld: Int64 = 0
    }

    private let region: String
    private let capacity: Int64
    private let clock: any WallClock
    let state = Mutex(State())

    /// - Parameter region: The word between `/local/` and the key in locations.
    /// - Parameter capacity: The number of bytes that it holds, including uploads in progress; beyond that it throws `.full`.
    public init(region: String = "memory", capacity: Int64 = .max, clock: any WallClock = SystemClock()) {
        self.region = region
        self.capacity = capacity
        self.clock = clock
    }

    public var capabilities: StoreCapabilities {
        StoreCapabilities(
            features: [
                .parallelParts, .readsUploads, .servedByMirror, .conditionalWrites, .listsMetadata, .keepsDigestOfParts,
                .keepsUpstreamQuery,
            ], maxObjectSize: Int64(Int32.max))
    }

    public func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try object(key, operation: "memory.head").info
    }

    public func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        let object = try object(key, operation: "memory.get")
        guard let range else { return ObjectContent(info: object.info, range: nil, body: ByteStream(object.bytes)) }
        guard let held = range.clamped(toSize: object.info.size),
            let bytes = object.bytes.getSlice(at: object.bytes.readerIndex + Int(held.offset), length: Int(held.length))
        else { throw StorageError(.invalidRequest, "the range begins beyond the object's end", operation: "memory.get") }
        return ObjectContent(info: object.info, range: held, body: ByteStream(bytes))
    }

    public func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        if let expectedSize, expectedSize > capabilities.maxObjectSize {
            throw StorageError(.invalidRequest, "\(expectedSize) bytes are too many for memory", operation: "memory.beginUpload")
        }
        // Existing objects may be deleted while the bytes arrive.
        guard (expectedSize ?? 0) <= capacity else { throw full("memory.beginUpload") }
        return MemoryUpload(store: self, key: key, metadata: metadata)
    }

    public func delete(_ key: ObjectKey) async throws {
        state.withLock { state in
            guard let object = state.objects.removeValue(forKey: key) else { return }
            state.bytesHeld -= object.info.size
        }
    }

    public func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        guard (1...1000).contains(limit) else {
            throw StorageError(.invalidRequest, "a page has 1 to 1000 objects", operation: "memory.list")
        }
        let objects = state.withLock { $0.objects.values.map(\.info) }
        return Array(
            objects.filter { info in after.map { $0.precedes(info.key) } ?? true }
                .sorted { $0.key.precedes($1.key) }
                .prefix(limit))
    }

    public func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        ObjectLocation(url: "/local/\(region)/\(key.percentEncoded)")
    }

    public func space() async throws -> StoreSpace? {
        capacity == .max ? nil : StoreSpace(total: capacity, free: capacity - state.withLock { $0.bytesHeld })
    }

    public func checkHealth() async throws {
        guard state.withLock({ $0.bytesHeld }) < capacity else { throw full("memory.checkHealth") }
    }

    private func object(_ key: ObjectKey, operation: String) throws -> StoredObject {
        guard let object = state.withLock({ $0.objects[key] }) else {
            throw StorageError(.notFound, "no object \(key)", operation: operation)
        }
        return object
    }

    func reserve(_ bytes: Int) throws {
        try state.withLock { state in
            guard Int64(bytes) <= capacity - state.bytesHeld else { throw full("memory.write") }
            state.bytesHeld += Int64(bytes)
        }
    }

    func release(_ bytes: Int) {
        state.withLock { $0.bytesHeld -= Int64(bytes) }
    }

    /// Makes bytes that ``reserve(_:)`` has accounted for visible to readers.
    func publish(
        _ bytes: ByteBuffer, key: ObjectKey, metadata: ObjectMetadata, sha256: Digest, condition: WriteCondition
    ) throws -> ObjectInfo {
        var metadata = metadata
        metadata.sha256 = sha256
        let info = ObjectInfo(
            key: key, size: Int64(bytes.readableBytes), etag: "\"\(sha256.hex.prefix(32))\"", lastModified: clock.now, metadata: metadata)
        try state.withLock { state in
            if condition == .absent, state.objects[key] != nil {
                state.bytesHeld -= info.size
                throw StorageError(.preconditionFailed, "the object \(key) exists already", operation: "memory.complete")
            }
            let replaced = state.objects.updateValue(StoredObject(info: info, bytes: bytes), forKey: key)
            state.bytesHeld -= replaced?.info.size ?? 0
        }
        return info
    }

    private func full(_ operation: String) -> StorageError {
        StorageError(.full, "all \(capacity) bytes of this pool are in use", operation: operation)
    }
}
