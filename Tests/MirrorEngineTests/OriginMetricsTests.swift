import Logging
import MirrorCore
import MirrorNet
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("Requests to origins are counted", .timeLimit(.minutes(1)))
struct OriginMetricsTests {
    @Test("Each by its rule and the class of its answer", arguments: [(404, "4xx"), (403, "4xx"), (503, "5xx"), (429, "429")])
    func answers(_ status: Int, _ word: String) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.bin", .text("hello"))
            engine.origin.on("/b.bin", .status(status))
            _ = try await engine.ask("/a.bin")
            _ = try await engine.ask("/b.bin")
            let counts = engine.counters
            #expect(counts.total(OriginMetrics.Name.requests, "2xx") == 1)
            #expect(counts.total(OriginMetrics.Name.requests, word) == Int64(engine.origin.requests.count { $0.path == "/b.bin" }))
            #expect(counts.total(OriginMetrics.Name.requests, engine.origin.url("/")) == Int64(engine.origin.requests.count))
        }
    }

    @Test("One that fails counts as without an answer, and one that is given up does not count")
    func failures() async throws {
        let counters = CountingMetrics()
        let metrics = OriginMetrics(factory: counters)
        await #expect(throws: OutboundError.self) {
            try await metrics.counting("any", status: { (status: Int) in status }) { throw OutboundError(.connectFailed, "refused") }
        }
        await #expect(throws: CancellationError.self) {
            try await metrics.counting("any", status: { (status: Int) in status }) { throw CancellationError() }
        }
        #expect(counters.total(OriginMetrics.Name.requests) == 1)
        #expect(counters.total(OriginMetrics.Name.requests, "none") == 1)
    }

    @Test("A host that an origin redirects to, and that is not allowed, is counted each time, and logged once")
    func refusedRedirects() async throws {
        let (counters, log) = (CountingMetrics(), LogRecorder(.notice))
        let metrics = OriginMetrics(factory: counters, logger: log.logger)
        for host in ["a.example", "b.example", "a.example"] {
            let error = OutboundError(.redirectRefused(EgressRefusal(.notListed, "no"), host: host), "no")
            await #expect(throws: OutboundError.self) {
                try await metrics.counting("pip", status: { (status: Int) in status }) { throw error }
            }
        }
        #expect(counters.total(OriginMetrics.Name.refusedRedirects, "a.example") == 2)
        #expect(counters.total(OriginMetrics.Name.refusedRedirects, "b.example") == 1)
        #expect(log.all.count == 2 && log.all.allSatisfy { $0.contains("pip") && $0.contains("add the host to origins.allow") })
    }

    @Test("One that is given up counts as without an answer only if its time was over")
    func givenUp() async throws {
        let (counters, clock) = (CountingMetrics(), ManualClock())
        let metrics = OriginMetrics(factory: counters, clock: clock)
        let end = clock.instant + .seconds(3)
        for wait in [Duration.seconds(2), .seconds(1)] {
            await #expect(throws: CancellationError.self) {
                try await metrics.counting("any", until: end, status: { (status: Int) in status }) {
                    clock.advance(by: wait)
                    throw CancellationError()
                }
            }
        }
        #expect(counters.total(OriginMetrics.Name.requests) == 1)
        #expect(counters.total(OriginMetrics.Name.requests, "none") == 1)
    }

    @Test("An answer is timed until it begins, whatever it is, and what has none is not timed")
    func times() async throws {
        let (counters, clock) = (CountingMetrics(), ManualClock())
        let metrics = OriginMetrics(factory: counters, clock: clock)
        for status in [200, 503] {
            _ = try await metrics.counting("any", status: { $0 }) {
                clock.advance(by: .milliseconds(1_500))
                return status
            }
        }
        await #expect(throws: OutboundError.self) {
            try await metrics.counting("any", status: { (status: Int) in status }) { throw OutboundError(.connectFailed, "refused") }
        }
        #expect(counters.observed(OriginMetrics.Name.seconds, "any") == [1.5, 1.5])
    }

    @Test("What is counted and timed for one origin or one class of answers is so for no other, the second time as well")
    func apart() async throws {
        let (counters, clock) = (CountingMetrics(), ManualClock())
        let metrics = OriginMetrics(factory: counters, clock: clock)
        for (origin, status, seconds) in [("pip", 200, 1), ("npm", 200, 2), ("pip", 404, 3), ("npm", 404, 4), ("npm", 404, 5)] {
            _ = try await metrics.counting(origin, status: { $0 }) {
                clock.advance(by: .seconds(seconds))
                return status
            }
        }
        let totals = ["pip", "npm", "2xx", "4xx"].map { counters.total(OriginMetrics.Name.requests, $0) }
        #expect(totals == [2, 3, 2, 3])
        #expect(counters.observed(OriginMetrics.Name.seconds, "pip") == [1, 3])
        #expect(counters.observed(OriginMetrics.Name.seconds, "npm") == [2, 4, 5])
    }

    @Test("However many origins a configuration names, the label has a hundred values and `other`")
    func bounded() async throws {
        let counters = CountingMetrics()
        let metrics = OriginMetrics(factory: counters)
        for number in 0...BoundedLabels.max { _ = try await metrics.counting("https://\(number).example/", status: { $0 }) { 200 } }
        #expect(counters.total(OriginMetrics.Name.requests, "other") == 1)
        #expect(counters.observed(OriginMetrics.Name.seconds, "other").count == 1)
        #expect(counters.total(OriginMetrics.Name.requests) == Int64(BoundedLabels.max) + 1)
    }
}
