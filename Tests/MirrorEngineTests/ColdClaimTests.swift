import CoreMetrics
import Logging
import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The redirect path: what one client network may ask for that is not there", .timeLimit(.minutes(1)))
struct ColdClaimTests {
    private static let one = ClientNetwork(IPAddress("192.0.2.1"))
    private static let two = ClientNetwork(IPAddress("192.0.2.2"))

    /// Nothing comes back while a test runs.
    private func limit(_ setup: inout EngineFixture.Setup, burst: Int, bytesPerMinute: Int64 = 0) {
        setup.redirect.coldClaims = ColdClaimLimits(perSecond: 1, burst: burst, bytesPerMinute: bytesPerMinute)
        setup.budgetClock = ManualClock()
    }

    private func ask(
        _ engine: EngineFixture, _ path: String, from client: ClientNetwork?, wait: Duration? = nil, isHead: Bool = false,
        isReportedMissing: Bool = false
    ) async throws -> RedirectAnswer {
        await engine.redirects.answer(
            try engine.artifact(path), in: engine.pool, wait: wait, isHead: isHead, isReportedMissing: isReportedMissing, from: client)
    }

    @Test("Beyond its budget a network is redirected to the origin before anything is asked or written; another one gets its copies")
    func flood() async throws {
        try await EngineFixture.run({ limit(&$0, burst: 3) }) { engine async throws in
            for number in 0..<60 { engine.origin.on("/\(number).txt", .text("hello")) }
            for number in 0..<3 { #expect(try await ask(engine, "/\(number).txt", from: Self.one).outcome == .wait) }
            let (heads, claims, finds) = (engine.store.count(.head), engine.base.count(.claim), engine.origin.requests.count)
            for number in 3..<50 { #expect(try await ask(engine, "/\(number).txt", from: Self.one).fallback == .budget) }
            #expect(engine.store.count(.head) == heads)
            #expect(engine.base.count(.claim) == claims)
            #expect(engine.origin.requests.count == finds)
            #expect(engine.counters.total(EngineMetrics.Name.overBudget, "claims") == 47)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "fallback") == 47)
            for number in 50..<53 { #expect(try await ask(engine, "/\(number).txt", from: Self.two).outcome == .wait) }
            // What is there costs nothing, and neither does what an admin asks for.
            for number in 0..<3 { #expect(try await ask(engine, "/\(number).txt", from: Self.one).outcome == .hit) }
            guard case .replica(.pending) = await engine.redirects.warm(try engine.artifact("/59.txt"), in: engine.pool) else {
                Issue.record("not warmed")
                return
            }
        }
    }

    @Test("Queries of made-up signatures are kept for nobody who is over the budget")
    func queries() async throws {
        try await EngineFixture.run({
            limit(&$0, burst: 1)
            $0.hasWorkers = false
        }) { engine async throws in
            func ask(_ number: Int) async throws -> RedirectAnswer {
                let origin = try engine.redirects.resolve(engine.origin.url("/\(number).txt?X-Amz-Date=d&X-Amz-Signature=s"))
                return await engine.redirects.answer(origin, in: engine.pool, wait: .zero, from: Self.one)
            }
            #expect(try await ask(0).fallback == .timedOut)
            #expect(engine.base.count(.keepQuery) == 1)
            #expect(try await ask(1).fallback == .budget)
            #expect(engine.base.count(.keepQuery) == 1)
            #expect(try await engine.base.query(for: engine.id("/1.txt")) == nil)
        }
    }

    @Test("Each signature that replaces the one a copy is to be made with costs a claim, and beyond the budget it replaces none")
    func replacements() async throws {
        try await EngineFixture.run({
            limit(&$0, burst: 2)
            $0.hasWorkers = false
        }) { engine async throws in
            func ask(_ signature: Int, from network: ClientNetwork = Self.one) async throws -> RedirectAnswer {
                let origin = try engine.redirects.resolve(engine.origin.url("/a.txt?X-Amz-Date=d&X-Amz-Signature=s\(signature)"))
                return await engine.redirects.answer(origin, in: engine.pool, wait: .zero, from: network)
            }
            func kept() async throws -> Bool? { try await engine.base.query(for: engine.id("/a.txt"))?.text.hasSuffix("=s2") }
            // The claim, its own signature once more, and another one.
            for signature in [1, 1, 2] { #expect(try await ask(signature).fallback == .timedOut) }
            #expect(engine.redirects.coldClaims.spent == [Self.one])
            // It waits like the others, and is not counted as refused.
            for signature in 3..<10 { #expect(try await ask(signature).fallback == .timedOut) }
            #expect(try await kept() == true)
            #expect(engine.base.count(.keepQuery) == 2)
            #expect(engine.counters.total(EngineMetrics.Name.overBudget, "claims") == 0)
            #expect(try await ask(10, from: Self.two).fallback == .timedOut)
            #expect(try await kept() == false)
        }
    }

    @Test("Whoever joins a copy that is queued or under way spends nothing")
    func joins() async throws {
        try await EngineFixture.run({ limit(&$0, burst: 1) }) { engine async throws in
            let gate = FakeGate()
            engine.origin.on("/a.txt", FakeBehavior.text("hello").with { $0.gate = gate })
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for _ in 0..<20 { group.addTask { try await ask(engine, "/a.txt", from: Self.one) } }
                try await eventually("all wait") { engine.waiters.count == 20 }
                #expect(try await ask(engine, "/b.txt", from: Self.one, wait: .zero).fallback == .budget)
                group.addTask { try await ask(engine, "/a.txt", from: Self.one) }
                try await eventually("one more waits") { engine.waiters.count == 21 }
                gate.open()
                for try await answer in group { #expect(answer.outcome == .wait) }
            }
            #expect(engine.origin.requests(for: "/a.txt").count == 1)
        }
    }

    @Test("Who asks at the same time for the same as a network without a budget gets the copy")
    func together() async throws {
        try await EngineFixture.run({ limit(&$0, burst: 1_000) }) { engine async throws in
            let poor = ClientNetwork(IPAddress("192.0.2.9"))
            engine.redirects.reload(engine.setup.redirect.with { $0.coldClaims.burst = 1 })
            engine.origin.on("/first.txt", .text("hello"))
            #expect(try await ask(engine, "/first.txt", from: poor).outcome == .wait)
            engine.redirects.reload(engine.setup.redirect)
            for number in 0..<20 {
                engine.origin.on("/\(number).txt", .text("hello"))
                let door = Door()
                engine.base.before(.replica) { try await door.pass() }
                async let others: [RedirectAnswer] = withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                    for _ in 0..<3 { group.addTask { try await ask(engine, "/\(number).txt", from: poor) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                async let rich = ask(engine, "/\(number).txt", from: Self.two)
                try await door.waiting(4)
                door.open()
                #expect(try await rich.outcome == .wait)
                for answer in try await others { #expect(answer.outcome == .wait || answer.outcome == .hit || answer.fallback == .budget) }
                engine.base.heal()
            }
        }
    }

    @Test("A HEAD of what is being copied spends what asking the origin costs, and beyond the budget the origin is not asked")
    func head() async throws {
        try await EngineFixture.run({
            limit(&$0, burst: 2)
            $0.hasWorkers = false
        }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            #expect(try await ask(engine, "/a.txt", from: Self.two, wait: .zero).fallback == .timedOut)
            guard case .description = try await ask(engine, "/a.txt", from: Self.one, isHead: true) else {
                Issue.record("no description")
                return
            }
            let asked = engine.origin.requests.count
            // It is remembered.
            guard case .description = try await ask(engine, "/a.txt", from: Self.one, isHead: true) else {
                Issue.record("no description")
                return
            }
            #expect(engine.origin.requests.count == asked)
            // One for the claim, none for the origin.
            #expect(try await ask(engine, "/b.txt", from: Self.one, isHead: true).fallback == .budget)
            #expect(engine.origin.requests.count == asked)
            #expect(try await engine.status("/b.txt") == .pending)
        }
    }

    @Test("Who asks at the same time for the header of the same as a network without a budget gets it")
    func headTogether() async throws {
        try await EngineFixture.run({
            limit(&$0, burst: 1_000)
            $0.hasWorkers = false
        }) { engine async throws in
            let poor = ClientNetwork(IPAddress("192.0.2.9"))
            engine.redirects.reload(engine.setup.redirect.with { $0.coldClaims.burst = 1 })
            #expect(try await ask(engine, "/first.txt", from: poor, wait: .zero).fallback == .timedOut)
            engine.redirects.reload(engine.setup.redirect)
            for number in 0..<20 {
                engine.origin.on("/\(number).txt", .text("hello"))
                #expect(try await ask(engine, "/\(number).txt", from: Self.one, wait: .zero).fallback == .timedOut)
                let door = Door()
                engine.base.before(.replica) { try await door.pass() }
                async let others: [RedirectAnswer] = withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                    for _ in 0..<3 { group.addTask { try await ask(engine, "/\(number).txt", from: poor, isHead: true) } }
                    return try await group.reduce(into: []) { $0.append($1) }
                }
                async let rich = ask(engine, "/\(number).txt", from: Self.two, isHead: true)
                try await door.waiting(4)
                door.open()
                #expect(try await rich.outcome == .pending)
                for answer in try await others { #expect(answer.outcome == .pending || answer.fallback == .budget) }
                engine.base.heal()
            }
        }
    }

    @Test("Where the first one had nothing left to spend, whoever takes over claims, and waits for the copy")
    func claimsAfterRefusal() async throws {
        try await EngineFixture.run({ limit(&$0, burst: 1) }) { engine async throws in
            func takeOver(_ path: String) async throws -> RedirectAnswer {
                engine.origin.on(path, .text("hello"))
                return await engine.redirects.wait(
                    for: try engine.redirects.resolve(engine.origin.url(path)), in: engine.pool,
                    until: engine.setup.clock.instant + .seconds(60), wait: Wait(limit: .seconds(60), look: .seconds(60)),
                    isHead: false, isClaimed: false, from: Self.one)
            }
            #expect(try await takeOver("/a.txt").outcome == .wait)
            #expect(engine.waiters.count == 0)
            #expect(try await takeOver("/b.txt").fallback == .budget)
        }
    }

    @Test("Whoever takes over from a HEAD that has left pays for what it causes")
    func takeOver() async throws {
        try await EngineFixture.run({
            limit(&$0, burst: 2)
            $0.hasWorkers = false
        }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            func takeOver(_ path: String) async throws -> RedirectAnswer {
                await engine.redirects.wait(
                    for: try engine.redirects.resolve(engine.origin.url(path)), in: engine.pool,
                    until: engine.setup.clock.instant + .seconds(60), wait: Wait(limit: .seconds(60)), isHead: true, isClaimed: true,
                    from: Self.one)
            }
            #expect(try await ask(engine, "/a.txt", from: Self.two, wait: .zero).fallback == .timedOut)
            // The header.
            guard case .description = try await takeOver("/a.txt") else {
                Issue.record("no description")
                return
            }
            #expect(engine.redirects.coldClaims.spent.isEmpty)
            // The claim, and nothing is left for the header.
            #expect(try await takeOver("/b.txt").fallback == .budget)
            #expect(try await engine.status("/b.txt") == .pending)
            #expect(engine.redirects.coldClaims.spent == [Self.one])
            #expect(try await takeOver("/c.txt").fallback == .budget)
            #expect(try await engine.status("/c.txt") == nil)
            #expect(engine.origin.requests.map(\.path) == ["/a.txt"])
        }
    }

    @Test("A report of a missing object spends what the look costs")
    func missing() async throws {
        try await EngineFixture.run({ limit(&$0, burst: 2) }) { engine async throws in
            engine.origin.on("/a.txt", .text("hello"))
            #expect(try await ask(engine, "/a.txt", from: Self.one).outcome == .wait)
            #expect(try await ask(engine, "/a.txt", from: Self.one, isReportedMissing: true).outcome == .hit)
            let heads = engine.store.count(.head)
            #expect(try await ask(engine, "/a.txt", from: Self.one, isReportedMissing: true).fallback == .budget)
            #expect(engine.store.count(.head) == heads)
        }
    }

    @Test("Copies are charged to the network that claimed them; one in debt gets no more, and another one does")
    func bytes() async throws {
        try await EngineFixture.run({ limit(&$0, burst: 1_000, bytesPerMinute: 10_000) }) { engine async throws in
            for number in 0..<10 { engine.origin.on("/\(number).bin", .generated(size: 6_000)) }
            #expect(try await ask(engine, "/0.bin", from: Self.one).outcome == .wait)
            #expect(try await ask(engine, "/1.bin", from: Self.one).outcome == .wait)
            try await eventually("it is charged") { engine.redirects.coldClaims.spent == [Self.one] }
            #expect(try await ask(engine, "/2.bin", from: Self.one).fallback == .budget)
            #expect(engine.counters.total(EngineMetrics.Name.overBudget, "bytes") == 1)
            #expect(try await ask(engine, "/2.bin", from: Self.two).outcome == .wait)
            #expect(try await ask(engine, "/2.bin", from: Self.one).outcome == .hit)
        }
    }

    @Test("What is found in the pool, fails, is purged or was not claimed by this process is charged to nobody")
    func notCharged() async throws {
        try await EngineFixture.run({ limit(&$0, burst: 1_000, bytesPerMinute: 100) }) { engine async throws in
            try await engine.put("/found.bin", [UInt8](repeating: 7, count: 5_000))
            #expect(try await ask(engine, "/found.bin", from: Self.one).outcome == .backfill)
            engine.origin.on("/fails.bin", .status(404))
            #expect(try await ask(engine, "/fails.bin", from: Self.one).status == 404)
            engine.origin.on("/warm.bin", .generated(size: 5_000))
            _ = await engine.redirects.warm(try engine.artifact("/warm.bin"), in: engine.pool)
            try await eventually("it is there") { try await engine.status("/warm.bin").map { $0 != .pending } ?? false }
            // Told after all of these.
            engine.origin.on("/b.bin", .generated(size: 5_000))
            #expect(try await ask(engine, "/b.bin", from: Self.two).outcome == .wait)
            try await eventually("the last is charged") { engine.redirects.coldClaims.spent == [Self.two] }
        }
    }

    // MARK: By itself

    @Test("The log has one line in ten seconds, with the network, and how many were refused")
    func logs() {
        let (recorder, time) = (LogRecorder(.notice), ManualClock())
        let claims = ColdClaims(
            ColdClaimLimits(perSecond: 1, burst: 1, bytesPerMinute: 0),
            metrics: EngineMetrics(pools: [], factory: NOOPMetricsHandler.instance),
            clock: time, logger: recorder.logger)
        #expect(claims.spend(Self.one))
        for _ in 0..<500 { #expect(!claims.spend(Self.one)) }
        #expect(recorder.all.count == 1)
        #expect(recorder.all.first?.contains("192.0.2.1") == true)
        time.advance(by: .seconds(10))
        #expect(claims.spend(Self.one))
        #expect(!claims.spend(Self.one))
        #expect(recorder.all.count == 2)
        #expect(recorder.all.last?.contains("500") == true, "\(recorder.all)")
    }

    @Test("What was spent comes back with the time")
    func comesBack() {
        let time = ManualClock()
        let claims = ColdClaims(
            ColdClaimLimits(perSecond: 2, burst: 4, bytesPerMinute: 0),
            metrics: EngineMetrics(pools: [], factory: NOOPMetricsHandler.instance),
            clock: time, logger: EngineFixture.logger)
        for _ in 0..<4 { #expect(claims.spend(Self.one)) }
        #expect(!claims.spend(Self.one))
        #expect(claims.isSpent(Self.one) && claims.spent == [Self.one])
        #expect(claims.spend(nil))
        time.advance(by: .seconds(1))
        #expect(!claims.isSpent(Self.one))
        for _ in 0..<2 { #expect(claims.spend(Self.one)) }
        #expect(!claims.spend(Self.one))
        claims.reload(.none)
        #expect(claims.spend(Self.one))
    }
}

extension RedirectConfiguration {
    fileprivate func with(_ change: (inout RedirectConfiguration) -> Void) -> RedirectConfiguration {
        var configuration = self
        change(&configuration)
        return configuration
    }
}
