package import MirrorCore

/// A layer around a store: forwards every call, except those that it writes itself.
package protocol StoreLayer: ObjectStore {
    var base: any ObjectStore { get }
}

extension StoreLayer {
    package var capabilities: StoreCapabilities { base.capabilities }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await base.head(key)
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        try await base.get(key, range: range)
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize)
    }

    package func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        try await base.openFile(key)
    }

    package func canCopy(from source: CopySource) -> Bool { base.canCopy(from: source) }

    package func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        try await base.copy(key, from: source, metadata: metadata, condition: condition)
    }

    package func delete(_ key: ObjectKey) async throws {
        try await base.delete(key)
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await base.delete(keys)
    }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await base.list(after: after, limit: limit)
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        try await base.location(of: key, life: life)
    }

    package func checkHealth() async throws {
        try await base.checkHealth()
    }

    package func space() async throws -> StoreSpace? {
        try await base.space()
    }
}

/// A layer around an upload, made the same way.
package protocol UploadLayer: ObjectUpload {
    var base: any ObjectUpload { get }
}

extension UploadLayer {
    package func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        try await base.write(part, from: body)
    }

    package func read(_ range: ByteRange) async throws -> ByteStream {
        try await base.read(range)
    }

    package func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        try await base.complete(size: size, sha256: sha256, condition: condition)
    }

    package func abort() async {
        await base.abort()
    }
}
