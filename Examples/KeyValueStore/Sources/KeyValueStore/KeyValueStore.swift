public import MirrorCore
public import MirrorStorage
import NIOCore

/// The service: here a dictionary, elsewhere a client of something on the network.
actor KeyValueService {
    struct Value: Sendable {
        var info: ObjectInfo
        var bytes: ByteBuffer
    }

    private var values: [ObjectKey: Value] = [:]

    func value(_ key: ObjectKey) -> Value? { values[key] }
    func put(_ value: Value) { values[value.info.key] = value }
    func remove(_ key: ObjectKey) { values[key] = nil }

    func infos(after: ObjectKey?) -> [ObjectInfo] {
        values.values.map(\.info).filter { after?.precedes($0.key) ?? true }.sorted { $0.key.precedes($1.key) }
    }
}

/// A pool in a key-value service: the least that an object store can be.
///
/// The service writes a value in one step, so parts are gathered in memory and come one after the other: no optional feature is claimed.
public struct KeyValueStore: ObjectStore {
    private let service = KeyValueService()

    public init() {}

    public var capabilities: StoreCapabilities {
        StoreCapabilities(features: [.listsMetadata], maxObjectSize: 64 << 20)
    }

    public func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await value(key, operation: "kv.head").info
    }

    public func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        let value = try await value(key, operation: "kv.get")
        guard let range else { return ObjectContent(info: value.info, range: nil, body: ByteStream(value.bytes)) }
        guard let held = range.clamped(toSize: value.info.size),
            let bytes = value.bytes.getSlice(at: value.bytes.readerIndex + Int(held.offset), length: Int(held.length))
        else { throw StorageError(.invalidRequest, "the range begins beyond the object's end", operation: "kv.get") }
        return ObjectContent(info: value.info, range: held, body: ByteStream(bytes))
    }

    public func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        guard (expectedSize ?? 0) <= capabilities.maxObjectSize else {
            throw StorageError(.invalidRequest, "the object is too large for this service", operation: "kv.beginUpload")
        }
        return KeyValueUpload(service: service, key: key, metadata: metadata, maxSize: capabilities.maxObjectSize)
    }

    public func delete(_ key: ObjectKey) async throws {
        await service.remove(key)
    }

    public func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        guard (1...1000).contains(limit) else {
            throw StorageError(.invalidRequest, "a page has 1 to 1000 objects", operation: "kv.list")
        }
        return Array(await service.infos(after: after).prefix(limit))
    }

    public func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        ObjectLocation(url: "https://kv.example.org/\(key.percentEncoded)")
    }

    public func checkHealth() async throws {}

    private func value(_ key: ObjectKey, operation: String) async throws -> KeyValueService.Value {
        guard let value = await service.value(key) else { throw StorageError(.notFound, "no object \(key)", operation: operation) }
        return value
    }
}

/// Gathers the parts, which come in order, and puts them with one call.
actor KeyValueUpload: ObjectUpload {
    private let service: KeyValueService
    private let key: ObjectKey
    private let metadata: ObjectMetadata
    private let maxSize: Int64
    private var bytes = ByteBuffer()
    private var isOpen = true

    init(service: KeyValueService, key: ObjectKey, metadata: ObjectMetadata, maxSize: Int64) {
        self.service = service
        self.key = key
        self.metadata = metadata
        self.maxSize = maxSize
    }

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        try requireOpen("kv.write")
        guard (0...Int64(bytes.readableBytes)).contains(part.offset) else {
            throw StorageError(.invalidRequest, "parts come in order", operation: "kv.write")
        }
        let limit = part.length ?? maxSize
        var received = ByteBuffer()
        for try await var chunk in body {
            guard Int64(received.readableBytes + chunk.readableBytes) <= limit else {
                throw StorageError(.invalidRequest, "the part is longer than stated", operation: "kv.write")
            }
            received.writeBuffer(&chunk)
        }
        guard part.length == nil || part.length == Int64(received.readableBytes) else {
            throw StorageError(.invalidRequest, "the part is shorter than stated", operation: "kv.write")
        }
        try requireOpen("kv.write")
        // The last writing counts: whatever was at and behind the part's place is gone.
        bytes.moveWriterIndex(to: Int(part.offset))
        bytes.writeImmutableBuffer(received)
        return Int64(received.readableBytes)
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        throw StorageError(.unsupported, "the service shows nothing before it is complete", operation: "kv.read")
    }

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        try requireOpen("kv.complete")
        guard Int64(bytes.readableBytes) == size else {
            throw StorageError(.invalidRequest, "\(bytes.readableBytes) bytes were written instead of \(size)", operation: "kv.complete")
        }
        isOpen = false
        var metadata = metadata
        metadata.sha256 = sha256
        let info = ObjectInfo(
            key: key, size: size, etag: "\"\(sha256.hex)\"", lastModified: SystemClock().now, metadata: metadata)
        await service.put(.init(info: info, bytes: bytes))
        return info
    }

    func abort() async {
        isOpen = false
        bytes = ByteBuffer()
    }

    private func requireOpen(_ operation: String) throws {
        guard isOpen else { throw StorageError(.invalidRequest, "the upload is over", operation: operation) }
    }
}
