import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Copies that are prepared and then published", .timeLimit(.minutes(1)))
struct PreparedCopyTests {
    private static let path = "/a.txt"

    /// - Parameter isBuffered: Whether parts are in memory before they are written.
    private func run(isBuffered: Bool = false, _ body: @Sendable (EngineFixture, CopyEngine) async throws -> Void) async throws {
        try await EngineFixture.run({
            $0.hasWorkers = false
            if isBuffered { $0.features = [.servedByMirror, .parallelParts] }
        }) { engine async throws in
            engine.origin.on(Self.path, .text("hello"))
            let copies = CopyEngine(
                space: engine.space, configuration: engine.setup.copy, metrics: engine.metrics, clock: engine.setup.clock,
                logger: EngineFixture.logger, credit: OriginCredit(clock: engine.setup.clock), memory: CopyMemory(engine.setup.copy),
                replicas: ReplicaSources(pools: engine.pools, state: engine.state))
            try await body(engine, copies)
        }
    }

    /// - Parameter age: How long ago the copy was asked for.
    private func attempt(_ engine: EngineFixture, age: Duration = .zero) throws -> CopyAttempt {
        let clock = engine.setup.clock
        return CopyAttempt(
            origin: OriginReader(origin: try engine.origins.resolve(engine.origin.url(Self.path)), clock: clock), pool: engine.pool,
            number: 1, queuedAt: clock.now - age, progress: CopyProgress(clock: clock))
    }

    @Test("A prepared copy is in the pool once it is published, and not before")
    func publishes() async throws {
        try await run { engine, copies async throws in
            let copy = try await copies.prepare(try attempt(engine), by: .first)
            defer { copy.release() }
            #expect(try await !engine.isInPool(Self.path))
            #expect(try await copy.publish(by: engine.setup.clock).size == 5)
            #expect(try await engine.isInPool(Self.path))
        }
    }

    @Test("A copy that is given up leaves nothing behind, and ends the attempt with what it was given up for")
    func givesUp() async throws {
        try await run { engine, copies async throws in
            let copy = try await copies.prepare(try attempt(engine), by: .first)
            defer { copy.release() }
            await #expect(throws: CancellationError.self) { try await copies.way(after: CancellationError(), of: copy) }
            await #expect(throws: StorageError.self) { try await copy.publish(by: engine.setup.clock) }
            #expect(try await !engine.isInPool(Self.path))
        }
    }

    @Test("The memory of a copy that is one part is given back as soon as it is published")
    func publishedMemory() async throws {
        try await run(isBuffered: true) { engine, copies async throws in
            let copy = try await copies.prepare(try attempt(engine), by: .first)
            defer { copy.release() }
            #expect(copies.memory.held == 5)
            _ = try await copy.publish(by: engine.setup.clock)
            #expect(copies.memory.held == 0)
        }
    }

    @Test("The memory of a copy that is one part and is given up is given back once its bytes are gone, and not before")
    func abortedMemory() async throws {
        try await run(isBuffered: true) { engine, copies async throws in
            let copy = try await copies.prepare(try attempt(engine), by: .first)
            defer { copy.release() }
            let door = Door()
            engine.store.before(.abort) { try await door.pass() }
            let way = Task { try await copies.way(after: StorageError(.unavailable, "scripted", operation: "scripted"), of: copy) }
            try await door.waiting()
            #expect(copies.memory.held == 5)
            door.open()
            await #expect(throws: StorageError.self) { try await way.value }
            #expect(copies.memory.held == 0)
        }
    }

    @Test("A copy that fails when all of its bytes have come holds its memory until they are gone")
    func failedMemory() async throws {
        try await run(isBuffered: true) { engine, copies async throws in
            let digest = Digest(.sha256, bytes: Array(repeating: 0, count: 32))
            engine.origin.on(Self.path, FakeBehavior.text("hello").with { $0.headers.append(("Repr-Digest", digest?.fieldValue ?? "")) })
            let door = Door()
            engine.store.before(.abort) { try await door.pass() }
            let attempt = try attempt(engine)
            let copy = Task { try await copies.prepare(attempt, by: .first) }
            try await door.waiting()
            #expect(copies.memory.held == 5)
            door.open()
            await #expect(throws: CopyError.self) { try await copy.value }
            #expect(copies.memory.held == 0)
        }
    }

    @Test("An object in the way is taken where it is newer than the job, and leads to a copy that replaces it where it is older")
    func findsAnObject() async throws {
        for age in [Duration.seconds(3_600), .seconds(-3_600)] {
            try await run { engine, copies async throws in
                let attempt = try attempt(engine, age: age)
                let copy = try await copies.prepare(attempt, by: .first)
                defer { copy.release() }
                try await engine.put(Self.path, Array("other".utf8))
                let error = try await requireStorageError(.preconditionFailed, "publish") { try await copy.publish(by: engine.setup.clock) }
                let way = try await copies.way(after: error, of: copy)
                guard case .adopting = way else {
                    Issue.record("\(way)")
                    return
                }
                let adoption = try await copies.prepare(attempt, by: way)
                guard age < .zero else {
                    #expect(try await adoption.publish(by: engine.setup.clock).sha256 == engine.pooled(Self.path).sha256)
                    return
                }
                let older = try await requireThrows(PreparedCopy.OlderObject.self) { try await adoption.publish(by: engine.setup.clock) }
                guard case .copying(.none) = try await copies.way(after: older, of: adoption) else {
                    Issue.record("the object is not replaced")
                    return
                }
            }
        }
    }
}
