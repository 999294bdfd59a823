import MirrorCore
import MirrorStorage
import Testing

@testable import MirrorServer

@Suite(.timeLimit(.minutes(5)))
struct ServerShutdownTests {
    @Test func `who waits for a copy at shutdown is sent to the origin, and the connection ends`() async throws {
        let world = World()
        try await MirrorFixture.run(world, .with { $0.maxWait = .seconds(28) }) { mirror in
            let connections = [try await mirror.connection(), try await mirror.connection(), try await mirror.connection()]
            for connection in connections { await connection.send(RequestStream.request("GET", RequestStream.miss)) }
            await mirror.waiting(3)
            await mirror.shutDown()
            for connection in connections {
                let response = try await connection.response()
                #expect(response.status == 302)
                #expect(response["Location"] == World.origin + "/never-seen")
                #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
                let end = try await connection.rest()
                #expect(end.bytes.isEmpty)
                await connection.close()
            }
            try await mirror.ended()
        }
    }

    @Test func `an answer under way is finished at shutdown`() async throws {
        let world = World()
        let bytes = [UInt8](repeating: 7, count: 16 << 20)
        let info = try await world.store("/large.bin", bytes)
        try await MirrorFixture.run(world) { mirror in
            let connection = try await RawConnection.open(port: mirror.port, receiveBuffer: 4_096, readsAlone: false)
            await connection.send("GET /local/dev/\(info.key) HTTP/1.1\r\nHost: h\r\n\r\n")
            try await mirror.readWhatCame()
            await mirror.shutDown()
            try await connection.beginReading()
            let response = try await connection.response()
            #expect(response.status == 200)
            #expect(response.body == bytes)
            await connection.close()
            try await mirror.ended()
        }
    }

    @Test func `a client that takes nothing does not hold up the shutdown beyond its grace`() async throws {
        let world = World()
        let info = try await world.store("/large.bin", [UInt8](repeating: 7, count: 16 << 20))
        try await MirrorFixture.run(world, .with { $0.shutdownGrace = .milliseconds(100) }) { mirror in
            let connection = try await RawConnection.open(port: mirror.port, receiveBuffer: 4_096, readsAlone: false)
            await connection.send("GET /local/dev/\(info.key) HTTP/1.1\r\nHost: h\r\n\r\n")
            try await mirror.readWhatCame()
            let began = ContinuousClock.now
            await mirror.shutDown()
            try await mirror.ended()
            #expect(began.duration(to: .now) > .milliseconds(90))
            await connection.close()
        }
    }

    @Test func `a client that takes no answers from memory does not hold up the shutdown beyond its grace`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world, .with { $0.shutdownGrace = .milliseconds(100) }) { mirror in
            _ = try await mirror.get(World.target("/a.txt"))
            let connection = try await RawConnection.open(port: mirror.port, receiveBuffer: 4_096, readsAlone: false)
            // Far more than the kernel takes.
            let asking = Task {
                await connection.send(String(repeating: RequestStream.request("GET", World.target("/a.txt")), count: 20_000))
            }
            while mirror.hits < 100, !Task.isCancelled { await Task.yield() }
            try await mirror.standsStill()
            let began = ContinuousClock.now
            await mirror.shutDown()
            try await mirror.ended()
            #expect(began.duration(to: .now) > .milliseconds(90))
            await connection.close()
            await asking.value
        }
    }

    @Test func `connections without a request for the slow path are closed at shutdown`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        // Nothing else than that would close them.
        try await MirrorFixture.run(world, .with { $0.shutdownGrace = .seconds(3_600) }) { mirror in
            _ = try await mirror.get(World.target("/a.txt"))
            let connections = [try await mirror.connection(), try await mirror.connection()]
            _ = try await connections[1].get(World.target("/a.txt"))
            #expect(mirror.answeredFast == 1)
            await mirror.shutDown()
            for connection in connections {
                let end = try await connection.rest()
                #expect(end.bytes.isEmpty && !end.wasReset)
                await connection.close()
            }
            try await mirror.ended()
        }
    }

    @Test(arguments: [false, true]) func `a request that is being looked up at shutdown is answered`(isSlowBefore: Bool) async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let connection = try await mirror.connection()
            if isSlowBefore { _ = try await connection.get("/nowhere") }
            mirror.store.hangLocations(true)
            await connection.send(RequestStream.request("GET", World.target("/a.txt")))
            while mirror.store.locations == 0, !Task.isCancelled { await Task.yield() }
            // The look finds nothing in time, and the slow path no location.
            mirror.store.breakDown()
            await mirror.shutDown()
            let response = try await connection.response()
            #expect(response.status == 302)
            #expect(response["Location"] == World.origin + "/a.txt")
            let end = try await connection.rest()
            #expect(end.bytes.isEmpty)
            mirror.store.hangLocations(false)
            await connection.close()
            try await mirror.ended()
        }
    }

    @Test func `connections that are silent are closed at shutdown, and nobody is accepted any more`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let connection = try await mirror.connection()
            for _ in 0..<3 { _ = try await connection.get(World.target("/a.txt")) }
            #expect(mirror.answeredFast == 2)
            await mirror.shutDown()
            let end = try await connection.rest()
            #expect(end.bytes.isEmpty)
            try await mirror.ended()
            await #expect(throws: (any Error).self) { try await RawConnection.open(port: mirror.port).close() }
            await connection.close()
        }
    }
}
