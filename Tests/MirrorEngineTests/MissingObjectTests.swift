import MirrorCore
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Objects that are deleted behind the mirror's back", .timeLimit(.minutes(1)))
struct MissingObjectTests {
    private let clock = ManualClock()

    private func run(_ body: @Sendable (EngineFixture) async throws -> Void) async throws {
        try await EngineFixture.run({
            $0.features = [.parallelParts]
            $0.clock = clock
        }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            #expect(try await engine.ask("/a.txt").outcome == .wait)
            try await body(engine)
        }
    }

    @Test("A client that reports a missing object is sent to a new copy")
    func report() async throws {
        try await run { engine async throws in
            try await engine.setup.store.delete(try engine.key("/a.txt"))
            #expect(try await engine.ask("/a.txt").outcome == .hit)
            let answer = await engine.redirects.answer(
                try engine.artifact("/a.txt"), in: engine.pool, wait: nil, isReportedMissing: true)
            #expect(answer.outcome == .wait)
            #expect(try await engine.isInPool("/a.txt"))
            #expect(engine.origin.requests.count == 2)
            #expect(engine.counters.total(EngineMetrics.Name.lost) == 1)
        }
    }

    @Test("A report of an object that is there changes nothing; one that cannot be looked into sends the client to the origin")
    func wrongReport() async throws {
        try await run { engine async throws in
            for (failure, outcome) in [(nil, .hit), (StorageError.Code.unavailable, .fallback)] as [(StorageError.Code?, Outcome)] {
                if let failure { engine.store.fail(.head, failure) }
                let answer = await engine.redirects.answer(
                    try engine.artifact("/a.txt"), in: engine.pool, wait: nil, isReportedMissing: true)
                #expect(answer.outcome == outcome)
                #expect(try await engine.ask("/a.txt").outcome == .hit)
                clock.advance(by: PresenceCheck.reportLife)
            }
            #expect(engine.origin.requests.count == 1)
            #expect(engine.counters.total(EngineMetrics.Name.lost) == 0)
        }
    }

    @Test("However often an object is reported missing that is there, it is looked for once in some seconds")
    func manyReports() async throws {
        try await run { engine async throws in
            func report() async throws -> Outcome {
                await engine.redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil, isReportedMissing: true).outcome
            }
            let heads = engine.store.count(.head)
            for round in 1...3 {
                for _ in 0..<20 { #expect(try await report() == .hit) }
                #expect(engine.store.count(.head) == heads + round)
                clock.advance(by: PresenceCheck.reportLife)
            }
            try await engine.setup.store.delete(try engine.key("/a.txt"))
            #expect(try await report() == .wait)
        }
    }

    @Test("A replica that is used is looked at now and then, and forgotten when its object is gone")
    func looksAfterUse() async throws {
        try await run { engine async throws in
            let id = try engine.id("/a.txt")
            let heads = engine.store.count(.head)
            await engine.presence.lookAfterUse([id])
            await engine.presence.lookAfterUse([id])
            #expect(engine.store.count(.head) == heads + 1)
            try await engine.setup.store.delete(try engine.key("/a.txt"))
            await engine.presence.lookAfterUse([id])
            #expect(try await engine.status("/a.txt") != nil, "not looked at again so soon")
            clock.advance(by: .seconds(900))
            await engine.presence.lookAfterUse([id])
            #expect(try await engine.status("/a.txt") == nil)
        }
    }

    @Test("A pool whose listings tell no metadata is not compared with the state as a whole")
    func doesNotReconcile() async throws {
        try await run { engine async throws in
            try await engine.sweeper.reconcile(engine.pool)
            #expect(engine.store.count(.list) == 0)
        }
    }
}
