import MirrorCore
import MirrorTesting
import NIOCore
import NIOEmbedded
import NIOHTTP1
import Testing

@testable import MirrorServer

/// How long a connection lives, and what does not end it.
@Suite(.timeLimit(.minutes(2)))
struct ConnectionTests {
    private static let object = Array("artifact".utf8)

    /// Serves a hit, and runs `body` with addresses that are answered in every way there is.
    private func serve(_ options: MirrorOptions = MirrorOptions(), _ body: (MirrorFixture, [String]) async throws -> Void) async throws {
        let world = World()
        let id = try await world.seed(RequestStream.hitPath, Self.object)
        try await MirrorFixture.run(world, options) { mirror in
            // So that the fast path knows it.
            _ = try await mirror.get(RequestStream.hit)
            try await body(
                mirror,
                [
                    RequestStream.hit, RequestStream.miss, "\(RequestStream.hit)?wait=x", "/local/dev/\(ObjectKey(id.artifact))",
                    "/v1/ping",
                    "/v1/openapi.yaml", "/nothing", "/v1/stats",
                ])
        }
    }

    // MARK: The end of a connection

    /// A request, and whether the connection ends behind its answer.
    private static let persistence: [(version: String, fields: String, isLast: Bool)] = [
        ("1.0", "", true), ("1.0", "Host: mirror.example\r\n", true), ("1.0", "Connection: close\r\n", true),
        ("1.0", "Connection: x\r\n", true), ("1.0", "Connection: keep-alive, close\r\n", true),
        ("1.0", "Proxy-Connection: keep-alive\r\n", true), ("1.0", "Keep-Alive: timeout=5\r\n", true),
        ("1.0", "Connection: keep-alive\r\n", false), ("1.0", "Connection: Keep-Alive\r\n", false),
        ("1.0", "CONNECTION: x , KEEP-ALIVE\r\n", false), ("1.0", "Connection: x\r\nConnection: keep-alive\r\n", false),
        ("1.1", "Host: mirror.example\r\nConnection: close\r\n", true), ("1.1", "Host: mirror.example\r\nConnection: Close\r\n", true),
        ("1.1", "Host: mirror.example\r\nConnection: close, keep-alive\r\n", true),
        ("1.1", "Host: mirror.example\r\nConnection: keep-alive,close\r\n", true),
        ("1.1", "Host: mirror.example\r\nConnection: x , CLOSE\r\n", true),
        ("1.1", "Host: mirror.example\r\nConnection: x\r\nConnection: close\r\n", true),
        ("1.1", "Host: mirror.example\r\n", false), ("1.1", "Host: mirror.example\r\nConnection: keep-alive\r\n", false),
        ("1.1", "Host: mirror.example\r\nConnection: closed\r\n", false),
    ]

    @Test func `a connection ends behind the answer to a request that says so by its version or its fields, and only there`() async throws {
        try await serve { mirror, targets in
            for (version, fields, isLast) in Self.persistence {
                for target in targets {
                    for method in ["GET", "HEAD", "POST"] {
                        let request = "\(method) \(target) HTTP/\(version)\r\n\(fields)\r\n"
                        let name = Array(request.utf8).shown
                        try await RawConnection.run(port: mirror.port) { connection in
                            await connection.send(request)
                            let first = try await connection.response(toHead: method == "HEAD")
                            #expect(!first.has("Transfer-Encoding"), "\(name)")
                            if version == "1.0" || isLast {
                                #expect(first["Connection"] == (isLast ? "close" : "keep-alive"), "\(name)")
                            } else {
                                #expect(!first.has("Connection"), "\(name)")
                            }
                            if isLast {
                                let rest = try await connection.rest()
                                #expect(rest.bytes.isEmpty && !rest.wasReset, "\(name)")
                            } else {
                                await connection.send(request)
                                let second = try await connection.response(toHead: method == "HEAD")
                                #expect(second.status == first.status, "\(name)")
                                #expect(second.body.count == first.body.count, "\(name)")
                            }
                        }
                    }
                }
            }
        }
    }

    @Test func `nothing is answered that stands behind the last request`() async throws {
        try await serve { mirror, targets in
            for behind in [RequestStream.request(), "garbage\r\n\r\n", "\r\n\r\n", String(repeating: RequestStream.request(), count: 200)] {
                for target in targets {
                    let requests = [
                        "GET \(target) HTTP/1.0\r\n\r\n", RequestStream.request("GET", target, "Connection: close\r\n"),
                        RequestStream.request("POST", target, "Connection: close\r\nContent-Length: 5\r\n") + "hello",
                        RequestStream.request("POST", target, "Connection: close\r\nTransfer-Encoding: chunked\r\n")
                            + "5\r\nhello\r\n0\r\n\r\n",
                    ]
                    for request in requests {
                        try await RawConnection.run(port: mirror.port) { connection in
                            await connection.send(request + behind)
                            let response = try await connection.response()
                            #expect(response["Connection"] == "close")
                            let rest = try await connection.rest()
                            #expect(rest.bytes.isEmpty, "\(Array((request + behind.prefix(40)).utf8).shown)")
                        }
                    }
                }
            }
        }
    }

    @Test func `a client that sends on behind its last request is cut off`() async throws {
        let options = MirrorOptions.with {
            $0.idleTimeout = .seconds(2)
            $0.maxConnections = 1
        }
        try await serve(options) { mirror, _ in
            let connection = try await mirror.connection()
            await connection.send("GET /v1/ping HTTP/1.0\r\n\r\n")
            _ = try await connection.rest()
            let trickle = Task {
                while !Task.isCancelled { await connection.send("X") }
            }
            // Another one is only let in when that one is gone.
            let ping = try await mirror.get("/v1/ping")
            #expect(ping.status == 200)
            trickle.cancel()
            await trickle.value
            await connection.close()
        }
    }

    @Test(arguments: [true, false])
    func `a body of unknown length ends with the connection for a client that knows no chunks`(isKept: Bool) throws {
        let channel = EmbeddedChannel(handlers: [HTTPResponseEncoder(), ExchangeHandler(ConnectionProgress())])
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        var head = HTTPRequestHead(version: .http1_0, method: .GET, uri: "/")
        if isKept { head.headers.add(name: "Connection", value: "keep-alive") }
        try channel.writeInbound(HTTPServerRequestPart.head(head))
        try channel.writeInbound(HTTPServerRequestPart.end(nil))
        channel.write(HTTPServerResponsePart.head(HTTPResponseHead(version: .http1_1, status: .ok)), promise: nil)
        channel.write(HTTPServerResponsePart.body(.byteBuffer(ByteBuffer(string: "hello"))), promise: nil)
        #expect(channel.isActive)
        channel.writeAndFlush(HTTPServerResponsePart.end(nil), promise: nil)
        var sent = ByteBuffer()
        while let piece = try channel.readOutbound(as: ByteBuffer.self) { sent.writeImmutableBuffer(piece) }
        #expect(String(buffer: sent) == "HTTP/1.0 200 OK\r\nConnection: close\r\n\r\nhello")
        #expect(!channel.isActive)
    }

    // MARK: Offers

    /// Fields that offer another protocol.
    private static let offers = [
        "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA\r\n",
        "Connection: Upgrade\r\nUpgrade: h2c\r\n", "connection: upgrade\r\nupgrade: H2C\r\n", "Upgrade: h2c\r\n", "Connection: upgrade\r\n",
        "Connection: keep-alive, Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
        "Connection: Upgrade\r\nUpgrade: TLS/1.0\r\n", "Connection: Upgrade\r\nUpgrade: TLS/1.2, HTTP/1.1\r\n",
        "Connection: Upgrade\r\nUpgrade: h2c, websocket\r\nUpgrade: x/1\r\n", "Connection: Upgrade\r\nUpgrade:\r\n",
    ]

    @Test func `an offer of another protocol is ignored, and the connection goes on`() async throws {
        try await serve { mirror, targets in
            let bodies = [
                ("GET", "", ""), ("HEAD", "", ""), ("POST", "Content-Length: 0\r\n", ""),
                ("POST", "Content-Length: 9\r\n", "a\r\n\r\nb\n\nc"),
                ("POST", "Transfer-Encoding: chunked\r\n", "9\r\na\r\n\r\nb\n\nc\r\n0\r\nX: y\r\n\r\n"),
            ]
            for offer in Self.offers {
                for (method, fields, body) in bodies {
                    let request = { (target: String) in RequestStream.request(method, target, offer + fields) + body }
                    let name = Array((offer + fields).utf8).shown
                    func check(_ connection: RawConnection, _ targets: [String]) async throws {
                        for target in targets {
                            let response = try await connection.response(toHead: method == "HEAD")
                            #expect(!response.has("Upgrade") && !response.has("Connection"), "\(name)")
                            let isRight =
                                method == "POST" ? (400..<500).contains(response.status) : method == "HEAD" || response.status != 405
                            #expect(isRight, "\(target) \(response.status) \(name)")
                        }
                        await connection.send(RequestStream.request("GET", "/v1/ping"))
                        let ping = try await connection.response()
                        #expect(ping.status == 200, "\(name)")
                    }
                    // One after the other, all at once, and byte by byte.
                    try await RawConnection.run(port: mirror.port) { connection in
                        for target in targets {
                            await connection.send(request(target))
                            try await check(connection, [target])
                        }
                    }
                    try await RawConnection.run(port: mirror.port) { connection in
                        await connection.send((targets + targets).map(request).joined())
                        try await check(connection, targets + targets)
                    }
                    try await RawConnection.run(port: mirror.port) { connection in
                        let few = Array(targets.prefix(3))
                        for byte in few.map(request).joined().utf8 { await connection.send([byte]) }
                        try await check(connection, few)
                    }
                }
            }
        }
    }

    @Test func `what does not begin as HTTP/1 is a 400 and the end, and so is what follows CONNECT`() async throws {
        try await serve { mirror, _ in
            let settings: [UInt8] = [0, 0, 0, 4, 0, 0, 0, 0, 0]
            let preface = Array("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".utf8) + settings
            for bytes in [preface, Array(RequestStream.request().utf8) + preface, Array("SSH-2.0-OpenSSH_9.6\r\n".utf8)] {
                try await RawConnection.run(port: mirror.port) { connection in
                    await connection.send(bytes)
                    let rest = try await connection.rest()
                    let last = try require(rest.bytes.last(of: "HTTP/1.1 "))
                    #expect(Array(rest.bytes[last...]).shown.hasPrefix("HTTP/1.1 400 Bad Request"), "\(rest.bytes.shown)")
                }
            }
            try await RawConnection.run(port: mirror.port) { connection in
                await connection.send("CONNECT example.org:443 HTTP/1.1\r\nHost: example.org:443\r\n\r\n\u{16}\u{3}\u{1}")
                let response = try await connection.response()
                #expect((400..<500).contains(response.status))
                #expect(response["Connection"] == "close")
                let rest = try await connection.rest()
                #expect(rest.bytes.isEmpty)
            }
        }
    }

    // MARK: Bodies

    @Test func `a client that waits for a word before it sends a body gets it, in its turn`() async throws {
        try await serve { mirror, _ in
            let body = #"{"urls":[]}"#
            let fields = "Authorization: Bearer \(MirrorFixture.token)\r\nExpect: 100-Continue\r\nContent-Length: \(body.utf8.count)\r\n"
            try await RawConnection.run(port: mirror.port) { connection in
                for _ in 0..<2 {
                    await connection.send(RequestStream.request("POST", "/v1/warm", fields))
                    let word = try await connection.response()
                    #expect(word.statusLine == "HTTP/1.1 100 Continue")
                    #expect(word.fields.isEmpty)
                    await connection.send(body)
                    let response = try await connection.response()
                    #expect(response.status == 202)
                }
                // Behind a request that is answered first.
                await connection.send(RequestStream.request("GET", RequestStream.miss) + RequestStream.request("POST", "/v1/warm", fields))
                var statuses: [Int] = []
                for _ in 0..<2 { statuses.append(try await connection.response().status) }
                await connection.send(body)
                statuses.append(try await connection.response().status)
                #expect(statuses == [302, 100, 202])
                // Without a body, or from a client that does not know the word, there is nothing to wait for.
                await connection.send(RequestStream.request("GET", "/v1/ping", "Expect: 100-continue\r\n"))
                let ping = try await connection.response()
                #expect(ping.status == 200)
                await connection.send("POST /v1/warm HTTP/1.0\r\n\(fields)\r\n\(body)")
                let old = try await connection.response()
                #expect(old.status == 202)
            }
        }
    }
}

extension [UInt8] {
    /// The index of the last occurrence of `text`.
    fileprivate func last(of text: String) -> Int? {
        var found: Int?
        while let end = end(of: text, from: found.map { $0 + 1 } ?? 0) { found = end - text.utf8.count }
        return found
    }
}
