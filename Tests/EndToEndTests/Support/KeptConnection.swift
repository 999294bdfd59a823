import NIOCore
import NIOHTTP1
import NIOPosix
import NIOSSL

/// One connection, over which a test makes several requests.
final class KeptConnection: Sendable {
    private let channel: any Channel
    private let answers: AsyncStream<HTTP.Answer>

    struct Closed: Error {}

    /// - Parameter url: Of the mirror; over TLS whatever certificate it has.
    static func open(_ url: String) async throws -> KeptConnection {
        guard let port = url.split(separator: ":").last.flatMap({ Int($0) }) else { throw Closed() }
        var configuration = TLSConfiguration.makeClientConfiguration()
        configuration.certificateVerification = .none
        let context = url.hasPrefix("https:") ? try NIOSSLContext(configuration: configuration) : nil
        let (answers, told) = AsyncStream.makeStream(of: HTTP.Answer.self)
        let channel = try await ClientBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .channelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    let pipeline = channel.pipeline.syncOperations
                    if let context { try pipeline.addHandler(NIOSSLClientHandler(context: context, serverHostname: nil)) }
                    try pipeline.addHTTPClientHandlers()
                    try pipeline.addHandler(AnswerReader(told))
                }
            }
            .connect(host: "127.0.0.1", port: port).get()
        return KeptConnection(channel, answers)
    }

    private init(_ channel: any Channel, _ answers: AsyncStream<HTTP.Answer>) {
        self.channel = channel
        self.answers = answers
    }

    deinit {
        channel.close(promise: nil)
    }

    /// - Throws: ``Closed`` when the mirror has hung up.
    func ask(_ path: String, headers: HTTPHeaders = [:]) async throws -> HTTP.Answer {
        try await begin(path, headers: headers)
        return try await answer()
    }

    func begin(_ path: String, headers: HTTPHeaders = [:]) async throws {
        var head = HTTPRequestHead(version: .http1_1, method: .GET, uri: path, headers: headers)
        head.headers.add(name: "Host", value: "localhost")
        channel.write(HTTPClientRequestPart.head(head), promise: nil)
        try await channel.writeAndFlush(HTTPClientRequestPart.end(nil)).get()
    }

    func answer() async throws -> HTTP.Answer {
        for await answer in answers { return answer }
        throw Closed()
    }
}

private final class AnswerReader: ChannelInboundHandler {
    typealias InboundIn = HTTPClientResponsePart

    private let answers: AsyncStream<HTTP.Answer>.Continuation
    private var head: HTTPResponseHead?
    private var body: [UInt8] = []

    init(_ answers: AsyncStream<HTTP.Answer>.Continuation) {
        self.answers = answers
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        switch unwrapInboundIn(data) {
        case .head(let head): (self.head, body) = (head, [])
        case .body(let bytes): body += bytes.readableBytesView
        case .end:
            guard let head else { return }
            answers.yield(HTTP.Answer(status: Int(head.status.code), headers: head.headers, body: body))
        }
    }

    func channelInactive(context: ChannelHandlerContext) {
        answers.finish()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
