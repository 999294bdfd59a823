import MirrorCore
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorServer

/// Plain requests while the state does not answer: each waits for it once, although two paths ask it.
@Suite(.timeLimit(.minutes(5)))
struct SilentStateTests {
    /// How long a look may take.
    private static let patience = MirrorOptions().lookupPatience
    /// Less than that, so that a look fails before it is left.
    private static let less = patience / 2

    /// With two replicas.
    ///
    /// - Parameter limit: How long the state lets its callers wait.
    private static func scene(limit: Duration) async throws -> (World, ScriptedStateStore) {
        let (world, state) = try World.scripted()
        state.limitAnswers(to: limit)
        for path in ["/a.txt", "/b.txt"] { try await world.seed(path) }
        return (world, state)
    }

    @Test(arguments: ["GET", "HEAD"])
    func `a request whose look was left when Redis counts as silent waits for a fraction of that on the slow path`(
        method: String
    ) async throws {
        let (world, state) = try await Self.scene(limit: Self.patience)
        let (looks, end) = (Countdown(1), FirstValue<Void>())
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            let before = state.count(.replica)
            state.before(.replica) { if looks.next() { await end.value() } }
            state.before(.replicaInTime) { throw StateError(.unavailable, "scripted") }
            async let answer = mirror.request(method, World.target("/a.txt"))
            try await state.calls(.replica, before + 1)
            world.clock.advance(by: Self.patience)
            let response = try await answer
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(state.limits == [Self.patience / 8])
            #expect(state.count(.replica) == before + 1)
            end.give(())
        }
    }

    @Test func `requests that waited for a look to begin have the rest of their time, and no look of their own`() async throws {
        let limit = Self.less
        let (world, state) = try await Self.scene(limit: limit)
        let (looks, end) = (Countdown(1), FirstValue<Void>())
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            let before = state.count(.replica)
            state.before(.replica) {
                guard looks.next() else { return }
                await end.value()
                throw StateError(.unavailable, "scripted")
            }
            async let first = mirror.get(World.target("/a.txt"))
            try await state.calls(.replica, before + 1)
            world.clock.advance(by: limit / 2)
            async let second = mirror.get(World.target("/b.txt"))
            try await eventually("the second request waits") { mirror.server.lookups.waiting == 1 }
            world.clock.advance(by: limit / 2)
            end.give(())
            // The state answers in that time.
            for response in [try await first, try await second] { #expect(response["X-Cloud-Mirror-Outcome"] == "hit") }
            #expect(state.limits.sorted() == [limit / 8, limit / 2])
            #expect(state.count(.replica) == before + 1)
        }
    }

    static let failures: [(StateError.Code, Duration)] = [
        (.unavailable, .zero), (.unavailable, less - .milliseconds(1)), (.corrupt, less),
    ]

    @Test(arguments: failures)
    func `a look that fails before Redis counts as silent, or for another reason, takes no time from the slow path`(
        code: StateError.Code, after delay: Duration
    ) async throws {
        let (world, state) = try await Self.scene(limit: Self.less)
        let (looks, end) = (Countdown(1), FirstValue<Void>())
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            let before = state.count(.replica)
            state.before(.replica) {
                guard looks.next() else { return }
                await end.value()
                throw StateError(code, "scripted")
            }
            async let answer = mirror.get(World.target("/a.txt"))
            try await state.calls(.replica, before + 1)
            world.clock.advance(by: delay)
            end.give(())
            let response = try await answer
            #expect(response["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(state.limits == [])
            #expect(state.count(.replica) == before + 2)
        }
    }

    @Test func `a look that is left before Redis counts as silent takes no time from the slow path`() async throws {
        let (world, state) = try await Self.scene(limit: Self.patience + .milliseconds(1))
        let (looks, end) = (Countdown(1), FirstValue<Void>())
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            let before = state.count(.replica)
            state.before(.replica) { if looks.next() { await end.value() } }
            async let answer = mirror.get(World.target("/a.txt"))
            try await state.calls(.replica, before + 1)
            world.clock.advance(by: Self.patience)
            let response = try await answer
            #expect(response["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(state.limits == [])
            #expect(state.count(.replica) == before + 2)
            end.give(())
        }
    }

    /// - Parameter leaves: Whether the client closes its side while the second request is looked up.
    @Test(arguments: [false, true])
    func `the next request of the connection waits as long as any other`(leaves: Bool) async throws {
        let limit = Self.less
        let (world, state) = try await Self.scene(limit: limit)
        let (looks, end) = (Countdown(1), FirstValue<Void>())
        let (laterLooks, laterEnd) = (Countdown(leaves ? 1 : 0), FirstValue<Void>())
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            let before = state.count(.replica)
            state.before(.replica) {
                if looks.next() {
                    await end.value()
                    throw StateError(.unavailable, "scripted")
                }
                if laterLooks.next() { await laterEnd.value() }
            }
            try await RawConnection.run(port: mirror.port) { connection in
                await connection.send(RequestStream.request("GET", World.target("/a.txt")))
                try await state.calls(.replica, before + 1)
                world.clock.advance(by: limit)
                end.give(())
                let limited = try await connection.response()
                #expect(limited["X-Cloud-Mirror-Outcome"] == "hit")
                #expect(state.limits == [limit / 8])
                // The second is not looked up, unless the client leaves meanwhile.
                await connection.send(RequestStream.request("GET", World.target("/b.txt") + (leaves ? "" : "?missing=0")))
                try await state.calls(.replica, before + 2)
                if leaves { await connection.finishSending() }
                let next = try await connection.response()
                #expect(next["X-Cloud-Mirror-Outcome"] == "hit")
                #expect(state.limits == [limit / 8])
                #expect(state.count(.replica) == before + (leaves ? 3 : 2))
                laterEnd.give(())
            }
        }
    }
}
