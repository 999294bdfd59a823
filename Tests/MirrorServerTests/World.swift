import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import NIOCore
import Retention
import Synchronization
import TestServers

/// What outlives one mirror: a pool with objects, the state, and a clock that stands still.
final class World: Sendable {
    static let pool = PoolID("local/dev")
    static let otherPool = PoolID("local/two")
    static let origin = "https://artifacts.example.org"

    /// A dollar for each read of what ``seed(_:_:in:)`` stores, eight bytes, from the origin; and a quarter for one from the pool.
    static let prices = PoolPrices(egress: Double(1 << 27), storage: 0, put: 0, get: 0.25, originGet: 0)
    static let pricesAsOf = Timestamp(milliseconds: 1_767_225_600_000)

    let clock = ManualClock()
    let memory: MemoryStore
    let otherMemory: MemoryStore
    let base: MemoryStateStore
    let state: HotIndex

    /// - Parameter layer: What the mirror sees of the state in place of ``base``.
    init(state layer: (MemoryStateStore) -> any StateStore = { $0 }) {
        memory = MemoryStore(region: "dev", clock: clock)
        otherMemory = MemoryStore(region: "two", clock: clock)
        base = MemoryStateStore(clock: clock, maxQueued: 100_000)
        state = HotIndex(layer(base), memory: 8 << 20)
    }

    /// The replica of an artifact.
    func id(_ path: String, in pool: PoolID? = World.pool) throws -> ReplicaID {
        ReplicaID(artifact: try ArtifactURL(Self.origin + path), pool: try require(pool))
    }

    /// Puts an object into the pool, without telling the state.
    @discardableResult
    func store(
        _ path: String, _ bytes: [UInt8] = Array("artifact".utf8), in pool: PoolID? = World.pool,
        metadata: (inout ObjectMetadata) -> Void = { _ in }
    ) async throws -> ObjectInfo {
        let memory = pool == Self.otherPool ? otherMemory : self.memory
        let artifact = try id(path).artifact
        var data = ObjectMetadata(contentType: "text/plain", upstreamURL: artifact.description, stored: clock.now)
        metadata(&data)
        let upload = try await memory.beginUpload(ObjectKey(artifact), metadata: data, expectedSize: Int64(bytes.count))
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: Int64(bytes.count)), from: ByteStream(ByteBuffer(bytes: bytes)))
        return try await upload.complete(size: Int64(bytes.count), sha256: try FakeBody.bytes(bytes).sha256)
    }

    /// One whose state does what a test wants before its calls.
    static func scripted() throws -> (World, ScriptedStateStore) {
        var scripted: ScriptedStateStore?
        let world = World { base in
            let state = ScriptedStateStore(base)
            scripted = state
            return state
        }
        return (world, try require(scripted))
    }

    /// With `/a.txt` in both pools.
    static func seeded() async throws -> World {
        let world = World()
        for pool in [World.pool, World.otherPool] { try await world.seed("/a.txt", in: pool) }
        return world
    }

    /// Makes a replica present: its object is in the pool and the state knows.
    @discardableResult
    func seed(
        _ path: String, _ bytes: [UInt8] = Array("artifact".utf8), in pool: PoolID? = World.pool
    ) async throws -> ReplicaID {
        let info = try await store(path, bytes, in: pool)
        let id = try id(path, in: pool)
        let object = StoredObject(
            key: info.key, size: info.size, sha256: info.metadata.sha256, storedAt: info.metadata.stored, lastUsed: clock.now)
        _ = try await state.recordPresent(id, object)
        return id
    }

    /// Ends the copy that a request has queued: the object is in the pool now.
    func finishCopy(_ path: String, _ bytes: [UInt8] = Array("artifact".utf8), in pool: PoolID? = World.pool) async throws {
        let id = try id(path, in: pool)
        let lease = try require(try await state.lease(pools: [id.pool], worker: "test", duration: .seconds(60)))
        guard lease.id == id else { throw Missing() }
        let info = try await store(path, bytes, in: pool)
        let object = StoredObject(
            key: info.key, size: info.size, sha256: info.metadata.sha256, storedAt: info.metadata.stored, lastUsed: clock.now)
        try await state.finish(lease, .present(object))
    }

    /// Makes a replica that could not be copied.
    func fail(_ path: String, _ reason: CopyFailure.Reason, message: String = "it failed", for duration: Duration = .seconds(3_600))
        async throws
    {
        let id = try id(path)
        _ = try await state.claim(id)
        let lease = try require(try await state.lease(pools: [id.pool], worker: "test", duration: .seconds(1)))
        try await state.finish(lease, .failed(CopyFailure(reason: reason, message: message, retryAt: clock.now + duration)))
    }

    /// `/v1/redirect/local/dev/…`
    static func target(_ path: String, route: String = "/v1/redirect/local/dev/") -> String {
        route + PercentCoding.encode(origin + path)
    }
}

/// A value that a test cannot do without is missing.
struct Missing: Error {
    var what = ""
}

func require<Value>(_ value: Value?, _ what: @autoclosure () -> String = "") throws -> Value {
    guard let value else { throw Missing(what: what()) }
    return value
}

/// Forwards everything, and counts or breaks what a test wants.
final class WatchedStore: ObjectStore {
    private let base: any ObjectStore
    private let isSigned: Bool
    private let located = Mutex(0)
    private let broken = Mutex(false)
    private let checked = Mutex(0)
    private let hanging = WatchedState(false)
    private let hangingReads = WatchedState(false)
    private let hangingLocations = WatchedState(false)
    private let reads = WatchedState(0)

    /// - Parameter isSigned: Whether clients are redirected to locations that are signed, for GET alone.
    init(_ base: any ObjectStore, isSigned: Bool = false) {
        self.base = base
        self.isSigned = isSigned
    }

    /// How often a location was asked for: once for every redirect to a replica that did not come from the fast path.
    var locations: Int { located.withLock { $0 } }

    /// How often the pool's health was asked for.
    var healthChecks: Int { checked.withLock { $0 } }

    /// Answers to what asks for the pool's health come while this is false.
    func hang(_ isHanging: Bool) { hanging.change { $0 = isHanging } }

    /// Answers to what asks for an object come while this is false, also in a cancelled task.
    func hangReads(_ isHanging: Bool) { hangingReads.change { $0 = isHanging } }

    /// Answers to what asks for a location come while this is false.
    func hangLocations(_ isHanging: Bool) { hangingLocations.change { $0 = isHanging } }

    /// Returns once an object has been asked for.
    func reading() async throws { try await reads.value { $0 > 0 ? () : nil } }

    private func read() async {
        reads.change { $0 += 1 }
        let hangingReads = hangingReads
        _ = await Task { try? await hangingReads.value { $0 ? nil : () } }.value
    }

    /// Makes everything fail from now on.
    func breakDown() { broken.withLock { $0 = true } }

    func repair() { broken.withLock { $0 = false } }

    private func check(_ operation: String) throws {
        if broken.withLock({ $0 }) { throw StorageError(.unavailable, "broken on purpose", operation: operation) }
    }

    var capabilities: StoreCapabilities {
        var capabilities = base.capabilities
        if isSigned { capabilities.features.insert(.presignedLocations) }
        return capabilities
    }

    func head(_ key: ObjectKey) async throws -> ObjectInfo {
        try check("head")
        await read()
        return try await base.head(key)
    }

    func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent {
        try check("get")
        await read()
        return try await base.get(key, range: range)
    }

    func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
        try check("beginUpload")
        return try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize)
    }

    func openFile(_ key: ObjectKey) async throws -> ObjectFile {
        try check("openFile")
        return try await base.openFile(key)
    }

    func delete(_ key: ObjectKey) async throws {
        try check("delete")
        try await base.delete(key)
    }

    func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
        try check("list")
        return try await base.list(after: after, limit: limit)
    }

    func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation {
        try check("location")
        located.withLock { $0 += 1 }
        if hangingLocations.current { try await hangingLocations.value { $0 ? nil : () } }
        guard isSigned else { return try await base.location(of: key, life: life) }
        return ObjectLocation(url: "https://pool.example/\(key.percentEncoded)?signature=1", expires: Timestamp(milliseconds: 1 << 50))
    }

    func checkHealth() async throws {
        checked.withLock { $0 += 1 }
        try await hanging.value { $0 ? nil : () }
        try check("checkHealth")
        try await base.checkHealth()
    }
}
