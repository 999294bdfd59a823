import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Copies that are prepared and then published", .timeLimit(.minutes(1)))
struct PreparedCopyTests {
    private static let path = "/a.txt"

    private func run(_ body: @Sendable (EngineFixture, CopyEngine) async throws -> Void) async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            engine.origin.on(Self.path, .text("hello"))
            let copies = CopyEngine(
                space: engine.space, configuration: engine.setup.copy, metrics: engine.metrics, clock: engine.setup.clock,
                logger: EngineFixture.logger, credit: OriginCredit(clock: engine.setup.clock), memory: CopyMemory(engine.setup.copy))
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
