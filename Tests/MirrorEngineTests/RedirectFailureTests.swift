import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

@Suite("The redirect path: failures and refusals", .timeLimit(.minutes(1)))
struct RedirectFailureTests {
    @Test(
        "What the origin answers is passed on at once and remembered for the negative life; what may come of Range is asked twice",
        arguments: [(400, 2), (401, 2), (403, 2), (404, 1), (410, 1), (451, 2)])
    func passesOnNegativeAnswers(status: Int, requests: Int) async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.negativeLife = .seconds(30)
        }) { engine async throws in
            engine.origin.on("/a.txt", Array(repeating: .status(status), count: requests) + [.text("now it is there")])
            #expect(try await engine.ask("/a.txt").status == status)
            clock.advance(by: .milliseconds(29_999))
            #expect(try await engine.ask("/a.txt").status == status)
            #expect(engine.origin.requests.count == requests)
            clock.advance(by: .milliseconds(1))
            #expect(try await engine.ask("/a.txt").size == 15)
            #expect(engine.origin.requests.count == requests + 1)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "error") == 2)
        }
    }

    @Test(
        "A failing origin is asked as often as attempts are allowed, then its status is passed on",
        arguments: [(500, 4), (503, 3), (429, 3), (408, 3)])
    func retriesThenPassesOn(status: Int, requests: Int) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .status(status))
            #expect(try await engine.ask("/a.txt").status == status)
            #expect(try await engine.ask("/a.txt").status == status)
            #expect(engine.origin.requests.count == requests)
            let results = engine.base.results
            #expect(results.count == 3)
            #expect(results.filter { if case .retry = $0 { true } else { false } }.count == 2)
            guard case .failed(let failure) = results.last else {
                Issue.record("the last attempt ended with \(String(describing: results.last))")
                return
            }
            #expect(failure.reason == .origin(status: status))
        }
    }

    @Test("An origin that fails twice and then answers is a success for all who waited")
    func failsTwiceThenSucceeds() async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .failing(2, then: .text("hello")))
            async let one = engine.ask("/a.txt")
            async let other = engine.ask("/a.txt")
            #expect(try await one.size == 5)
            #expect(try await other.size == 5)
            #expect(engine.origin.requests.count == 3)
            try await engine.counters.reach(1, EngineMetrics.Name.copies, "present")
            #expect(engine.counters.total(EngineMetrics.Name.copies, "present") == 1)
            #expect(engine.counters.total(EngineMetrics.Name.copies, "error") == 0)
        }
    }

    @Test("What the origin asks for in Retry-After is kept to, and the worker wakes by itself then", arguments: [true, false])
    func retryAfter(isDate: Bool) async throws {
        let clock = ManualClock()
        let value = isDate ? (clock.now + .seconds(7)).httpDate : "7"
        try await EngineFixture.run({
            $0.clock = clock
            $0.copy.backoff.limit = .seconds(30)
        }) { engine async throws in
            let busy = FakeBehavior.status(503).with { $0.headers.append(("Retry-After", value)) }
            engine.origin.on("/a.txt", busy, .text("hello"))
            async let answer = engine.ask("/a.txt")
            #expect(try await engine.base.results(1) == [.retry(after: .seconds(7))])
            #expect(engine.origin.requests.count == 1)
            clock.advance(by: .seconds(7))
            // A worker that looked in this very moment sleeps one more millisecond.
            while engine.origin.requests.count < 2 {
                try Task.checkCancellation()
                await clock.sleepers(2)
                clock.advance(by: .milliseconds(1))
                await Task.yield()
            }
            #expect(try await answer.size == 5)
        }
    }

    @Test(
        "A failing origin that wants to be left alone for long is asked again after the negative life, and its failure is remembered no longer",
        arguments: [(503, "3600"), (429, "3600"), (503, "31"), (503, "3599")])
    func longRetryAfter(status: Int, retryAfter: String) async throws {
        let clock = ManualClock()
        try await EngineFixture.run({
            $0.clock = clock
            $0.negativeLife = .seconds(30)
            $0.copy.backoff.limit = .seconds(30)
        }) { engine async throws in
            let busy = FakeBehavior.status(status).with { $0.headers.append(("Retry-After", retryAfter)) }
            engine.origin.on("/a.txt", busy, .text("hello"))
            #expect(try await engine.ask("/a.txt").status == status)
            clock.advance(by: .milliseconds(29_999))
            #expect(try await engine.ask("/a.txt").status == status)
            #expect(engine.origin.requests.count == 1)
            clock.advance(by: .milliseconds(1))
            #expect(try await engine.ask("/a.txt").size == 5)
            #expect(engine.origin.requests.count == 2)
        }
    }

    @Test("http is refused where https is required, without a request")
    func refusesScheme() async throws {
        try await EngineFixture.run({ $0.requireHTTPS = true }) { engine async throws in
            let answer = try await engine.ask("/a.txt")
            #expect(answer.outcome == .refused)
            #expect(answer.refusal?.contains("https") == true)
            #expect(engine.origin.requests.isEmpty)
            #expect(engine.base.count(.replica) == 0)
        }
    }

    @Test(
        "What no rule allows, and addresses that are not public, are refused without a request",
        arguments: [
            "http://artifacts.example.org:8080/a.txt", "http://10.0.0.1/a.txt", "http://169.254.169.254/latest/meta-data",
            "http://[::1]/a.txt",
        ])
    func refusesURL(url: String) async throws {
        try await EngineFixture.run { engine async throws in
            let answer = await engine.redirects.answer(try ArtifactURL(url), in: engine.pool, wait: nil)
            #expect(answer.outcome == .refused)
            #expect(engine.base.count(.replica) == 0)
            #expect(engine.counters.total(EngineMetrics.Name.redirects, "refused") == 1)
        }
    }

    @Test("A present replica of what is no longer allowed is refused too")
    func refusesHit() async throws {
        try await EngineFixture.run({ $0.requireHTTPS = true }) { engine async throws in
            let id = try engine.id("/a.txt")
            let object = StoredObject(
                key: ObjectKey(id.artifact), size: 1, sha256: nil, storedAt: engine.setup.clock.now, lastUsed: engine.setup.clock.now)
            _ = try await engine.state.recordPresent(id, object)
            #expect(try await engine.ask("/a.txt").outcome == .refused)
        }
    }

    @Test("A name with a private address among its addresses is refused once it is resolved, and that is remembered")
    func refusesResolvedAddress() async throws {
        let addresses = try ["93.184.215.14", "10.0.0.5"].map { try #require(IPAddress($0)) }
        try await EngineFixture.run({ $0.resolver.names = ["artifacts.example.org": addresses] }) { engine async throws in
            for _ in 0..<2 {
                let answer = await engine.redirects.answer(
                    try ArtifactURL("http://artifacts.example.org/a.txt"), in: engine.pool, wait: nil)
                #expect(answer.outcome == .refused)
                #expect(answer.refusal?.contains("10.0.0.5") == false)
            }
            #expect(engine.base.count(.claim) == 1)
            #expect(engine.base.results.count == 1)
        }
    }

    @Test(
        "A redirect chain that leads to a refused address, name or port is refused, and nothing is stored",
        arguments: [
            "http://169.254.169.254/latest/meta-data", "http://internal.example.org/a.txt", "http://10.1.2.3/", "http://10.1.2.3:81/",
            "//localhost/a.txt",
        ])
    func refusesHop(location: String) async throws {
        let address = try #require(IPAddress("192.168.1.1"))
        try await EngineFixture.run({ $0.resolver.names = ["internal.example.org": [address], "localhost": [address]] }) {
            engine async throws in
            engine.origin.on("/a.txt", .redirect(to: "/b.txt"))
            engine.origin.on("/b.txt", .redirect(to: location))
            #expect(try await engine.ask("/a.txt").outcome == .refused)
            #expect(try await !engine.isInPool("/a.txt"))
            #expect(engine.origin.requests.map(\.path) == ["/a.txt", "/b.txt"])
        }
    }

    @Test("A redirect chain without end, and one that leads nowhere, are left to the client", arguments: ["/a.txt", "nothing:"])
    func brokenChain(location: String) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .redirect(to: location))
            #expect(try await engine.ask("/a.txt").fallback == .copyFailed)
            #expect(engine.base.results.count == 1)
        }
    }

    @Test("An answer that is success and no artifact is left to the client", arguments: [204, 304])
    func oddSuccess(status: Int) async throws {
        try await EngineFixture.run { engine async throws in
            engine.origin.on("/a.txt", .status(status))
            #expect(try await engine.ask("/a.txt").fallback == .copyFailed)
            #expect(engine.origin.requests.map { $0.header("Range") } == ["bytes=0-65535", nil])
            #expect(try await !engine.isInPool("/a.txt"))
        }
    }
}
