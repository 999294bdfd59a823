import MirrorCore
import MirrorStorage
import Synchronization

/// A store in memory that tells a test of every call before it makes it; the test lets it go on, wait, or fail.
struct HookedStore: StoreLayer {
    let base: any ObjectStore
    let hook: @Sendable (Call) async throws -> Void

    enum Call: String, CaseIterable, Sendable {
        case head, get, beginUpload, openFile, delete, list, location, checkHealth, space
        case write, read, complete, abort, copy, pull
    }

    init(_ base: any ObjectStore = MemoryStore(), hook: @escaping @Sendable (Call) async throws -> Void) {
        self.base = base
        self.hook = hook
    }

    func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try await hook(.head)
        return try await base.head(key)
    }

    func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        try await hook(.get)
        return try await base.get(key, range: range)
    }

    func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try await hook(.beginUpload)
        return HookedUpload(base: try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize), hook: hook)
    }

    func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        try await hook(.openFile)
        return try await base.openFile(key)
    }

    func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        try await hook(.copy)
        return try await base.copy(key, from: source, metadata: metadata, condition: condition)
    }

    func pull(
        _ key: ObjectKey, from source: URLSource, metadata: ObjectMetadata, condition: WriteCondition,
        confirm: @escaping @Sendable () async throws -> Void
    ) async throws -> ObjectInfo {
        try await hook(.pull)
        try await confirm()
        return try await base.pull(key, from: source, metadata: metadata, condition: condition, confirm: confirm)
    }

    func delete(_ key: ObjectKey) async throws {
        try await hook(.delete)
        try await base.delete(key)
    }

    func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await hook(.list)
        return try await base.list(after: after, limit: limit)
    }

    func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        try await hook(.location)
        return try await base.location(of: key, life: life)
    }

    func checkHealth() async throws {
        try await hook(.checkHealth)
        try await base.checkHealth()
    }

    func space() async throws -> StoreSpace? {
        try await hook(.space)
        return try await base.space()
    }
}

private struct HookedUpload: UploadLayer {
    let base: any ObjectUpload
    let hook: @Sendable (HookedStore.Call) async throws -> Void

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        try await hook(.write)
        return try await base.write(part, from: body)
    }

    func read(_ range: ByteRange) async throws -> ByteStream {
        try await hook(.read)
        return try await base.read(range)
    }

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        try await hook(.complete)
        return try await base.complete(size: size, sha256: sha256, condition: condition)
    }

    func abort() async {
        try? await hook(.abort)
        await base.abort()
    }
}

/// What happened, in its order, from whatever task.
final class Journal<Entry: Sendable>: Sendable {
    private let noted = Mutex<[Entry]>([])

    var entries: [Entry] { noted.withLock { $0 } }

    /// - Returns: How many entries there are now.
    @discardableResult
    func note(_ entry: Entry) -> Int {
        noted.withLock { entries in
            entries.append(entry)
            return entries.count
        }
    }
}
