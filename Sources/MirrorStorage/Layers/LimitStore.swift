package import MirrorCore

/// Lets at most so many operations through to a store at once; the others wait in the order in which they came.
///
/// An operation is a call; the writing of a part takes its whole stream. A body that is being read takes no permit any more, so that whoever
/// reads from a pool and writes to it cannot wait for itself. Free of the limit are `location`, which makes no network call, `checkHealth`,
/// which must answer however much there is to do, and `abort`, which must run in a cancelled task.
package struct LimitStore: StoreLayer {
    package let base: any ObjectStore
    fileprivate typealias Permits = FairSemaphore<Operations>

    /// All of them have the same permits.
    fileprivate enum Operations { case all }

    private let permits: Permits

    /// - Parameter operations: At once; 1 or more.
    package init(_ base: any ObjectStore, operations: Int) {
        self.base = base
        permits = Permits(limit: operations)
    }

    /// Operations that wait for a permit now.
    package var waitingCount: Int { permits.waitingCount(.all) }

    package func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await permits.withPermit(.all) { try await base.head(key) }
    }

    package func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        try await permits.withPermit(.all) { try await base.get(key, range: range) }
    }

    package func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try await permits.withPermit(.all) {
            LimitedUpload(base: try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize), permits: permits)
        }
    }

    package func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        try await permits.withPermit(.all) { try await base.openFile(key) }
    }

    package func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        try await permits.withPermit(.all) { try await base.copy(key, from: source, metadata: metadata, condition: condition) }
    }

    package func delete(_ key: ObjectKey) async throws {
        try await permits.withPermit(.all) { try await base.delete(key) }
    }

    package func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await permits.withPermit(.all) { try await base.delete(keys) }
    }

    package func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await permits.withPermit(.all) { try await base.list(after: after, limit: limit) }
    }
}

private struct LimitedUpload: UploadLayer {
    let base: any ObjectUpload
    let permits: LimitStore.Permits

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        try await permits.withPermit(.all) { try await base.write(part, from: body) }
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        try await permits.withPermit(.all) { try await base.read(range) }
    }

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        try await permits.withPermit(.all) { try await base.complete(size: size, sha256: sha256, condition: condition) }
    }
}
