import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import Synchronization
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Retention: state and pool are compared", .timeLimit(.minutes(1)))
struct ReconcileTests {
    @Test("After the state was deleted every object is found again, with size, digest and age")
    func findsObjects() async throws {
        let store = MemoryStore()
        var copied: [StoredObject] = []
        var artifacts: [ArtifactURL] = []
        try await EngineFixture.run({ $0.store = store }) { engine async throws in
            for number in 0..<5 {
                engine.origin.on("/\(number)", .generated(size: Int64(100 * number), seed: 1))
                _ = try await engine.ask("/\(number)")
                copied.append(try await engine.object("/\(number)"))
                artifacts.append(try engine.artifact("/\(number)"))
            }
        }
        try await EngineFixture.run({
            $0.store = store
            $0.hasWorkers = false
        }) { engine async throws in
            try await engine.sweeper.reconcile(engine.pool)
            for (object, artifact) in zip(copied, artifacts) {
                let replica = try await engine.state.replica(ReplicaID(artifact: artifact, pool: engine.pool.id))
                guard case .present(let found) = replica?.status else {
                    Issue.record("\(artifact) was not found")
                    continue
                }
                #expect(found.key == object.key)
                #expect(found.size == object.size)
                #expect(found.sha256 == object.sha256)
                #expect(found.storedAt == object.storedAt)
            }
            #expect(try await engine.base.totals(of: engine.pool.id).bytes == 1_000)
        }
    }

    @Test("Replicas whose object is gone are forgotten, others are left alone")
    func forgetsLost() async throws {
        try await EngineFixture.run { engine async throws in
            for path in ["/a", "/b"] {
                engine.origin.on(path, .generated(size: 100))
                _ = try await engine.ask(path)
            }
            let kept = try await engine.object("/b")
            try await engine.setup.store.delete(try engine.key("/a"))
            try await engine.sweeper.reconcile(engine.pool)
            #expect(try await engine.status("/a") == nil)
            #expect(try await engine.object("/b") == kept)
            #expect(try await engine.ask("/a").outcome == .wait)
        }
    }

    /// A store whose list has no end: each page is the first one.
    private struct CircularStore: ObjectStore {
        let base = MemoryStore()

        var capabilities: StoreCapabilities { base.capabilities }
        func head(_ key: ObjectKey) async throws -> ObjectInfo { try await base.head(key) }
        func get(_ key: ObjectKey, range: ByteRange?) async throws -> ObjectContent { try await base.get(key, range: range) }
        func beginUpload(_ key: ObjectKey, metadata: ObjectMetadata, expectedSize: Int64?) async throws -> any ObjectUpload {
            try await base.beginUpload(key, metadata: metadata, expectedSize: expectedSize)
        }
        func delete(_ key: ObjectKey) async throws { try await base.delete(key) }
        func location(of key: ObjectKey, life: Duration) async throws -> ObjectLocation { try await base.location(of: key, life: life) }
        func checkHealth() async throws {}

        func list(after: ObjectKey?, limit: Int) async throws -> [ObjectInfo] {
            try (0..<limit).map { number in
                let key = ObjectKey(try ArtifactURL("https://a.example/\(number)"))
                let stored = Timestamp(milliseconds: 0)
                return ObjectInfo(
                    key: key, size: 1, etag: "\"e\"", lastModified: stored, metadata: ObjectMetadata(upstreamURL: "", stored: stored))
            }
        }
    }

    @Test("A pool whose list comes back to its beginning is not compared for ever")
    func circles() async throws {
        try await EngineFixture.run({
            $0.store = CircularStore()
            $0.hasWorkers = false
        }) { engine async throws in
            await #expect(throws: StorageError.self) { try await engine.sweeper.reconcile(engine.pool) }
        }
    }

    @Test("What is purged while the pool is compared with the state is not recorded again")
    func purgedMeanwhile() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            try await engine.put("/a", [1])
            let id = try engine.id("/a")
            engine.store.after(.list) { _ = try await engine.remover.purge(id) }
            try await engine.sweeper.reconcile(engine.pool)
            #expect(try await engine.status("/a") == nil)
            #expect(try await engine.base.totals(of: engine.pool.id) == PoolTotals())
            #expect(engine.base.count(.recordPresent) == 0)
        }
    }

    @Test("A replica whose object comes between two looks of the comparison stays")
    func copiedMeanwhile() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a", .generated(size: 100))
            _ = try await engine.ask("/a")
            // The first look comes before a new copy, the second one behind it.
            let looks = Mutex(0)
            engine.store.before(.head) {
                let isFirst = looks.withLock { looks in
                    looks += 1
                    return looks == 1
                }
                if isFirst { throw StorageError(.notFound, "it is not there yet", operation: "scripted") }
            }
            try await engine.sweeper.reconcile(engine.pool)
            #expect(try await engine.object("/a").size == 100)
        }
    }

    @Test("A pool that cannot be reached makes nothing forgotten")
    func poolIsAway() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a", .generated(size: 100))
            _ = try await engine.ask("/a")
            engine.store.fail(.head, .unavailable)
            #expect(try await engine.sweeper.reconcile(engine.pool) != nil)
            #expect(try await engine.ask("/a").outcome == .hit)
        }
    }

    @Test("An object that cannot be looked at keeps nobody from finding and forgetting others")
    func badObject() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            func reconcile(_ objects: Int, firstFails: Bool) async throws {
                let isFirst = Mutex(firstFails)
                engine.store.before(.head) {
                    let fails = isFirst.withLock { isFirst in
                        defer { isFirst = false }
                        return isFirst
                    }
                    if fails { throw StorageError(.unavailable, "scripted", operation: "scripted") }
                }
                let failed = try await engine.sweeper.reconcile(engine.pool) as? StorageError
                let expected: StorageError.Code? = firstFails ? .unavailable : nil
                #expect(failed?.code == expected)
                #expect(try await engine.base.totals(of: engine.pool.id).objects == objects)
            }
            for path in ["/a", "/b"] { try await engine.put(path, [1]) }
            try await reconcile(1, firstFails: true)
            try await reconcile(2, firstFails: false)
            for path in ["/a", "/b"] { try await engine.setup.store.delete(try engine.key(path)) }
            try await reconcile(1, firstFails: true)
            try await reconcile(0, firstFails: false)
        }
    }

    @Test("A record that cannot be read keeps nobody from finding other objects")
    func badRecord() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            for path in ["/a", "/b"] { try await engine.put(path, [1]) }
            // When both are looked up, and then by itself.
            let left = Mutex(2)
            engine.base.before(.replica) {
                let isReadable = left.withLock { left in
                    left -= 1
                    return left < 0
                }
                guard isReadable else { throw StateError(.corrupt, "scripted") }
            }
            let failed = try await engine.sweeper.reconcile(engine.pool) as? StateError
            #expect(failed?.code == .corrupt)
            #expect(try await engine.base.totals(of: engine.pool.id).objects == 1)
        }
    }

    @Test("A pool that is away is not asked for each of its objects")
    func endsEarly() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            for number in 0..<100 { try await engine.put("/\(number)", [1]) }
            engine.store.fail(.head, .unavailable)
            await #expect(throws: StorageError.self) { try await engine.sweeper.reconcile(engine.pool) }
            #expect(engine.store.count(.head) == 16)
        }
    }

    @Test("Objects that no mirror wrote are left alone, and not recorded")
    func strangers() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            let key = try engine.key("/a")
            let upload = try await engine.setup.store.beginUpload(
                key, metadata: ObjectMetadata(upstreamURL: engine.origin.url("/other"), stored: engine.setup.clock.now), expectedSize: 0)
            _ = try await upload.complete(size: 0, sha256: try FakeBody.bytes([]).sha256)
            try await engine.sweeper.reconcile(engine.pool)
            #expect(try await engine.base.totals(of: engine.pool.id) == PoolTotals())
            #expect(try await engine.isInPool("/a"))
        }
    }

    @Test("What is pending, failed or under removal is none of its business")
    func others() async throws {
        try await EngineFixture.runInMemory { engine, memory, _ async throws in
            try await engine.put("/pending", [1])
            try await engine.put("/removing", [1])
            _ = try await memory.claim(try engine.id("/pending"))
            #expect(try await memory.beginRemoval(try engine.id("/removing")) != nil)
            try await engine.sweeper.reconcile(engine.pool)
            #expect(try await engine.status("/pending") == .pending)
            #expect(try await engine.status("/removing") == .removing)
        }
    }
}
