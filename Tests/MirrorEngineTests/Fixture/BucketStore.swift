import MirrorCore
import MirrorStorage
import NIOCore
import TestServers

/// A service in memory whose buckets copy from one another by themselves.
final class BucketService: Sendable {
    /// Whether HEAD says which digest an object has: no service does of objects of several parts.
    let keepsDigests: Bool
    private let buckets = Watched<[String: BucketStore]>([:])
    private let made = Watched<[String]>([])
    private let damage = Watched<(@Sendable (ByteBuffer) -> ByteBuffer)?>(nil)

    init(keepsDigests: Bool = true) {
        self.keepsDigests = keepsDigests
    }

    func makeBucket(_ name: String, region: String) -> BucketStore {
        let bucket = BucketStore(service: self, name: name, region: region)
        buckets.change { $0[name] = bucket }
        return bucket
    }

    subscript(_ name: String) -> BucketStore? { buckets.current[name] }

    /// Where the copies came from that the service made, in their order.
    var copies: [String] { made.current }

    /// Changes the bytes of all copies from now on.
    func damageCopies(_ change: @escaping @Sendable (ByteBuffer) -> ByteBuffer) { damage.change { $0 = change } }

    fileprivate func copy(_ bytes: ByteBuffer, from name: String) -> ByteBuffer {
        made.change { $0.append(name) }
        return damage.current.map { $0(bytes) } ?? bytes
    }
}

/// A bucket of a ``BucketService``.
final class BucketStore: ObjectStore {
    private let service: BucketService
    private let name: String
    private let region: String
    private let base = MemoryStore()

    fileprivate init(service: BucketService, name: String, region: String) {
        self.service = service
        self.name = name
        self.region = region
    }

    var capabilities: StoreCapabilities {
        StoreCapabilities(features: [.parallelParts, .serverSideCopy, .conditionalWrites], maxObjectSize: base.capabilities.maxObjectSize)
    }

    func head(_ key: ObjectKey) async throws -> ObjectInfo { stated(try await base.head(key)) }

    func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent { try await base.get(key, range: range) }

    func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize)
    }

    func copySource(of key: ObjectKey, size: Int64, etag: String?) -> CopySource? {
        CopySource(
            service: "bucket", endpoint: "https://bucket.example", region: region, bucket: name, key: key.description, size: size,
            etag: etag)
    }

    func canCopy(from source: CopySource) -> Bool { source.service == "bucket" && service[source.bucket] != nil }

    func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        guard let bucket = service[source.bucket], let sourceKey = ObjectKey(source.key) else {
            throw StorageError(.unsupported, "no such bucket", operation: "bucket.copy")
        }
        let content = try await bucket.base.get(sourceKey, range: nil)
        guard source.etag == nil || source.etag == content.info.etag else {
            throw StorageError(.preconditionFailed, "the object has changed", operation: "bucket.copy")
        }
        let bytes = service.copy(try await content.body.collect(upTo: 1 << 20), from: source.bucket)
        return stated(try await put(bytes, key, metadata, condition))
    }

    /// Replaces an object.
    func replace(_ key: ObjectKey, with text: String) async throws {
        _ = try await put(ByteBuffer(string: text), key, try await base.head(key).metadata, .none)
    }

    private func put(
        _ bytes: ByteBuffer, _ key: ObjectKey, _ metadata: ObjectMetadata, _ condition: WriteCondition
    ) async throws -> ObjectInfo {
        let upload = try await base.beginUpload(key, metadata: metadata, expectedSize: nil)
        let size = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(bytes))
        let sha256 = try FakeBody.bytes(Array(bytes.readableBytesView)).sha256
        return try await upload.complete(size: size, sha256: sha256, condition: condition)
    }

    private func stated(_ info: ObjectInfo) -> ObjectInfo {
        var info = info
        if !service.keepsDigests { info.metadata.sha256 = nil }
        return info
    }

    func delete(_ key: ObjectKey) async throws { try await base.delete(key) }

    func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] { try await base.list(after: after, limit: limit) }

    func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation { try await base.location(of: key, life: life) }

    func checkHealth() async throws {}
}
