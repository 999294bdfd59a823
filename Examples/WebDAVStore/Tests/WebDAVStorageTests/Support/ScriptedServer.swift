import NIOCore
import NIOHTTP1
import NIOPosix
import Synchronization

/// An HTTP server on loopback that answers what a test tells it to, and remembers what it was asked.
final class ScriptedServer: Sendable {
    struct Request: Sendable {
        var method: HTTPMethod
        var uri: String
        var headers: HTTPHeaders
    }

    struct Answer: Sendable {
        var status: Int
        var headers: HTTPHeaders = [:]
        var body = ByteBuffer()
    }

    private let channel: any Channel
    private let log: Log

    private init(_ channel: any Channel, _ log: Log) {
        self.channel = channel
        self.log = log
    }

    /// Starts it, runs `body`, and stops it whatever happens.
    static func run<Result>(
        _ answer: @escaping @Sendable (Request) -> Answer, _ body: (ScriptedServer) async throws -> Result
    ) async throws -> Result {
        let log = Log()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    try channel.pipeline.syncOperations.configureHTTPServerPipeline()
                    try channel.pipeline.syncOperations.addHandler(Answering(log: log, answer: answer))
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        let server = ScriptedServer(channel, log)
        do {
            let result = try await body(server)
            try await channel.close()
            return result
        } catch {
            try? await channel.close()
            throw error
        }
    }

    var requests: [Request] { log.requests.withLock { $0 } }

    /// Without a slash at its end.
    var url: String { "http://127.0.0.1:\(channel.localAddress?.port ?? 0)" }

    fileprivate final class Log: Sendable {
        let requests = Mutex<[Request]>([])
    }
}

private final class Answering: ChannelInboundHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias OutboundOut = HTTPServerResponsePart

    private let log: ScriptedServer.Log
    private let answer: @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer
    private var request: ScriptedServer.Request?

    init(log: ScriptedServer.Log, answer: @escaping @Sendable (ScriptedServer.Request) -> ScriptedServer.Answer) {
        self.log = log
        self.answer = answer
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): request = .init(method: head.method, uri: head.uri, headers: head.headers)
        case .body: break
        case .end:
            guard let request else { return }
            log.requests.withLock { $0.append(request) }
            let answer = self.answer(request)
            var headers = answer.headers
            headers.add(name: "Content-Length", value: "\(answer.body.readableBytes)")
            let head = HTTPResponseHead(version: .http1_1, status: HTTPResponseStatus(statusCode: answer.status), headers: headers)
            context.write(wrapOutboundOut(.head(head)), promise: nil)
            if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(answer.body))), promise: nil) }
            context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
        }
    }
}
