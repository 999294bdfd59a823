import MirrorCore
import MirrorState
import MirrorStorage
import MirrorTesting
import TestServers
import Testing

@testable import MirrorEngine

/// Something of ours hangs: a request has its deadline all the same.
@Suite("The redirect path: one deadline", .timeLimit(.minutes(1)))
struct RequestDeadlineTests {
    /// What hangs. Nothing of it can be cancelled, like a call on a disk that hangs.
    enum Place: CaseIterable, Sendable {
        case head, location, replica, claim, recordPresent, touch
    }

    private func run(
        _ change: (inout EngineFixture.Setup) -> Void = { _ in },
        _ body: @Sendable (_ engine: EngineFixture, _ clock: ManualClock, _ door: Door) async throws -> Void
    ) async throws {
        let (clock, door) = (ManualClock(), Door())
        try await EngineFixture.run({
            $0.clock = clock
            $0.hasWorkers = false
            $0.redirect = RedirectConfiguration(maxWait: .seconds(600), waitLimit: .seconds(600))
            change(&$0)
        }) { engine async throws in
            defer { door.open() }
            try await body(engine, clock, door)
        }
    }

    private static func hang(_ place: Place, of engine: EngineFixture, at door: Door) {
        let hook: @Sendable () async throws -> Void = { _ = await Task { try? await door.pass() }.value }
        switch place {
        case .head: engine.store.before(.head, do: hook)
        case .location: engine.store.before(.location, do: hook)
        case .replica: engine.base.before(.replica, do: hook)
        case .claim: engine.base.before(.claim, do: hook)
        case .recordPresent: engine.base.before(.recordPresent, do: hook)
        case .touch: engine.base.before(.touch, do: hook)
        }
    }

    /// Waits until the memory knows of all changes so far: it forgets what it hears of, even what it has read since.
    private static func newsComes(to engine: EngineFixture) async throws {
        let id = try engine.id("/last.txt")
        try await engine.put("/last.txt", [1, 2, 3])
        _ = try await engine.state.recordPresent(id, try await engine.pooled("/last.txt"))
        #expect(try await engine.ask("/last.txt").outcome == .hit)
        #expect(try await engine.base.mark([id], unusedSince: engine.setup.clock.now) == [id])
        while engine.state.cached(id) != nil, !Task.isCancelled { await Task.yield() }
    }

    /// Makes a request get there.
    private static func prepare(_ place: Place, in engine: EngineFixture) async throws {
        let id = try engine.id("/a.txt")
        switch place {
        case .head, .claim, .replica: break
        case .recordPresent: try await engine.put("/a.txt", [1, 2, 3])
        case .location, .touch:
            try await engine.put("/a.txt", [1, 2, 3])
            _ = try await engine.state.recordPresent(id, try await engine.pooled("/a.txt"))
            guard place == .touch else { break }
            #expect(try await engine.state.mark([id], unusedSince: engine.setup.clock.now) == [id])
        }
    }

    @Test(
        "Wherever it hangs the answer is the origin when the time is over, for GET and for HEAD", arguments: Place.allCases, [false, true])
    func hangs(place: Place, isHead: Bool) async throws {
        try await run { engine, clock, door in
            try await Self.prepare(place, in: engine)
            Self.hang(place, of: engine, at: door)
            let artifact = try engine.artifact("/a.txt")
            let isAnswered = Watched(false)
            let asked = Task {
                defer { isAnswered.change { $0 = true } }
                return await engine.redirects.answer(artifact, in: engine.pool, wait: .seconds(60), isHead: isHead)
            }
            try await door.waiting()
            clock.advance(by: .milliseconds(1_990))
            #expect(!isAnswered.current)
            clock.advance(by: .milliseconds(10))
            #expect(await asked.value.fallback == .silent)
            #expect(engine.counters.total(EngineMetrics.Name.fallbacks, "silent") == 1)
            #expect(engine.waiters.count == 0)
        }
    }

    @Test("Who does not wait has a second", arguments: [Place.head, .replica])
    func doesNotWait(place: Place) async throws {
        try await run { engine, clock, door in
            Self.hang(place, of: engine, at: door)
            let asked = Task { try await engine.ask("/a.txt", wait: .zero) }
            try await door.waiting()
            clock.advance(by: .seconds(1))
            #expect(try await asked.value.fallback == .silent)
        }
    }

    @Test("Who reports a missing object has its deadline too")
    func reportsMissing() async throws {
        try await run { engine, clock, door in
            try await Self.prepare(.location, in: engine)
            Self.hang(.head, of: engine, at: door)
            let artifact = try engine.artifact("/a.txt")
            let asked = Task {
                await engine.redirects.answer(artifact, in: engine.pool, wait: .seconds(60), isReportedMissing: true)
            }
            try await door.waiting()
            clock.advance(by: .seconds(2))
            #expect(await asked.value.fallback == .silent)
        }
    }

    @Test("Who warms is told after two seconds that something is silent", arguments: [Place.head, .replica, .claim])
    func warms(place: Place) async throws {
        try await run { engine, clock, door in
            Self.hang(place, of: engine, at: door)
            let artifact = try engine.artifact("/a.txt")
            async let warmed = engine.redirects.warm(artifact, in: engine.pool)
            try await door.waiting()
            // Of the look itself, which goes on for longer, and of the call.
            await clock.sleepers(2)
            clock.advance(by: .seconds(2))
            let state = await warmed.state
            #expect(state == .unavailable)
        }
    }

    @Test("Who joins a look that another has begun has its own time, and the look goes on when nobody waits for it")
    func joins() async throws {
        try await run { engine, clock, door in
            Self.hang(.head, of: engine, at: door)
            let first = Task { try await engine.ask("/a.txt") }
            try await door.waiting()
            clock.advance(by: .seconds(1))
            let second = Task { try await engine.ask("/a.txt") }
            // Its look at the state is the second.
            try await engine.base.calls(.replica, 2)
            clock.advance(by: .seconds(1))
            #expect(try await first.value.fallback == .silent)
            clock.advance(by: .milliseconds(990))
            clock.advance(by: .milliseconds(10))
            #expect(try await second.value.fallback == .silent)
            #expect(engine.store.count(.head) == 1)
            #expect(engine.base.count(.claim) == 0)
            door.open()
            try await engine.base.calls(.claim, 1)
            #expect(try await engine.ask("/a.txt", wait: .zero).fallback == .timedOut)
            #expect(engine.store.count(.head) == 1)
        }
    }

    @Test("The time in which the pool is looked at is part of the wait for the copy")
    func oneTime() async throws {
        try await run { engine, clock, door in
            Self.hang(.head, of: engine, at: door)
            let asked = Task { try await engine.ask("/a.txt", wait: .seconds(5)) }
            try await door.waiting()
            clock.advance(by: .milliseconds(1_900))
            door.open()
            await engine.waiting(1)
            clock.advance(by: .milliseconds(3_090))
            #expect(engine.waiters.count == 1)
            clock.advance(by: .milliseconds(10))
            #expect(try await asked.value.fallback == .timedOut)
        }
    }

    @Test("A copy whose location cannot be signed in time is no answer")
    func signsTooLate() async throws {
        try await run({ $0.hasWorkers = true }) { engine, clock, door in
            engine.origin.on("/a.txt", .text("hello"))
            Self.hang(.location, of: engine, at: door)
            let asked = Task { try await engine.ask("/a.txt", wait: .seconds(5)) }
            try await door.waiting()
            clock.advance(by: .seconds(5))
            #expect(try await asked.value.fallback == .timedOut)
        }
    }

    @Test("A client that goes is no longer waited for, whatever hangs", arguments: [Place.head, .replica])
    func clientGoes(place: Place) async throws {
        try await run { engine, _, door in
            Self.hang(place, of: engine, at: door)
            let asked = Task { try await engine.ask("/a.txt") }
            try await door.waiting()
            asked.cancel()
            _ = try await asked.value
        }
    }

    @Test("When the state hangs only so many requests are left behind; the next go to the origin at once, and what is in memory is given")
    func leftBehind() async throws {
        try await run { engine, clock, door in
            engine.origin.on("/hit.txt", .text("hello"))
            try await Self.prepare(.location, in: engine)
            try await Self.newsComes(to: engine)
            #expect(try await engine.ask("/a.txt").outcome == .hit)
            Self.hang(.replica, of: engine, at: door)
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for number in 0..<1_000 { group.addTask { try await engine.ask("/\(number)") } }
                try await door.waiting(1_000)
                clock.advance(by: .seconds(2))
                for try await answer in group { #expect(answer.fallback == .silent) }
            }
            #expect(try await engine.ask("/b.txt").fallback == .overloaded)
            #expect(try await engine.ask("/a.txt").outcome == .hit)
            door.open()
            // Everybody who was left behind comes to an end.
            while try await engine.ask("/b.txt", wait: .zero).fallback == .overloaded, !Task.isCancelled { await Task.yield() }
            #expect(try await engine.ask("/b.txt", wait: .zero).fallback == .timedOut)
        }
    }

    @Test("Who hangs in the state while it waits for a copy is counted among those left behind")
    func leftWaiting() async throws {
        try await run({ $0.maxQueued = 2_000 }) { engine, clock, door in
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for number in 0..<1_000 { group.addTask { try await engine.ask("/\(number)", wait: .seconds(60)) } }
                await engine.waiting(1_000)
                Self.hang(.replica, of: engine, at: door)
                // All look again.
                await engine.waiters.run(
                    AsyncStream { changes in
                        changes.yield(.everything)
                        changes.finish()
                    })
                try await door.waiting(1_000)
                clock.advance(by: .seconds(60))
                for try await answer in group { #expect(answer.fallback == .timedOut) }
            }
            #expect(try await engine.ask("/b.txt", wait: .zero).fallback == .overloaded)
        }
    }

    @Test("Looks into a pool that hang are counted, also when nobody waits for them any more")
    func leftLooks() async throws {
        try await run { engine, clock, door in
            Self.hang(.head, of: engine, at: door)
            let count = 4_000
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for number in 0..<count { group.addTask { try await engine.ask("/\(number)") } }
                try await door.waiting(count)
                clock.advance(by: .seconds(2))
                for try await answer in group { #expect(answer.fallback == .silent) }
            }
            // The looks are given up, and hang on.
            clock.advance(by: .seconds(20))
            let origin = try engine.redirects.resolve(engine.origin.url("/more.txt"))
            #expect(await engine.redirects.warm(origin, in: engine.pool).state == .queueFull)
            #expect(engine.store.count(.head) == count)
            door.open()
            while engine.store.count(.head) == count, !Task.isCancelled { _ = await engine.redirects.warm(origin, in: engine.pool) }
        }
    }

    @Test("Looks are counted in each pool by itself")
    func countsLooks() throws {
        let (one, other) = (try #require(PoolID("local/one")), try #require(PoolID("local/two")))
        let looks = LookCount(limit: 2)
        #expect(looks.begin(in: one))
        #expect(looks.begin(in: one))
        #expect(!looks.begin(in: one))
        #expect(looks.begin(in: other))
        looks.end(in: one)
        #expect(looks.begin(in: one))
    }

    @Test("An origin's URL that cannot be signed in time is given as it is")
    func originLocation() async throws {
        let bucket = FakeBucket([:])
        try await run({ $0.buckets = [bucket] }) { engine, clock, door in
            bucket.beforeLocation { _ = await Task { try? await door.pass() }.value }
            let origin = try engine.redirects.resolve("bucket://private/a.bin")
            let location = Task { await engine.redirects.location(of: origin) }
            try await door.waiting()
            await clock.sleepers(1)
            clock.advance(by: .milliseconds(500))
            #expect(await location.value == origin.source.url.description)
        }
    }

    @Test("In a shutdown everybody is answered at once, whatever hangs", arguments: [Place.head, .replica])
    func shutdown(place: Place) async throws {
        try await run { engine, _, door in
            Self.hang(place, of: engine, at: door)
            try await withThrowingTaskGroup(of: RedirectAnswer.self) { group in
                for number in 0..<20 { group.addTask { try await engine.ask("/\(number)") } }
                try await door.waiting(20)
                engine.redirects.close()
                for try await answer in group { #expect(answer.fallback == .shuttingDown) }
            }
        }
    }
}
