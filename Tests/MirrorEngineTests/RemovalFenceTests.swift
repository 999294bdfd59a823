import Logging
import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import NIOCore
import NIOPosix
import RedisClient
import StateRedis
import StateSQLite
import TestServers
import Testing

@testable import MirrorEngine

/// Two nodes that share a state and a pool, each with calls to the pool that can be held up.
private struct Nodes: Sendable {
    enum Kind: String, CaseIterable, CustomTestStringConvertible {
        case memory, sqlite, redis

        static var all: [Kind] { allCases.filter { $0 != .redis || RedisServer.isExpected } }
        var testDescription: String { rawValue }
    }

    struct Node: Sendable {
        let state: HotIndex
        let store: ScriptedStore
        let remover: ReplicaRemover
        let backfill: Backfill
        let pool: Pool
    }

    let id: ReplicaID
    let objects: MemoryStore
    let one: Node
    let other: Node

    static func run(_ kind: Kind, _ body: (Nodes) async throws -> Void) async throws {
        switch kind {
        case .memory:
            let store = MemoryStateStore()
            try await body(try Nodes(store, store))
        case .sqlite:
            let directory = try TemporaryDirectory()
            let store = try SQLiteStateStore(path: "\(directory.path)/state.sqlite", maxQueued: 10_000, takeOver: true)
            try await body(try Nodes(store, store))
            await store.close()
        case .redis:
            let server = try await RedisServer.start()
            // For machines that are busy with other tests.
            var configuration = RedisConfiguration(addresses: [.init(host: "127.0.0.1", port: server.port)])
            configuration.connectTimeout = .seconds(60)
            configuration.commandTimeout = .seconds(60)
            configuration.stallTimeout = .seconds(60)
            configuration.connectionWait = .seconds(60)
            func open() throws -> RedisStateStore {
                RedisStateStore(
                    configuration, prefix: "test",
                    pools: [try #require(PoolID("local/dev"))],
                    maxQueued: 10, staleLife: .seconds(3_600), group: MultiThreadedEventLoopGroup.singleton, logger: EngineFixture.logger)
            }
            let (one, other) = (try open(), try open())
            try await eventually("both are connected") { one.isConnected && other.isConnected }
            try await body(try Nodes(one, other))
            await one.close()
            await other.close()
        }
    }

    private init(_ first: any StateStore, _ second: any StateStore) throws {
        let pool = try #require(PoolID("local/dev"))
        id = ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/a.bin"), pool: pool)
        objects = MemoryStore()
        one = Self.node(first, objects, pool)
        other = Self.node(second, objects, pool)
    }

    private static func node(_ state: any StateStore, _ objects: MemoryStore, _ id: PoolID) -> Node {
        let index = HotIndex(state)
        let store = ScriptedStore(objects)
        let pool = Pool(
            id: id, store: store, limits: Pool.Limits(RetentionConfiguration(timeToLive: .seconds(60), grace: .zero), maxBytes: nil))
        let publications = PublicationLock()
        return Node(
            state: index, store: store,
            remover: ReplicaRemover(pools: PoolTable([pool]), state: index, publications: publications, clock: SystemClock()),
            backfill: Backfill(state: index, publications: publications, clock: SystemClock(), logger: EngineFixture.logger), pool: pool)
    }

    func put() async throws {
        let metadata = ObjectMetadata(upstreamURL: id.artifact.description, stored: SystemClock().now)
        let upload = try await objects.beginUpload(ObjectKey(id.artifact), metadata: metadata, expectedSize: 1)
        _ = try await upload.write(UploadPart(number: 0, offset: 0, length: 1), from: ByteStream(ByteBuffer(bytes: [1])))
        _ = try await upload.complete(size: 1, sha256: try FakeBody.bytes([1]).sha256)
    }

    /// Copies the artifact as soon as somebody may.
    func copyWhenPossible() async throws {
        while try await other.state.claim(id) != .claimed { try await Task.sleep(for: .milliseconds(5)) }
        let lease = try #require(try await other.state.lease(pools: [id.pool], worker: "worker", duration: .seconds(60)))
        try await put()
        let object = StoredObject(try await objects.head(ObjectKey(id.artifact)), lastUsed: SystemClock().now)
        try await other.state.finish(lease, .present(object))
    }

    func makePresent() async throws {
        try await put()
        let object = StoredObject(try await objects.head(ObjectKey(id.artifact)), lastUsed: SystemClock().now)
        _ = try await one.state.recordPresent(id, object)
    }

    var isInPool: Bool {
        get async { (try? await objects.head(ObjectKey(id.artifact))) != nil }
    }
}

@Suite("Retention: removals are fenced", .timeLimit(.minutes(2)))
struct RemovalFenceTests {
    @Test("Two nodes purge the same artifact and one deletion is slow: what is copied afterwards stays", arguments: Nodes.Kind.all)
    private func slowDeletion(_ kind: Nodes.Kind) async throws {
        try await Nodes.run(kind) { nodes in
            try await nodes.makePresent()
            let door = Door()
            nodes.one.store.before(.delete) { try await door.pass() }
            async let slow = nodes.one.remover.purge(nodes.id)
            try await door.waiting()
            async let quick = nodes.other.remover.purge(nodes.id)
            async let copy: Void = nodes.copyWhenPossible()
            // Time for a copy to be made in the midst of the slow deletion, were it possible.
            try await Task.sleep(for: .milliseconds(400))
            door.open()
            _ = try await (slow, quick, copy)
            #expect(await nodes.isInPool)
            #expect(try await nodes.one.state.replica(nodes.id)?.state == .present)
        }
    }

    @Test("A node that is asked to purge what another one is removing has it deleted once more", arguments: Nodes.Kind.all)
    private func joined(_ kind: Nodes.Kind) async throws {
        try await Nodes.run(kind) { nodes in
            try await nodes.makePresent()
            let door = Door()
            nodes.one.store.after(.delete) { try await door.pass() }
            async let first = nodes.one.remover.purge(nodes.id)
            try await door.waiting()
            // Published late by somebody whose lease was gone: the first deletion did not see it.
            try await nodes.put()
            let found = try await nodes.other.state.replica(nodes.id)?.status
            #expect(found == .removing)
            try await nodes.other.remover.discard(nodes.id)
            #expect(await nodes.isInPool)
            door.open()
            _ = try await first
            #expect(await !nodes.isInPool)
            #expect(try await nodes.one.state.replica(nodes.id) == nil)
            #expect(nodes.one.store.count(.delete) == 2)
            #expect(nodes.other.store.count(.delete) == 0)
        }
    }

    @Test("What one node sees in the pool and another one removes before it is recorded is not recorded", arguments: Nodes.Kind.all)
    private func lateLook(_ kind: Nodes.Kind) async throws {
        try await Nodes.run(kind) { nodes in
            try await nodes.put()
            let door = Door()
            nodes.other.store.after(.head) { try await door.pass() }
            async let found = nodes.other.backfill.record(nodes.id, in: nodes.other.pool)
            try await door.waiting()
            #expect(try await nodes.one.remover.purge(nodes.id) == .object)
            door.open()
            let replica = try await found
            #expect(replica == nil)
            #expect(try await nodes.one.state.replica(nodes.id) == nil)
            #expect(nodes.other.store.count(.head) == 2)
        }
    }

    @Test("A removal of something else keeps nothing from being recorded", arguments: Nodes.Kind.all)
    private func otherRemoval(_ kind: Nodes.Kind) async throws {
        try await Nodes.run(kind) { nodes in
            try await nodes.put()
            let door = Door()
            nodes.other.store.after(.head) { try await door.pass() }
            async let found = nodes.other.backfill.record(nodes.id, in: nodes.other.pool)
            try await door.waiting()
            let second = ReplicaID(artifact: try ArtifactURL("https://artifacts.example.org/b.bin"), pool: nodes.id.pool)
            _ = try await nodes.one.remover.purge(second)
            door.open()
            let replica = try await found
            #expect(replica?.state == .present)
            #expect(nodes.other.store.count(.head) == 1)
        }
    }

    @Test("After a deletion that was not answered in time nothing is copied until the removal runs out; after a refusal at once")
    private func unanswered() async throws {
        let clock = ManualClock()
        let memory = MemoryStateStore(clock: clock)
        try await EngineFixture.run({
            $0.clock = clock
            $0.state = memory
            $0.store = MemoryStore(clock: clock)
            $0.hasWorkers = false
        }) { engine async throws in
            try await engine.put("/a", [1])
            let id = try engine.id("/a")
            engine.store.fail(.delete, .timedOut)
            await #expect(throws: StorageError.self) { _ = try await engine.remover.purge(id) }
            engine.store.heal()
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await memory.claim(id) == .exists(Replica(id: id, status: .removing)))
            #expect(try await engine.isInPool("/a"))
            clock.advance(by: ReplicaRemover.life)
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await !engine.isInPool("/a"))
            #expect(try await memory.claim(id) == .claimed)

            engine.store.fail(.delete, .permissionDenied)
            await #expect(throws: StorageError.self) { _ = try await engine.remover.purge(id) }
            engine.store.heal()
            #expect(try await engine.remover.purge(id) == .removal)
            #expect(try await memory.replica(id) == nil)
        }
    }

    @Test("A record that cannot be read keeps nobody from a purge")
    private func unreadable() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            try await engine.put("/a", [1])
            engine.base.before(.replica) { throw StateError(.corrupt, "scripted") }
            #expect(try await engine.remover.purge(try engine.id("/a")) == .object)
            #expect(try await !engine.isInPool("/a"))
        }
    }

    @Test("One object that cannot be deleted keeps a sweep from nothing else")
    private func undeletable() async throws {
        let clock = ManualClock()
        let memory = MemoryStateStore(clock: clock)
        try await EngineFixture.run({
            $0.clock = clock
            $0.state = memory
            $0.store = MemoryStore(clock: clock)
            $0.timeToLive = .seconds(1)
            $0.grace = .zero
            $0.hasWorkers = false
        }) { engine async throws in
            let stuck = try engine.id("/stuck")
            #expect(try await memory.beginRemoval(stuck, .none, duration: .zero) != nil)
            try await engine.put("/a", [1])
            _ = try await memory.recordPresent(try engine.id("/a"), try await engine.pooled("/a"))
            engine.store.fail(.delete, .permissionDenied)
            clock.advance(by: .seconds(2))
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await engine.object("/a").markedAt != nil)
            #expect(try await memory.replica(stuck)?.status == .removing)
            engine.store.heal()
            try await engine.sweeper.sweep(engine.pool)
            #expect(try await memory.replica(stuck) == nil)
            #expect(try await memory.replica(try engine.id("/a")) == nil)
        }
    }
}
