import Logging
import MirrorCore
import MirrorTesting
import NIOCore
import NIOHTTP1
import NIOPosix
import TestServers
import Testing

@testable import MirrorNet

@Suite("The client of configured services", .timeLimit(.minutes(5)))
struct ServiceClientTests {
    private static func withClient<Result>(
        _ configuration: OutboundConfiguration = .testing(), isolation: isolated (any Actor)? = #isolation,
        _ body: (ServiceClient) async throws -> Result
    ) async throws -> Result {
        let client = ServiceClient(
            configuration: configuration, eventLoopGroup: MultiThreadedEventLoopGroup.singleton,
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        return try await ending {
            try await body(client)
        } with: {
            await client.shutdown()
        }
    }

    private static func request(
        _ target: String, _ method: HTTPMethod = .GET, port: Int, headers: HTTPHeaders = [:], body: ServiceRequest.Body = .none
    ) -> ServiceRequest {
        ServiceRequest(method: method, scheme: .http, host: "127.0.0.1", port: port, target: target, headers: headers, body: body)
    }

    @Test(
        "The target goes out byte for byte",
        arguments: [
            "/", "/a%2Fb//c/../%2e?x=%20&a+b=c%2Bd&=&y", "/?delete", "/b/k%FF?list-type=2&prefix=a%2F", "/a?X-Amz-Signature=0", "//",
            "/a'()*~",
        ])
    func targets(_ target: String) async throws {
        try await FakeOrigin.run { origin async throws in
            try await Self.withClient { client async throws in
                _ = try await client.send(Self.request(target, port: origin.port, headers: ["Host": "named.example"]))
                #expect(origin.requests.map(\.uri) == [target])
                #expect(origin.requests.first?.header("Host") == "named.example")
                #expect(origin.requests.first?.header(RequestTargetHandler.fieldName) == nil)
                #expect(origin.requests.first?.header("User-Agent") == "cloud-mirror/test")
            }
        }
    }

    @Test("A target that is not encoded is not sent", arguments: ["", "a", "/a b", "/ü", "/a\r\nX: y"])
    func oddTargets(_ target: String) async throws {
        try await FakeOrigin.run { origin async throws in
            try await Self.withClient { client async throws in
                let error = await #expect(throws: OutboundError.self) {
                    try await client.send(Self.request(target, port: origin.port))
                }
                #expect(error?.code == .protocolError)
                #expect(origin.requests.isEmpty)
            }
        }
    }

    @Test("A redirect is an answer like any other, and connections are used again")
    func redirects() async throws {
        try await FakeOrigin.run { origin async throws in
            origin.on("/a", .redirect(to: origin.url("/b"), status: 307))
            origin.on("/c", .text("hello"))
            try await Self.withClient { client async throws in
                for _ in 0..<3 {
                    let response = try await client.send(Self.request("/a", port: origin.port))
                    #expect(response.status == 307)
                    #expect(response.headers.first(name: "location") == origin.url("/b"))
                    let answer = try await client.collect(Self.request("/c", port: origin.port), upTo: 5)
                    #expect(String(buffer: answer.body) == "hello")
                }
                #expect(origin.requests.count == 6)
                #expect(origin.connectionCount == 1)
                let error = await #expect(throws: OutboundError.self) {
                    try await client.collect(Self.request("/c", port: origin.port), upTo: 4)
                }
                #expect(error?.code == .protocolError)
            }
        }
    }

    @Test("Bodies arrive whole, whether they are in memory or a stream")
    func bodies() async throws {
        try await EchoServer.run { port async throws in
            try await Self.withClient { client async throws in
                let large = SampleObject.bytes(3_000_001)
                let small = ByteBuffer(string: "small")
                let chunks = [small, ByteBuffer(), large, small]
                let whole = chunks.reduce(into: ByteBuffer()) { $0.writeImmutableBuffer($1) }
                let bodies: [(ServiceRequest.Body, ByteBuffer)] = [
                    (.none, ByteBuffer()), (.bytes([]), ByteBuffer()), (.bytes([small]), small), (.bytes([large]), large),
                    (.bytes(chunks), whole), (.stream(ServiceBody(Chunks(chunks: chunks)), length: Int64(whole.readableBytes)), whole),
                    (.stream(ServiceBody(Chunks(chunks: chunks)), length: nil), whole),
                    (.stream(ServiceBody(Chunks(chunks: [])), length: nil), ByteBuffer()),
                ]
                for (body, expected) in bodies {
                    let answer = try await client.collect(Self.request("/", .PUT, port: port, body: body), upTo: 8 << 20)
                    #expect(answer.status == 200)
                    #expect(answer.headers.first(name: "x-length") == "\(expected.readableBytes)")
                    #expect(answer.body == expected)
                }
            }
        }
    }

    @Test("A stream of known length states it; one of unknown length goes out in chunks")
    func framing() async throws {
        try await FakeOrigin.run { origin async throws in
            origin.on("/known", .text("a"))
            origin.on("/unknown", .text("a"))
            try await Self.withClient { client async throws in
                for (target, length) in [("/known", 2), ("/unknown", nil)] as [(String, Int64?)] {
                    let body = ServiceBody(Chunks(chunks: [ByteBuffer(string: "ab")]))
                    let request = Self.request(target, .PUT, port: origin.port, body: .stream(body, length: length))
                    #expect(try await client.collect(request, upTo: 10).status == 200)
                }
                let (known, unknown) = (try await origin.request(for: "/known"), try await origin.request(for: "/unknown"))
                #expect(known.header("Content-Length") == "2" && known.header("Transfer-Encoding") == nil)
                #expect(unknown.header("Content-Length") == nil && unknown.header("Transfer-Encoding") == "chunked")
            }
        }
    }

    private struct Broken: Error {}

    @Test("What a stream throws comes out unchanged; one that is not as long as stated fails")
    func brokenBodies() async throws {
        try await EchoServer.run { port async throws in
            try await Self.withClient { client async throws in
                let body = ServiceBody(Chunks(chunks: [ByteBuffer(string: "ab")], failure: Broken()))
                for length in [4, nil] as [Int64?] {
                    await #expect(throws: Broken.self) {
                        try await client.send(Self.request("/", .PUT, port: port, body: .stream(body, length: length)))
                    }
                }
                for length in [1, 3] as [Int64] {
                    let body = ServiceBody(Chunks(chunks: [ByteBuffer(string: "ab")]))
                    await #expect(throws: OutboundError.self) {
                        try await client.send(Self.request("/", .PUT, port: port, body: .stream(body, length: length)))
                    }
                }
            }
        }
    }

    @Test("A body that breaks off throws; so does an answer that never comes, and a service that is not there")
    func failures() async throws {
        try await FakeOrigin.run { origin async throws in
            let gate = FakeGate()
            origin.on("/cut", .generated(size: 100_000).with { $0.truncateAfter = 1_000 })
            origin.on("/silent", .text("a").with { $0.gate = gate })
            try await Self.withClient { client async throws in
                let cut = try await client.send(Self.request("/cut", port: origin.port))
                let error = await #expect(throws: OutboundError.self) { try await cut.body.bytes() }
                #expect(error?.code == .truncated)
                let nowhere = await #expect(throws: OutboundError.self) { try await client.send(Self.request("/", port: 1)) }
                #expect(nowhere?.code == .connectFailed)
            }
            try await Self.withClient(.testing { $0.idleTimeout = .seconds(2) }) { client async throws in
                let silent = await #expect(throws: OutboundError.self) { try await client.send(Self.request("/silent", port: origin.port)) }
                #expect(silent?.code == .timedOut)
            }
            gate.open()
        }
    }

    @Test("A connection that the service closed is replaced once for what may be repeated, and not for a POST, a DELETE or a MOVE")
    func repeats() async throws {
        try await FakeOrigin.run { origin async throws in
            origin.on("/get", .hangUp, .text("a"))
            for path in ["/post", "/delete", "/move"] { origin.on(path, .hangUp, .text("a")) }
            try await Self.withClient { client async throws in
                #expect(try await client.collect(Self.request("/get", port: origin.port), upTo: 10).status == 200)
                for (path, method) in [("/post", HTTPMethod.POST), ("/delete", .DELETE), ("/move", .MOVE)] {
                    let error = await #expect(throws: OutboundError.self) {
                        try await client.send(Self.request(path, method, port: origin.port))
                    }
                    #expect(error?.code == .truncated)
                    #expect(origin.requests(for: path).count == 1)
                }
            }
        }
    }

    @Test("A kept connection that the service closed is replaced for a deletion, whatever its method, and not for a POST")
    func repeatsDeletions() async throws {
        try await FakeOrigin.run { origin async throws in
            origin.on("/get", .text("a"))
            for path in ["/delete", "/batch", "/post"] { origin.on(path, .hangUp, .text("a")) }
            try await Self.withClient { client async throws in
                var batch = Self.request("/batch", .POST, port: origin.port)
                batch.isDeletion = true
                for request in [Self.request("/delete", .DELETE, port: origin.port), batch] {
                    _ = try await client.collect(Self.request("/get", port: origin.port), upTo: 10)
                    #expect(try await client.collect(request, upTo: 10).status == 200)
                    #expect(origin.requests(for: request.target).count == 2)
                }
                let error = await #expect(throws: OutboundError.self) {
                    try await client.send(Self.request("/post", .POST, port: origin.port))
                }
                #expect(error?.code == .truncated)
                #expect(origin.requests(for: "/post").count == 1)
            }
        }
    }

    @Test("A deletion whose answer had begun when the connection broke is not sent again")
    func cutDeletion() async throws {
        try await RawServer.run { server async throws in
            server.on("/get", .init("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", keepsConnection: true))
            server.on("/delete", .init("HTTP/1.1 20"))
            try await Self.withClient { client async throws in
                _ = try await client.collect(Self.request("/get", port: server.port), upTo: 10)
                await #expect(throws: OutboundError.self) { try await client.send(Self.request("/delete", .DELETE, port: server.port)) }
                #expect(server.targets == ["/get", "/delete"])
            }
        }
    }

    private struct Chunks: AsyncSequence, Sendable {
        let chunks: [ByteBuffer]
        var failure: (any Error)?

        struct AsyncIterator: AsyncIteratorProtocol {
            var chunks: IndexingIterator<[ByteBuffer]>
            let failure: (any Error)?

            mutating func next() async throws -> ByteBuffer? {
                if let chunk = chunks.next() { return chunk }
                if let failure { throw failure }
                return nil
            }
        }

        func makeAsyncIterator() -> AsyncIterator { AsyncIterator(chunks: chunks.makeIterator(), failure: failure) }
    }
}

/// Answers each request with its body.
private enum EchoServer {
    static func run(_ body: (Int) async throws -> Void) async throws {
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Echo())
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        do {
            try await body(try #require(channel.localAddress?.port))
            try await channel.close()
        } catch {
            try await channel.close()
            throw error
        }
    }

    private final class Echo: ChannelInboundHandler {
        typealias InboundIn = HTTPServerRequestPart
        typealias OutboundOut = HTTPServerResponsePart

        private var received = ByteBuffer()

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            switch unwrapInboundIn(data) {
            case .head: received = ByteBuffer()
            case .body(var chunk): received.writeBuffer(&chunk)
            case .end:
                let length = "\(received.readableBytes)"
                let head = HTTPResponseHead(
                    version: .http1_1, status: .ok, headers: ["x-length": length, "content-length": length])
                context.write(wrapOutboundOut(.head(head)), promise: nil)
                context.write(wrapOutboundOut(.body(.byteBuffer(received))), promise: nil)
                context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
            }
        }
    }
}
