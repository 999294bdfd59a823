import MirrorCore
import MirrorStorage

/// A store in memory that takes few parts, and none that can be read back.
struct NarrowStore: ObjectStore {
    private let base = MemoryStore()
    let maxParts: Int

    var capabilities: StoreCapabilities {
        StoreCapabilities(features: [.parallelParts], maxObjectSize: 1 << 30, maxPartSize: 1 << 30, maxParts: maxParts)
    }

    init(maxParts: Int) {
        self.maxParts = maxParts
    }

    func head(_ key: ObjectKey) async throws -> ObjectInfo { try await base.head(key) }
    func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent { try await base.get(key, range: range) }
    func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize)
    }
    func delete(_ key: ObjectKey) async throws { try await base.delete(key) }
    func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] { try await base.list(after: after, limit: limit) }
    func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation { try await base.location(of: key, life: life) }
    func checkHealth() async throws {}
}
