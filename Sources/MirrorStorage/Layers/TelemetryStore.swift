package import CoreMetrics
package import MirrorCore
import NIOCore

/// Counts and times what happens to a store.
///
/// Metrics, made once for a pool: the timer `cloud_mirror_store_operation_seconds` (`pool`, `operation`) of every call, failed ones included; the counter
/// `cloud_mirror_store_errors_total` (`pool`, `operation`, `code`), also of errors in a body's midst. A cancelled call is no error.
package struct TelemetryStore: StoreLayer {
    package let base: any ObjectStore
    private let metrics: StoreMetrics

    package init(_ base: any ObjectStore, pool: PoolID, factory: any MetricsFactory = MetricsSystem.factory) {
        self.base = base
        metrics = StoreMetrics(pool: pool, factory: factory)
    }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await metrics.measure(.head) { try await base.head(key) }
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        var content = try await metrics.measure(.get) { try await base.get(key, range: range) }
        content.body = metrics.watch(content.body, .get)
        return content
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try await metrics.measure(.beginUpload) {
            MeasuredUpload(base: try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize), metrics: metrics)
        }
    }

    package func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        try await metrics.measure(.openFile) { try await base.openFile(key) }
    }

    package func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        try await metrics.measure(.copy) { try await base.copy(key, from: source, metadata: metadata, condition: condition) }
    }

    package func delete(_ key: ObjectKey) async throws {
        try await metrics.measure(.delete) { try await base.delete(key) }
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await metrics.measure(.delete) { try await base.delete(keys) }
    }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await metrics.measure(.list) { try await base.list(after: after, limit: limit) }
    }

    package func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        try await metrics.measure(.location) { try await base.location(of: key, life: life) }
    }

    package func checkHealth() async throws {
        try await metrics.measure(.checkHealth) { try await base.checkHealth() }
    }
}

private struct MeasuredUpload: UploadLayer {
    let base: any ObjectUpload
    let metrics: StoreMetrics

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        try await metrics.measure(.write) { try await base.write(part, from: body) }
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        let body = try await metrics.measure(.read) { try await base.read(range) }
        return metrics.watch(body, .read)
    }

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        try await metrics.measure(.complete) { try await base.complete(size: size, sha256: sha256, condition: condition) }
    }

    func abort() async {
        await metrics.measure(.abort) { await base.abort() }
    }
}
