import MirrorCore
import MirrorEngine
import MirrorState
import MirrorTesting
import Synchronization
import Testing

@testable import MirrorServer

/// Nothing is answered from memory that is not so any more.
@Suite(.timeLimit(.minutes(5)))
struct StalenessTests {
    @Test func `a request sent after a purge was answered is never a hit, however many ask meanwhile`() async throws {
        let world = World()
        try await MirrorFixture.run(world) { mirror in
            let race = PurgeRace()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await race.hammer(mirror) } }
                group.addTask { try await race.purgeAgainAndAgain(mirror, rounds: 40) }
                try await group.waitForAll()
            }
            #expect(race.violations == 0)
            #expect(mirror.answeredFast > 100)
        }
    }

    @Test func `a mark takes a replica out of the fast path until its next use has cleared it`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            for _ in 0..<2 { _ = try await mirror.get(World.target("/a.txt")) }
            #expect(mirror.answeredFast == 1)
            let marked = try await world.state.mark([id], unusedSince: world.clock.now)
            #expect(marked == [id])
            let revived = try await mirror.get(World.target("/a.txt"))
            #expect(revived["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(mirror.answeredFast == 1)
            let replica = try await world.state.replica(id)
            guard case .present(let object) = replica?.status else { throw Missing() }
            #expect(object.markedAt == nil)
            for _ in 0..<2 { _ = try await mirror.get(World.target("/a.txt")) }
            #expect(mirror.answeredFast == 2)
        }
    }

    @Test func `a removal takes a replica out of the fast path at once, and leaves others there`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await world.seed("/b.txt")
        try await MirrorFixture.run(world) { mirror in
            for path in ["/a.txt", "/a.txt", "/b.txt", "/b.txt"] { _ = try await mirror.get(World.target(path)) }
            #expect(mirror.answeredFast == 2)
            let removal = try await world.state.beginRemoval(id)
            #expect(removal != nil)
            let removed = try await mirror.get(World.target("/a.txt"))
            #expect(removed["X-Cloud-Mirror-Outcome"] == "fallback")
            let kept = try await mirror.get(World.target("/b.txt"))
            #expect(kept["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(mirror.answeredFast == 3)
        }
    }

    @Test func `a removal by another process takes a replica out of the fast path once it is told`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        let (told, tell) = AsyncStream.makeStream(of: Void.self)
        try await MirrorFixture.run(world) { mirror in
            for _ in 0..<2 { _ = try await mirror.get(World.target("/a.txt")) }
            #expect(mirror.answeredFast == 1)
            // Added after the server's own observer, so called after it.
            world.state.addObserver { if $0 == .replica(id) { tell.yield() } }
            _ = try await world.base.beginRemoval(id)
            for await _ in told { break }
            let response = try await mirror.get(World.target("/a.txt"))
            #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            #expect(mirror.answeredFast == 1)
        }
    }

    @Test func `every way in which a replica was asked for is forgotten with it`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        let targets = [
            World.target("/a.txt"), World.target("/a.txt").replacing("%2F", with: "%2f"),
            World.target("/a.txt").replacing("%3A", with: ":"),
        ]
        try await MirrorFixture.run(world) { mirror in
            for target in targets + targets { _ = try await mirror.get(target) }
            #expect(mirror.answeredFast == 3)
            let purge = try await mirror.admin("DELETE", World.target("/a.txt", route: "/v1/purge/local/dev/"))
            #expect(purge.status == 204)
            for target in targets {
                let response = try await mirror.get(target)
                #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
            }
            #expect(mirror.answeredFast == 3)
        }
    }

    @Test func `uses that the fast path answers are recorded, once in a while`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            for _ in 0..<2 { _ = try await mirror.get(World.target("/a.txt")) }
            world.clock.advance(by: .seconds(61))
            let asked = world.clock.now
            for _ in 0..<2 { _ = try await mirror.get(World.target("/a.txt")) }
            #expect(mirror.answeredFast == 3)
            await mirror.services.uses.flush()
            let replica = try await world.base.replica(id)
            guard case .present(let object) = replica?.status else { throw Missing() }
            #expect(object.lastUsed == asked)
        }
    }

    @Test func `a use that the fast path answers is recorded when the clock was put back since the last one`() async throws {
        let world = World()
        let id = try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            for _ in 0..<2 { _ = try await mirror.get(World.target("/a.txt")) }
            world.clock.setTime(by: .seconds(-3_600))
            let asked = world.clock.now
            for _ in 0..<2 { _ = try await mirror.get(World.target("/a.txt")) }
            #expect(mirror.answeredFast == 3)
            #expect(await mirror.services.uses.flush() == [id])
            guard case .present(let object) = try await world.base.replica(id)?.status else { throw Missing() }
            #expect(object.lastUsed == asked)
        }
    }
}

/// One replica that comes and goes, and clients that ask for it without pause.
private final class PurgeRace: Sendable {
    private struct State {
        /// Counts purges that were answered.
        var purges = 0
        /// Whether a purge was answered and nothing brought the replica back since.
        var isGone = false
        var isOver = false
        /// Requests that were sent and answered while it was gone, and hits while it was there; of this round.
        var misses = 0
        var hits = 0
        var violations = 0
    }

    private let state = Mutex(State())

    var violations: Int { state.withLock { $0.violations } }

    func hammer(_ mirror: MirrorFixture) async throws {
        try await RawConnection.run(port: mirror.port) { connection in
            while true {
                let before = state.withLock { $0 }
                if before.isOver { return }
                let response = try await connection.get(World.target("/a.txt"))
                let isHit = response["X-Cloud-Mirror-Outcome"] == "hit"
                state.withLock { now in
                    if isHit { now.hits += 1 }
                    // Sent after the purge was answered, and answered before the replica came back.
                    guard before.isGone, now.isGone, before.purges == now.purges else { return }
                    if isHit { now.violations += 1 } else { now.misses += 1 }
                }
            }
        }
    }

    func purgeAgainAndAgain(_ mirror: MirrorFixture, rounds: Int) async throws {
        defer { state.withLock { $0.isOver = true } }
        try await RawConnection.run(port: mirror.port) { connection in
            for _ in 0..<rounds {
                state.withLock { state in
                    state.isGone = false
                    state.hits = 0
                }
                // A request that came since the last purge has queued the copy; else nobody has and this does.
                _ = try await mirror.world.state.claim(try mirror.world.id("/a.txt"))
                try await mirror.world.finishCopy("/a.txt")
                while state.withLock({ $0.hits < 20 && $0.violations == 0 }), !Task.isCancelled { await Task.yield() }
                let purge = try await connection.request(
                    "DELETE", World.target("/a.txt", route: "/v1/purge/local/dev/"), [("Authorization", "Bearer \(MirrorFixture.token)")])
                guard purge.status == 204 else { throw Missing() }
                state.withLock { state in
                    state.purges += 1
                    state.isGone = true
                    state.misses = 0
                }
                while state.withLock({ $0.misses < 20 && $0.violations == 0 }), !Task.isCancelled { await Task.yield() }
            }
        }
    }
}
