import Logging
import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The redirect path: the log", .timeLimit(.minutes(1)))
struct RedirectLogTests {
    /// The service of a fixture, with a log that a test can read.
    private func service(_ engine: EngineFixture, _ log: LogRecorder) -> RedirectService {
        RedirectService(
            pools: engine.pools, state: engine.state, origins: engine.origins, waiters: engine.waiters, uses: engine.uses,
            publications: engine.publications, presence: engine.presence, health: engine.health, configuration: engine.setup.redirect,
            coldClaims: engine.redirects.coldClaims, metrics: engine.metrics, clock: engine.setup.clock, logger: log.logger)
    }

    private func levels(_ log: LogRecorder) -> [String] {
        log.all.compactMap { line in
            let words = line.split(separator: " ")
            return words.count > 1 && words[1] == "redirect" ? String(words[0]) : nil
        }
    }

    @Test("A copy that was waited for has a line, and what is there has none")
    func waits() async throws {
        try await EngineFixture.run { engine async throws in
            let log = LogRecorder(.debug)
            let redirects = service(engine, log)
            engine.origin.on("/a.txt", .text("hello"))
            #expect(await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil).outcome == .wait)
            for _ in 0..<3 { _ = await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil) }
            #expect(levels(log) == ["info", "debug", "debug", "debug"])
        }
    }

    @Test("In the log of requests for plans, HEAD has no line")
    func heads() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            let artifact = try engine.artifact("/a.txt")
            let entries = Watched<[RedirectLog.Entry]>([])
            engine.redirects.redirectLog.open { entry in entries.change { $0.append(entry) } }
            for isHead in [false, true, false] {
                _ = await engine.redirects.answer(artifact, in: engine.pool, wait: nil, isHead: isHead)
            }
            #expect(entries.current.map(\.outcome) == [.wait, .hit])
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "hit") == 2)
        }
    }

    @Test("What was found in the pool has a line, and who merely says that it hopped here has none")
    func hops() async throws {
        try await EngineFixture.run({
            $0.clock = ManualClock()
            $0.hasWorkers = false
        }) { engine async throws in
            let log = LogRecorder(.debug)
            let redirects = service(engine, log)
            try await engine.put("/a.txt", Array("hello".utf8))
            #expect(await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil).outcome == .backfill)
            let hop = redirects.wait(asked: nil, hop: 1, patience: Patience(hop: .seconds(60), hops: 3))
            #expect(await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: hop).outcome == .wait)
            #expect(levels(log) == ["info", "debug"], "\(log.all)")
        }
    }

    @Test("A failure has a line for those who waited for it, and none for those to whom it is told while it is remembered")
    func failures() async throws {
        try await EngineFixture.run { engine async throws in
            let log = LogRecorder(.debug)
            let redirects = service(engine, log)
            engine.origin.on("/gone.txt", .status(404))
            engine.origin.on("/odd.txt", .status(204))
            for path in ["/gone.txt", "/odd.txt"] {
                for _ in 0..<3 { _ = await redirects.answer(try engine.artifact(path), in: engine.pool, wait: nil) }
            }
            #expect(levels(log) == ["info", "debug", "debug", "info", "debug", "debug"], "\(log.all)")
        }
    }

    @Test("What strangers have for nothing has no line: what is refused, what they do not wait for, what no pool serves")
    func free() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            let log = LogRecorder(.debug)
            let redirects = service(engine, log)
            engine.origin.on("/a.txt", .text("hello"))
            #expect(await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: .zero).fallback == .timedOut)
            #expect(await redirects.answer(try engine.artifact("/a.txt"), in: nil, wait: nil).fallback == .noPool)
            for _ in 0..<2 { _ = await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil, isHead: true) }
            #expect(levels(log) == ["debug", "debug", "debug", "debug"], "\(log.all)")
        }
        try await EngineFixture.run({ $0.requireHTTPS = true }) { engine async throws in
            let log = LogRecorder(.debug)
            #expect(await service(engine, log).answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil).outcome == .refused)
            #expect(levels(log) == ["debug"])
        }
    }

    @Test("Who does not wait for as long as a second has no line")
    func shortWaits() async throws {
        try await EngineFixture.run({ $0.hasWorkers = false }) { engine async throws in
            let log = LogRecorder(.debug)
            let redirects = service(engine, log)
            for _ in 0..<3 {
                #expect(
                    await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: .milliseconds(1)).fallback == .timedOut)
            }
            #expect(levels(log) == ["debug", "debug", "debug"], "\(log.all)")
        }
    }

    @Test("What is broken has a bounded number of lines, however many meet it, and the next line says how many were left out")
    func troubles() async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
        }) { engine async throws in
            let log = LogRecorder(.info)
            let redirects = service(engine, log)
            engine.base.before(.replica) { throw StateError(.unavailable, "scripted") }
            func warnings() -> [String] { log.all.filter { $0.hasPrefix("warning") } }
            for _ in 0..<600 {
                #expect(await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil).fallback == .unavailable)
            }
            #expect(warnings().count == 50)
            #expect(log.all.count { $0.hasPrefix("info") } == 500)
            clock.advance(by: .seconds(1))
            _ = await redirects.answer(try engine.artifact("/a.txt"), in: engine.pool, wait: nil)
            #expect(warnings().count == 51)
            #expect(warnings().last?.contains("\"left_out\": 550") == true, "\(warnings().last ?? "")")
            engine.base.heal()
        }
    }
}
