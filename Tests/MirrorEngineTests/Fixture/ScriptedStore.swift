import MirrorCore
import MirrorStorage
import NIOCore
import TestServers

/// An object store around another one that counts what it was asked, and does what a test wants before or after a call.
final class ScriptedStore: ObjectStore {
    enum Call: Sendable, Hashable {
        case head, get, beginUpload, write, read, complete, abort, copy, pull, delete, deleteTogether, list, location, space
    }

    typealias Hook = @Sendable () async throws -> Void
    typealias Fetch = @Sendable (URLSource) -> [UInt8]?

    struct Script: Sendable {
        var counts: [Call: Int] = [:]
        var ended: [Call: Int] = [:]
        var before: [Call: Hook] = [:]
        var after: [Call: Hook] = [:]
        /// Parts that are being written.
        var writing = 0
        var maxWriting = 0
        /// Parts that were written whole.
        var written: [UploadPart] = []
    }

    let base: any ObjectStore
    private let features: StoreCapabilities.Features?
    /// What the service behind the store can copy from by itself, beside what the base store can.
    private let bucket: FakeBucket?
    /// What the service behind the store finds at a URL; `nil` for one that it does not reach.
    private let fetch: Fetch?
    fileprivate let script = Watched(Script())

    /// - Parameter features: Instead of the base store's.
    init(_ base: any ObjectStore, features: StoreCapabilities.Features? = nil, bucket: FakeBucket? = nil, fetch: Fetch? = nil) {
        self.bucket = bucket
        self.fetch = fetch
        self.base = base
        self.features = features
    }

    // MARK: The script

    func before(_ call: Call, do hook: @escaping Hook) { script.change { $0.before[call] = hook } }

    func after(_ call: Call, do hook: @escaping Hook) { script.change { $0.after[call] = hook } }

    func fail(_ call: Call, _ code: StorageError.Code) {
        before(call) { throw StorageError(code, "scripted", operation: "scripted") }
    }

    func heal() {
        script.change { script in
            script.before = [:]
            script.after = [:]
        }
    }

    // MARK: What was seen

    func count(_ call: Call) -> Int { script.current.counts[call, default: 0] }

    /// Returns once `call` was made `count` times since the start.
    func calls(_ call: Call, _ count: Int) async throws {
        try await script.until { $0.counts[call, default: 0] >= count }
    }

    /// Returns once `count` such calls are over.
    func ended(_ call: Call, _ count: Int) async throws {
        try await script.until { $0.ended[call, default: 0] >= count }
    }

    /// The most parts that were being written at the same time.
    var maxWriting: Int { script.current.maxWriting }
    var written: [UploadPart] { script.current.written }

    fileprivate func run<Result: Sendable>(_ call: Call, _ operation: () async throws -> Result) async throws -> Result {
        let (before, after) = script.change { script in
            script.counts[call, default: 0] += 1
            return (script.before[call], script.after[call])
        }
        defer { script.change { $0.ended[call, default: 0] += 1 } }
        try await before?()
        let result = try await operation()
        try await after?()
        return result
    }

    // MARK: ObjectStore

    var capabilities: StoreCapabilities {
        var capabilities = base.capabilities
        if let features { capabilities.features = features }
        return capabilities
    }

    func head(_ key: ObjectKey) async throws -> ObjectInfo { try await run(.head) { try await base.head(key) } }

    func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        try await run(.get) { try await base.get(key, range: range) }
    }

    func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try await run(.beginUpload) {
            ScriptedUpload(store: self, base: try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize))
        }
    }

    func copySource(of key: ObjectKey, size: Int64, etag: String?) -> CopySource? { base.copySource(of: key, size: size, etag: etag) }

    func canCopy(from source: CopySource) -> Bool { source.bucket == bucket?.name || base.canCopy(from: source) }

    func copy(
        _ key: ObjectKey, from source: CopySource, metadata: ObjectMetadata, condition: WriteCondition
    ) async throws -> ObjectInfo {
        try await run(.copy) {
            guard source.bucket == bucket?.name else {
                return try await base.copy(key, from: source, metadata: metadata, condition: condition)
            }
            guard let bytes = bucket?.bytes(of: source) else { throw StorageError(.notFound, "no such object", operation: "fake.copy") }
            let upload = try await base.beginUpload(key, metadata: metadata, expectedSize: source.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(ByteBuffer(bytes: bytes)))
            return try await upload.complete(size: source.size, sha256: try FakeBody.bytes(bytes).sha256, condition: condition)
        }
    }

    func canPull(from source: URLSource) -> Bool { fetch?(source) != nil }

    func pull(
        _ key: ObjectKey, from source: URLSource, metadata: ObjectMetadata, condition: WriteCondition,
        confirm: @escaping @Sendable () async throws -> Void
    ) async throws -> ObjectInfo {
        try await run(.pull) {
            guard let bytes = fetch?(source) else { throw StorageError(.notFound, "no such place", operation: "fake.pull") }
            try await confirm()
            let upload = try await base.beginUpload(key, metadata: metadata, expectedSize: source.size)
            _ = try await upload.write(UploadPart(number: 0, offset: 0, length: nil), from: ByteStream(ByteBuffer(bytes: bytes)))
            return try await upload.complete(size: source.size, sha256: try FakeBody.bytes(bytes).sha256, condition: condition)
        }
    }

    func delete(_ key: ObjectKey) async throws { try await run(.delete) { try await base.delete(key) } }

    /// Is one call, in which each object is deleted as by itself.
    func delete(_ keys: [ObjectKey]) async throws -> [ObjectKey: StorageError] {
        try await run(.deleteTogether) { try await deleteOneByOne(keys) }
    }

    func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try await run(.list) { try await base.list(after: after, limit: limit) }
    }

    func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        try await run(.location) {
            guard capabilities.features.contains(.presignedLocations) else { return try await base.location(of: key, life: life) }
            return ObjectLocation(url: "https://pool.example/\(key.percentEncoded)?signature=1", expires: Timestamp(milliseconds: 1 << 50))
        }
    }

    func checkHealth() async throws { try await base.checkHealth() }

    func space() async throws -> StoreSpace? { try await run(.space) { try await base.space() } }
}

private struct ScriptedUpload: ObjectUpload {
    let store: ScriptedStore
    let base: any ObjectUpload

    func write(_ part: UploadPart, from body: ByteStream) async throws -> Int64 {
        store.script.change { script in
            script.writing += 1
            script.maxWriting = max(script.maxWriting, script.writing)
        }
        defer { store.script.change { $0.writing -= 1 } }
        let count = try await store.run(.write) { try await base.write(part, from: body) }
        store.script.change { $0.written.append(part) }
        return count
    }

    func read(_ range: ByteRange) async throws -> ByteStream { try await store.run(.read) { try await base.read(range) } }

    func complete(size: Int64, sha256: Digest, condition: WriteCondition) async throws -> ObjectInfo {
        try await store.run(.complete) { try await base.complete(size: size, sha256: sha256, condition: condition) }
    }

    func abort() async {
        _ = try? await store.run(.abort) { await base.abort() }
    }
}
