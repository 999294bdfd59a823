import MirrorCore
import MirrorEngine
import MirrorState
import MirrorTesting
import TestServers
import Testing

@testable import MirrorServer

/// Plain requests for replicas that are present and not in memory.
@Suite(.timeLimit(.minutes(5)))
struct StateLookupTests {
    struct Setting: Sendable, CustomTestStringConvertible {
        let name: String
        var options = MirrorOptions()
        /// What stands before the artifact in targets.
        var route = "/v1/redirect/local/dev/"

        var testDescription: String { name }
    }

    static let settings = [
        Setting(name: "a local pool"),
        Setting(name: "a public URL and 307", options: .with { ($0.publicURL, $0.redirectStatus) = ("https://mirror.example/sub", 307) }),
        Setting(name: "a signed location", options: .with { $0.isSigned = true }),
        Setting(
            name: "a pool chosen by network",
            options: .with { options in
                options.networks = ["127.0.0.0/8"].compactMap(IPNetwork.init).compactMap { network in World.pool.map { (network, $0) } }
            }, route: "/v1/redirect/"),
        Setting(name: "the default pool", options: .with { $0.fallback = World.pool }, route: "/v1/redirect/"),
        Setting(name: "no pool", route: "/v1/redirect/"),
        Setting(name: "an unknown pool", route: "/v1/redirect/local/three/"),
        Setting(name: "a report", route: "/v1/redirect/local/dev/"),
    ]

    private static func shown(_ response: RawResponse) -> String {
        let fields = response.fields.filter { $0.name.lowercased() != "date" }.map { "\($0.name): \($0.value)" }
        return ([response.statusLine] + fields + ["", response.text]).joined(separator: "\n")
    }

    @Test(arguments: settings) func `what is looked up is answered with the bytes of the slow path`(setting: Setting) async throws {
        try await DifferentialPair.run(setting.options) { pair in
            for (number, method) in ["GET", "HEAD", "GET", "GET", "HEAD"].enumerated() {
                let path = "/looked/up-\(number).tar.gz"
                try await pair.fast.world.seed(path)
                let query = setting.name == "a report" ? "?missing=0" : ""
                let target = World.target(path, route: setting.route) + query
                // Not what memory knows from the end of the copy.
                for _ in 0..<2 {
                    pair.fast.world.state.invalidateAll()
                    let fast = try await pair.fast.request(method, target)
                    pair.fast.world.state.invalidateAll()
                    let slow = try await pair.slow.request(method, target)
                    #expect(Self.shown(fast) == Self.shown(slow))
                }
            }
        }
    }

    @Test func `a replica that is looked up is answered from memory the next time`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            for round in 0..<3 {
                let response = try await mirror.get(World.target("/a.txt"))
                #expect(response["X-Cloud-Mirror-Outcome"] == "hit")
                #expect((mirror.hits, mirror.store.locations) == (round + 1, 1))
            }
            // One record with the target, and none without.
            #expect(world.state.count == 1)
        }
    }

    @Test func `whatever is not the plainest of hits is the slow path's`() async throws {
        try await DifferentialPair.run { pair in
            let world = pair.fast.world
            try await world.fail("/failed", .origin(status: 404))
            let marked = try await world.seed("/marked")
            let removing = try await world.seed("/removing")
            _ = try await world.state.mark([marked], unusedSince: world.clock.now)
            _ = try await world.state.beginRemoval(removing)
            let targets =
                ["/failed", "/removing", "/never-there"].map { World.target($0) }
                + ["/v1/redirect/local/dev/https%3A%2F%2Frefused.example%2Fa", "/v1/redirect/local/dev/not-a-url", "/v1/redirect/a/b/c/d"]
            for target in targets {
                let (fast, slow) = (try await pair.fast.get(target), try await pair.slow.get(target))
                #expect(Self.shown(fast) == Self.shown(slow), "\(target)")
            }
            // A use clears the mark, and is not left to be recorded later.
            let revived = try await pair.fast.get(World.target("/marked"))
            #expect(revived["X-Cloud-Mirror-Outcome"] == "hit")
            guard case .present(let object) = try await world.base.replica(marked)?.status else { throw Missing() }
            #expect(object.markedAt == nil)
        }
    }

    @Test func `pipelined requests are answered in their order, whether they are in memory, in the state or nowhere`() async throws {
        try await DifferentialPair.run { pair in
            for number in 0..<6 { try await pair.fast.world.seed("/looked/\(number)") }
            pair.fast.world.state.invalidateAll()
            _ = try await pair.fast.get(RequestStream.hit)
            let paths = ["/looked/0", RequestStream.hitPath, "/looked/1", "/nowhere", "/looked/2", "/looked/0", RequestStream.hitPath]
            try await RawConnection.run(port: pair.fast.port) { connection in
                await connection.send(paths.map { RequestStream.request("GET", World.target($0)) }.joined())
                for path in paths {
                    let response = try await connection.response()
                    let slow = try await pair.slow.get(World.target(path))
                    #expect(Self.shown(response) == Self.shown(slow))
                }
            }
        }
    }

    @Test func `many clients that ask at the same time for many replicas all get theirs`() async throws {
        let world = World()
        for number in 0..<200 { try await world.seed("/\(number)") }
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            try await withThrowingTaskGroup(of: Void.self) { group in
                for client in 0..<20 {
                    group.addTask {
                        try await RawConnection.run(port: mirror.port) { connection in
                            for number in 0..<200 {
                                let path = "/\((number * 7 + client * 31) % 200)"
                                let response = try await connection.get(World.target(path))
                                let key = ObjectKey(try world.id(path).artifact)
                                #expect(response["Location"] == "/local/dev/\(key.percentEncoded)")
                            }
                        }
                    }
                }
                try await group.waitForAll()
            }
            #expect(mirror.hits == 4_000)
            #expect(world.state.count == 200)
            // Nobody looks again for what is in memory.
            let locations = mirror.store.locations
            for number in 0..<200 { _ = try await mirror.get(World.target("/\(number)")) }
            #expect(mirror.hits == 4_200)
            #expect(mirror.store.locations == locations)
        }
    }

    @Test func `a client that leaves while it is looked for is answered, and one that goes is forgotten`() async throws {
        let world = World()
        for number in 0..<50 { try await world.seed("/\(number)") }
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            for number in 0..<50 {
                let connection = try await mirror.connection()
                await connection.send(RequestStream.request("GET", World.target("/\(number)")))
                if number.isMultiple(of: 2) {
                    await connection.finishSending()
                    let response = try await connection.response()
                    #expect(response.status == 302)
                }
                await connection.close()
            }
            let response = try await mirror.get(World.target("/0"))
            #expect(response["X-Cloud-Mirror-Outcome"] == "hit")
        }
    }

    @Test func `a look that takes too long is left, and the slow path answers`() async throws {
        let (world, state) = try World.scripted()
        try await world.seed("/a.txt")
        let (looks, end) = (Countdown(1), FirstValue<Void>())
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            let before = state.count(.replica)
            state.before(.replica) { if looks.next() { await end.value() } }
            async let answer = mirror.get(World.target("/a.txt"))
            try await state.calls(.replica, before + 1)
            world.clock.advance(by: MirrorOptions().lookupPatience)
            let response = try await answer
            #expect(response["X-Cloud-Mirror-Outcome"] == "hit")
            #expect(state.count(.replica) == before + 2)
            end.give(())
        }
    }

    @Test func `what a look has not found is not read again before it is claimed`() async throws {
        let (world, state) = try World.scripted()
        try await MirrorFixture.run(world) { mirror in
            for path in ["/1.txt", "/2.txt"] {
                let before = state.count(.replica)
                let response = try await mirror.get(World.target(path))
                #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
                #expect(state.count(.replica) == before + 1)
                #expect(try await world.base.replica(world.id(path))?.state == .pending)
            }
            // Those that are not looked up on their way are read once as well.
            let before = state.count(.replica)
            _ = try await mirror.get(World.target("/3.txt") + "?wait=0")
            #expect(state.count(.replica) == before + 1)
        }
    }

    @Test func `while the state is away requests are answered as by the slow path`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            world.state.invalidateAll()
            await world.base.close()
            for _ in 0..<3 {
                let response = try await mirror.get(World.target("/a.txt"))
                #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
                #expect(response.json["msg"]?.string == Fallback.unavailable.message)
            }
        }
    }
}
