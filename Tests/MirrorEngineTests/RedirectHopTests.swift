import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The redirect path: hops", .timeLimit(.minutes(1)))
struct RedirectHopTests {
    private static let patience = Patience(hop: .seconds(12), hops: 2)

    private func ask(_ engine: EngineFixture, hop: Int, patience: Patience = patience) async throws -> RedirectAnswer {
        let wait = engine.redirects.wait(asked: nil, hop: hop, patience: patience)
        return await engine.redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: wait)
    }

    private func number(_ answer: RedirectAnswer) -> Int? { if case .hop(let number) = answer { number } else { nil } }

    @Test("A client is sent to ourselves as often as it follows, then to the origin, and counts once")
    func chain() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
            $0.redirect = RedirectConfiguration()
        }) { engine async throws in
            for hop in 0...2 {
                async let asked = ask(engine, hop: hop)
                await engine.waiting(1)
                clock.advance(by: .milliseconds(11_999))
                #expect(engine.waiters.count == 1)
                clock.advance(by: .milliseconds(1))
                let answer = try await asked
                if hop < 2 { #expect(number(answer) == hop + 1) } else { #expect(answer.fallback == .timedOut) }
            }
            #expect(engine.counters.total(EngineMetrics.Name.hops) == 2)
            #expect(engine.counters.total(EngineMetrics.Name.redirects) == 1)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "fallback") == 1)
        }
    }

    @Test("A copy that ends between two hops is what the request has waited for, and no avoided egress")
    func endsInBetween() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            #expect(try await engine.ask("/a.txt").outcome == .wait)
            #expect(try await ask(engine, hop: 1).outcome == .wait)
            #expect(engine.counters.total(EngineMetrics.Name.egressAvoided) == 0)
            #expect(try await ask(engine, hop: 0).outcome == .hit)
            #expect(engine.counters.total(EngineMetrics.Name.egressAvoided) == 5)
        }
    }

    @Test("A failure, a full house and a shutdown end the chain as they end any wait")
    func otherEnds() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .status(404))
            // As long as the copy takes to fail, however busy the machine is.
            #expect(try await ask(engine, hop: 1, patience: Patience(hop: .seconds(120), hops: 2)).status == 404)
        }
        try await EngineFixture.run({
            $0.hasWorkers = false
            $0.redirect = RedirectConfiguration(maxWaiting: 0)
        }) { engine async throws in
            #expect(try await ask(engine, hop: 1).fallback == .overloaded)
            engine.redirects.close()
            #expect(try await ask(engine, hop: 1).fallback == .shuttingDown)
        }
    }
}
