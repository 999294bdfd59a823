import MirrorCore
import MirrorEngine
import MirrorTesting
import NIOSSL
import TestServers
import Testing

@testable import MirrorServer

/// Clients that end their side of the connection while they wait.
@Suite(.timeLimit(.minutes(2)))
struct DepartureTests {
    private static let waiting = MirrorOptions.with {
        $0.maxWait = .seconds(28)
        $0.maxWaiting = 20
    }

    private static func target(_ number: Int) -> String { World.target("/\(number).txt") }

    /// Returns once nobody waits.
    private func nobody(_ mirror: MirrorFixture) async {
        while mirror.services.waiters.count > 0, !Task.isCancelled { await Task.yield() }
    }

    /// Twenty that wait, coalesced or each for an artifact of its own.
    private func twenty(_ mirror: MirrorFixture, isCoalesced: Bool, usesTLS: Bool = false) async throws -> [RawConnection] {
        var connections: [RawConnection] = []
        for number in 1...20 {
            let request = RequestStream.request("GET", Self.target(isCoalesced ? 1 : number))
            connections.append(try await RawConnection.open(port: mirror.port, isTLS: usesTLS, sending: request))
            await mirror.waiting(number)
        }
        return connections
    }

    @Test(arguments: [true, false], ["close", "reset", "half-close"])
    func `a client that hangs up while it waits gives its place up at once`(isCoalesced: Bool, way: String) async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await twenty(mirror, isCoalesced: isCoalesced)
            let refused = try await mirror.get(Self.target(21))
            #expect(refused["X-Cloud-Mirror-Outcome"] == "fallback")
            for connection in connections {
                switch way {
                case "close": await connection.close()
                case "reset": try await connection.reset()
                default: await connection.finishSending()
                }
            }
            await nobody(mirror)
            // The copies go on, and the next one waits.
            let next = try await RawConnection.open(
                port: mirror.port, sending: RequestStream.request("GET", Self.target(1)))
            await mirror.waiting(1)
            try await world.finishCopy("/1.txt")
            let response = try await next.response()
            #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
            await next.close()
            for connection in connections { await connection.close() }
        }
    }

    @Test(arguments: [true, false])
    func `a client that only ends its side gets the origin at once, and then the connection ends`(isCoalesced: Bool) async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await twenty(mirror, isCoalesced: isCoalesced)
            for connection in connections { await connection.finishSending() }
            for (number, connection) in connections.enumerated() {
                let response = try await connection.response()
                #expect(response.status == 302)
                #expect(response["Location"] == "\(World.origin)/\(isCoalesced ? 1 : number + 1).txt")
                #expect(response["X-Cloud-Mirror-Outcome"] == "fallback")
                let end = try await connection.rest()
                #expect(end.bytes.isEmpty)
                await connection.close()
            }
            #expect(mirror.services.waiters.count == 0)
        }
    }

    @Test func `a client that ends its side with its request does not wait, and is answered`() async throws {
        let world = World()
        try await world.seed("/hit.txt")
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            for (path, outcome) in [("/cold.txt", "fallback"), ("/hit.txt", "hit"), ("/hit.txt", "hit")] {
                let stream = RequestStream(path, RequestStream.request("GET", World.target(path)))
                let answer = try await mirror.answer(to: stream, separately: false)
                let response = try require(RawResponse.parse(answer, toHead: false))
                #expect(response.0["X-Cloud-Mirror-Outcome"] == outcome)
            }
            #expect(mirror.services.waiters.count == 0)
        }
    }

    @Test func `the first of coalesced requests leaves, and the others wait on`() async throws {
        let world = World()
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let connections = try await twenty(mirror, isCoalesced: true)
            await connections[0].close()
            while mirror.services.waiters.count != 19, !Task.isCancelled { await Task.yield() }
            #expect(connections[1...].allSatisfy { $0.unread == 0 })
            try await world.finishCopy("/1.txt")
            for connection in connections[1...] {
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                await connection.close()
            }
        }
    }

    @Test func `a client that hangs up over TLS gives its place up, too`() async throws {
        let world = World()
        var options = Self.waiting
        let certificates = try await Certificates()
        options.tls = .makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificates.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.key, format: .pem)))
        try await MirrorFixture.run(world, options) { mirror in
            let connections = try await twenty(mirror, isCoalesced: true, usesTLS: true)
            // At once: each waits a while for what the other end has to say.
            await withDiscardingTaskGroup { group in
                for connection in connections { group.addTask { await connection.close() } }
            }
            await nobody(mirror)
        }
    }

    @Test func `what a client sent before it ended its side is answered in order`() async throws {
        let world = World()
        try await world.seed("/hit.txt")
        try await MirrorFixture.run(world, Self.waiting) { mirror in
            let (cold, hit) = (
                RequestStream.request("GET", World.target("/cold.txt")), RequestStream.request("GET", World.target("/hit.txt"))
            )
            try await RawConnection.run(port: mirror.port, sending: cold + hit + cold + hit) { connection in
                await mirror.waiting(1)
                await connection.finishSending()
                var outcomes: [String?] = []
                for _ in 1...4 { outcomes.append(try await connection.response()["X-Cloud-Mirror-Outcome"]) }
                #expect(outcomes == ["fallback", "hit", "fallback", "hit"])
                let end = try await connection.rest()
                #expect(end.bytes.isEmpty)
            }
        }
    }
}
