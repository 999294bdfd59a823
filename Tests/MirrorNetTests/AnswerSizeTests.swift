import AsyncHTTPClient
import NIOCore
import NIOEmbedded
import NIOHTTP1
import NIOPosix
import Testing

@testable import MirrorNet

@Suite("How much of an answer is read before it is one", .timeLimit(.minutes(5)))
struct AnswerSizeTests {
    private static let limit = OutboundConfiguration().maxResponseHeadSize
    private static let end = "Content-Length: 2\r\n\r\nok"

    /// What goes on for ever: a beginning, and what comes again and again.
    struct Endless: Sendable, CustomTestStringConvertible {
        let testDescription: String
        let beginning: String
        let again: String

        init(_ name: String, _ beginning: String, _ again: String) {
            testDescription = name
            self.beginning = beginning
            self.again = again
        }

        func bytes(_ count: Int) -> [UInt8] {
            Array(beginning.utf8) + Array(String(repeating: again, count: count / again.utf8.count).utf8)
        }
    }

    private static let long = String(repeating: "x", count: 5_000)
    private static let chunked = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
    private static let heads = [
        Endless("empty lines", "", "\r\n"), Endless("a reason", "HTTP/1.1 200 ", "x"), Endless("a name", "HTTP/1.1 200 OK\r\n", "x"),
        Endless("a value", "HTTP/1.1 200 OK\r\nX: ", "x"), Endless("space before a value", "HTTP/1.1 200 OK\r\nX:", " "),
        Endless("space behind a value", "HTTP/1.1 200 OK\r\nX: y", " "), Endless("fields", "HTTP/1.1 200 OK\r\n", "X: \(long)\r\n"),
        Endless("interim heads", "", "HTTP/1.1 103 Early Hints\r\nLink: \(long)\r\n\r\n"),
        Endless("an interim head", "HTTP/1.1 103 Early Hints\r\n\r\nHTTP/1.1 103 Early Hints\r\n", "Link: \(long)\r\n"),
    ]
    private static let bodies = [
        Endless("a chunk's size", "\(chunked)", "0"), Endless("an extension", "\(chunked)5;", "x"),
        Endless("an extension's value", "\(chunked)5\r\nhello\r\n5;a=\"", "x"), Endless("a trailer's name", "\(chunked)0\r\n", "x"),
        Endless("a trailer", "\(chunked)5\r\nhello\r\n0\r\nX: ", "x"), Endless("space before a trailer", "\(chunked)0\r\nX:", " "),
        Endless("trailers", "\(chunked)5\r\nhello\r\n0\r\n", "X: \(long)\r\n"),
    ]

    /// A connection as the client makes it.
    private static func connection(asking: Bool = true) throws -> EmbeddedChannel {
        let channel = EmbeddedChannel()
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandler(HTTPRequestEncoder())
        try pipeline.addHandler(ByteToMessageHandler(HTTPResponseDecoder(informationalResponseStrategy: .forward)))
        try channel.guardAnswers(maxHeadSize: limit)
        try channel.connect(to: SocketAddress(ipAddress: "127.0.0.1", port: 1)).wait()
        if asking {
            try channel.writeOutbound(HTTPClientRequestPart.head(HTTPRequestHead(version: .http1_1, method: .GET, uri: "/")))
            try channel.writeOutbound(HTTPClientRequestPart.end(nil))
        }
        return channel
    }

    /// Bytes that are taken of an answer until it is refused.
    private static func taken(of answer: [UInt8], in piece: Int, by channel: EmbeddedChannel) throws -> Int {
        var rest = ByteBuffer(bytes: answer)
        while let next = rest.readSlice(length: min(piece, rest.readableBytes)), next.readableBytes > 0 {
            do { try channel.writeInbound(next) } catch { break }
        }
        _ = try? channel.finish(acceptAlreadyClosed: true)
        return answer.count - rest.readableBytes
    }

    @Test("What never becomes a head is refused in time, however it arrives", arguments: heads, [1_000, 16 << 10, 1 << 20])
    func endlessHead(answer: Endless, piece: Int) throws {
        let taken = try Self.taken(of: answer.bytes(4 << 20), in: piece, by: Self.connection())
        #expect(taken < Self.limit + piece)
    }

    @Test(
        "Trailers without end are refused in time, and what else may stand between the bytes of a body", arguments: bodies,
        [1_000, 16 << 10])
    func endlessBody(answer: Endless, piece: Int) throws {
        let taken = try Self.taken(of: answer.bytes(4 << 20), in: piece, by: Self.connection())
        #expect(taken < Self.limit + 2 * piece)
    }

    @Test("Who was asked for nothing fills no memory either", arguments: heads)
    func unasked(answer: Endless) throws {
        let taken = try Self.taken(of: answer.bytes(4 << 20), in: 1_000, by: Self.connection(asking: false))
        #expect(taken < Self.limit + 1_000)
    }

    @Test("A head may have as many bytes as that, in one piece or in many, and not one more", arguments: [7, 1_000, 1 << 20], [0, 1])
    func exactly(piece: Int, more: Int) throws {
        let interim = "HTTP/1.1 103 Early Hints\r\nLink: \(Self.long)\r\n\r\n"
        let start = "\(interim)HTTP/1.1 200 OK\r\nContent-Length: 200000\r\nX: "
        let head = start + String(repeating: "x", count: Self.limit + more - 4 - start.utf8.count) + "\r\n\r\n"
        let channel = try Self.connection()
        var rest = ByteBuffer(string: head)
        rest.writeRepeatingByte(UInt8(ascii: "b"), count: 200_000)
        var error: (any Error)?
        var received = 0
        do {
            while let next = rest.readSlice(length: min(piece, rest.readableBytes)), next.readableBytes > 0 {
                try channel.writeInbound(next)
                while let part = try channel.readInbound(as: HTTPClientResponsePart.self) {
                    if case .body(let bytes) = part { received += bytes.readableBytes }
                }
            }
        } catch let failure {
            error = failure
        }
        #expect((error is UnacceptableAnswer) == (more == 1))
        #expect(received == (more == 1 ? 0 : 200_000))
        _ = try? channel.finish(acceptAlreadyClosed: true)
    }

    @Test("Each answer on a connection may be as large as any", arguments: BothClients.Asker.allCases)
    func again(asker: BothClients.Asker) async throws {
        let large = "X: \(String(repeating: "x", count: 60_000))\r\n"
        let chunks = (0..<10_000).map { _ in "1;a=b\r\nx\r\n" }.joined()
        try await BothClients.run { clients async throws in
            clients.server.on("/length", .init("HTTP/1.1 200 OK\r\n\(large)\(Self.end)", keepsConnection: true))
            clients.server.on(
                "/chunks",
                .init("HTTP/1.1 200 OK\r\n\(large)Transfer-Encoding: chunked\r\n\r\n\(chunks)0\r\n\(large)\r\n", keepsConnection: true))
            for _ in 0..<3 {
                #expect(try await clients.get("/length", by: asker).body == Array("ok".utf8))
                #expect(try await clients.get("/chunks", by: asker).body.count == 10_000)
            }
        }
    }

    @Test("Both clients hang up on who sends no end of it", arguments: BothClients.Asker.allCases)
    func hangsUp(asker: BothClients.Asker) async throws {
        try await BothClients.run(idleTimeout: .seconds(20)) { clients async throws in
            for (number, answer) in (Self.heads + Self.bodies).enumerated() {
                clients.server.on("/\(number)", .init([answer.bytes(1 << 20)], keepsConnection: true))
                #expect(try await clients.failure("/\(number)", by: asker) == .protocolError, "\(answer.testDescription)")
            }
        }
    }

    @Test("So does the client of the commands")
    func commands() async throws {
        var configuration = HTTPClient.Configuration(timeout: .init(read: .seconds(20)))
        configuration.httpVersion = .http1Only
        configuration.guardAnswers()
        let client = HTTPClient(eventLoopGroupProvider: .singleton, configuration: configuration)
        try await RawServer.run { server async throws in
            for (number, answer) in (Self.heads + Self.bodies).enumerated() {
                server.on("/\(number)", .init([answer.bytes(1 << 20)], keepsConnection: true))
                let error = await #expect(throws: (any Error).self, "\(answer.testDescription)") {
                    let request = HTTPClientRequest(url: "http://127.0.0.1:\(server.port)/\(number)")
                    for try await _ in try await client.execute(request, timeout: .seconds(60)).body {}
                }
                #expect(error is UnacceptableAnswer || error is HTTPParserError, "\(answer.testDescription)")
            }
        }
        try await client.shutdown()
    }
}
