import MirrorCore
import MirrorStorage
import NIOCore
import NIOSSL
import TestServers
import Testing

@testable import MirrorServer

/// What a stranger may not do for as long as it likes. The limits are short here, and the tests wait for the end of the connection.
@Suite(.timeLimit(.minutes(5)))
struct LimitTests {
    /// For clients that are not answered.
    private static let impatient = MirrorOptions.with { $0.idleTimeout = .milliseconds(200) }
    /// For clients that are. They send at once what must come in time.
    private static let idle = MirrorOptions.with { $0.idleTimeout = .seconds(5) }
    private static let ping = RequestStream.request("GET", "/v1/ping")

    @Test func `a connection on which nothing is said is closed`() async throws {
        try await MirrorFixture.run(World(), Self.impatient) { mirror in
            try await RawConnection.run(port: mirror.port) { connection in
                let end = try await connection.rest()
                #expect(end.bytes.isEmpty)
            }
        }
    }

    @Test(arguments: ["/v1/ping", World.target("/a.txt")])
    func `a connection is closed that is silent after an answer of either path`(target: String) async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world, Self.idle) { mirror in
            let request = RequestStream.request("GET", target)
            _ = try await RawConnection.run(port: mirror.port, sending: request) { try await $0.response() }
            try await RawConnection.run(port: mirror.port, sending: request) { connection in
                let response = try await connection.response()
                #expect(response.status < 400)
                let end = try await connection.rest()
                #expect(end.bytes.isEmpty)
            }
        }
    }

    @Test func `a head that comes a byte at a time is cut off, however busy the client looks`() async throws {
        try await MirrorFixture.run(World(), Self.impatient) { mirror in
            try await RawConnection.run(port: mirror.port) { connection in
                await connection.send("GET /v1/ping HTTP/1.1\r\n")
                let trickle = Task {
                    while !Task.isCancelled {
                        await connection.send("X")
                        try? await mirror.readWhatCame()
                    }
                }
                let end = try await connection.rest()
                trickle.cancel()
                await trickle.value
                #expect(end.bytes.isEmpty)
            }
        }
    }

    @Test func `a client that stops reading an object is hung up on`() async throws {
        let world = World()
        let bytes = [UInt8](repeating: 7, count: 32 << 20)
        let info = try await world.store("/large.bin", bytes)
        let options = MirrorOptions.with {
            $0.idleTimeout = .seconds(5)
            $0.maxConnections = 1
        }
        try await MirrorFixture.run(world, options) { mirror in
            let connection = try await RawConnection.open(
                port: mirror.port, receiveBuffer: 4_096, readsAlone: false, sending: RequestStream.request("GET", "/local/dev/\(info.key)"))
            // Another one is only let in when that one is gone, of which it has not read a byte.
            _ = try await RawConnection.run(port: mirror.port, sending: Self.ping) { try await $0.response() }
            // It was reset, so that there may be nothing to read any more.
            try? await connection.beginReading()
            let end = try await connection.rest()
            #expect(end.bytes.count < bytes.count)
            await connection.close()
        }
    }

    // MARK: Slow clients

    /// For a client that is slow to take what it gets.
    private static let slow = MirrorOptions.with {
        $0.idleTimeout = .seconds(3)
        $0.maxConnections = 1
    }

    /// Reads a little at a time for longer than twice the idle time, and then the rest.
    private func readSlowly(_ connection: RawConnection) async throws -> RawResponse {
        let before = connection.unread
        let reading = connection.readSlowly(every: .milliseconds(100))
        // The pace of a client, not a wait for something.
        try await Task.sleep(for: .seconds(7))
        reading.cancel()
        try #require(!connection.isAtEnd, "cut off after \(connection.unread) bytes")
        let count = connection.unread - before
        #expect(count > 0 && count < 4 << 20)
        try await connection.beginReading()
        return try await connection.response()
    }

    @Test(arguments: [false, true])
    func `a client that takes an object slowly and steadily gets all of it, also over TLS`(isTLS: Bool) async throws {
        let world = World()
        let bytes = [UInt8](repeating: 7, count: 16 << 20)
        let info = try await world.store("/large.bin", bytes)
        var options = Self.slow
        if isTLS { options.tls = try await Self.tls() }
        try await MirrorFixture.run(world, options) { mirror in
            let connection = try await RawConnection.open(
                port: mirror.port, isTLS: isTLS, receiveBuffer: 4_096, stopsAtFirstByte: true,
                sending: RequestStream.request("GET", "/local/dev/\(info.key)"))
            let response = try await readSlowly(connection)
            #expect(response.body == bytes)
            await connection.close()
        }
    }

    @Test func `a client that takes a large answer of the slow path slowly and steadily gets all of it`() async throws {
        let world = World()
        let count = 900
        for number in 0..<count { try await world.seed("/\(String(repeating: "x", count: 7_500))/\(number)") }
        try await MirrorFixture.run(world, Self.slow) { mirror in
            let connection = try await RawConnection.open(
                port: mirror.port, receiveBuffer: 4_096, readsAlone: false,
                sending: RequestStream.request("GET", "/v1/replicas?limit=1000", "Authorization: Bearer \(MirrorFixture.token)\r\n"))
            let response = try await readSlowly(connection)
            #expect(response.json["replicas"]?.array?.count == count)
            await connection.close()
        }
    }

    /// - Parameter count: Requests that are sent before it stops to ask; `nil` when it never does.
    @Test(arguments: ["redirect", "slow redirect", "ping", "object"], [1, 3_000, nil])
    func `a client that reads nothing is hung up on, whatever it asks and whether it asks on`(what: String, count: Int?) async throws {
        let world = World()
        try await world.seed("/a.txt")
        let object = try await world.store("/large.bin", [UInt8](repeating: 7, count: 16 << 20))
        var options = Self.slow
        options.usesFastPath = what != "slow redirect"
        let target = ["ping": "/v1/ping", "object": "/local/dev/\(object.key)"][what] ?? World.target("/a.txt")
        // One small answer is taken by the kernel, and then it is silence that ends the connection.
        try await MirrorFixture.run(world, options) { mirror in
            _ = try await mirror.get(World.target("/a.txt"))
            let connection = try await RawConnection.open(port: mirror.port, receiveBuffer: 4_096, readsAlone: false)
            let asking = Task {
                let requests = String(repeating: RequestStream.request("GET", target), count: min(count ?? 50, 50))
                var sent = 0
                while sent < count ?? .max, !Task.isCancelled {
                    await connection.send(requests)
                    sent += 50
                }
            }
            // Another one is only let in when that one is gone, of which it has not read a byte.
            let ping = try await mirror.get("/v1/ping")
            #expect(ping.status == 200)
            asking.cancel()
            await connection.close()
            await asking.value
        }
    }

    @Test(arguments: [false, true])
    func `a client that reads nothing is hung up on over TLS, too`(isObject: Bool) async throws {
        let world = World()
        try await world.seed("/a.txt")
        let object = try await world.store("/large.bin", [UInt8](repeating: 7, count: 16 << 20))
        var options = Self.slow
        options.tls = try await Self.tls()
        let target = isObject ? "/local/dev/\(object.key)" : World.target("/a.txt")
        try await MirrorFixture.run(world, options) { mirror in
            let connection = try await RawConnection.open(
                port: mirror.port, isTLS: true, receiveBuffer: 4_096, stopsAtFirstByte: true,
                sending: String(repeating: RequestStream.request("GET", target), count: 3_000))
            let second = try await RawConnection.open(port: mirror.port, isTLS: true, sending: Self.ping)
            let ping = try await second.response()
            #expect(ping.status == 200)
            await second.close()
            await connection.close()
        }
    }

    private static func tls() async throws -> TLSConfiguration {
        let certificates = try await Certificates()
        return .makeServerConfiguration(
            certificateChain: try NIOSSLCertificate.fromPEMFile(certificates.certificate).map { .certificate($0) },
            privateKey: .privateKey(try NIOSSLPrivateKey(file: certificates.key, format: .pem)))
    }

    @Test(arguments: ["redirect", "ping"])
    func `no more is answered than a client takes, and all of it when it does`(what: String) async throws {
        let world = World()
        try await world.seed("/a.txt")
        try await MirrorFixture.run(world) { mirror in
            let target = what == "ping" ? "/v1/ping" : World.target("/a.txt")
            let length = try await mirror.rawLength(of: target)
            let count = (4 << 20) / length
            let connection = try await RawConnection.open(port: mirror.port, receiveBuffer: 4_096, readsAlone: false)
            let asking = Task {
                for _ in 0..<(count / 10) { await connection.send(String(repeating: RequestStream.request("GET", target), count: 10)) }
            }
            // Of the first that it takes, so that it has begun.
            try await mirror.standsStill()
            let before = mirror.hits
            if what == "redirect" {
                #expect(before > 10)
                // What the kernel takes of it, and some tens of KiB.
                #expect(before * length < 1 << 20, "\(before) answers of \(length) bytes")
            }
            try await connection.beginReading()
            for _ in 0..<(count / 10 * 10) {
                let response = try await connection.response()
                #expect(response.status < 400)
            }
            await asking.value
            await connection.close()
        }
    }

    @Test func `a wait that is longer than the idle time is answered, and the connection can be used again`() async throws {
        let world = World()
        try await MirrorFixture.run(
            world,
            .with {
                $0.idleTimeout = .seconds(5)
                $0.maxWait = .seconds(28)
            }
        ) { mirror in
            let request = RequestStream.request("GET", World.target("/a.txt"))
            try await RawConnection.run(port: mirror.port, sending: request, then: Self.ping) { connection in
                await mirror.waiting(1)
                // Another connection's silence is over when this one has waited for longer than the idle time.
                try await RawConnection.run(port: mirror.port, sending: Self.ping) { silent in
                    _ = try await silent.response()
                    _ = try await silent.rest()
                }
                try await world.finishCopy("/a.txt")
                let response = try await connection.response()
                #expect(response["X-Cloud-Mirror-Outcome"] == "wait")
                let next = try await connection.response()
                #expect(next.status == 200)
            }
        }
    }

    @Test func `a head that is longer than allowed is a 400, on both paths`() async throws {
        let world = World()
        try await world.seed("/a.txt")
        for usesFastPath in [true, false] {
            let options = MirrorOptions.with {
                $0.usesFastPath = usesFastPath
                $0.maxHeaderBytes = 1_024
            }
            try await MirrorFixture.run(world, options) { mirror in
                for _ in 0..<2 {
                    let short = try await mirror.get(World.target("/a.txt"), [("X-A", String(repeating: "x", count: 500))])
                    #expect(short.status == 302)
                    let long = try await mirror.get(World.target("/a.txt"), [("X-A", String(repeating: "x", count: 1_024))])
                    #expect(long.status == 400)
                    let target = try await mirror.get("/v1/redirect/\(String(repeating: "x", count: 1_100))")
                    #expect(target.status == 400)
                    let many = try await mirror.get(World.target("/a.txt"), (0..<101).map { ("X-\($0)", "y") })
                    #expect(many.status == 400)
                }
            }
        }
    }

    @Test func `no more connections are served at once than allowed, and the next one's turn comes`() async throws {
        try await MirrorFixture.run(World(), .with { $0.maxConnections = 2 }) { mirror in
            let first = try await mirror.connection()
            let second = try await mirror.connection()
            for connection in [first, second] {
                let response = try await connection.get("/v1/ping")
                #expect(response.status == 200)
            }
            let third = try await mirror.connection()
            async let waiting = third.get("/v1/ping")
            // Both others are answered again while the third is not accepted.
            for connection in [first, second, first, second] { _ = try await connection.get("/v1/ping") }
            #expect(third.unread == 0)
            await first.close()
            let response = try await waiting
            #expect(response.status == 200)
            await second.close()
            await third.close()
        }
    }
}

extension MirrorFixture {
    /// Bytes of an answer.
    fileprivate func rawLength(of target: String) async throws -> Int {
        _ = try await get(target)
        return try await RawConnection.run(port: port, sending: RequestStream.request("GET", target, "Connection: close\r\n")) {
            try await $0.rest().bytes.count
        }
    }

    /// Returns once nothing more is answered.
    func standsStill() async throws {
        var before = -1
        while hits != before, !Task.isCancelled {
            before = hits
            for _ in 0..<20 { try await readWhatCame() }
        }
    }
}
