import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct FixtureTests {
    @Test func `a hit is answered by the slow path first and by the fast path then`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let first = try await mirror.get(World.target("/a.txt"))
            #expect(first.status == 302)
            #expect((mirror.hits, mirror.store.locations) == (1, 1))
            let second = try await mirror.get(World.target("/a.txt"))
            #expect((mirror.hits, mirror.store.locations) == (2, 1))
            #expect(second.statusLine == first.statusLine)
            #expect(second.body == first.body)
        }
    }
}
