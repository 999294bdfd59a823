import NIOCore
import NIOPosix

/// One request on a connection of its own, without the patience of an HTTP client, which tries again when it is refused.
enum Knock {
    case answered
    /// Connected, and hung up on before an answer.
    case turnedAway
    case refused

    static func once(at url: String) async throws -> Knock {
        guard let port = url.split(separator: ":").last.flatMap({ Int($0) }) else { throw ChannelError.unknownLocalAddress }
        let loop = MultiThreadedEventLoopGroup.singleton.any()
        let outcome = loop.makePromise(of: Knock.self)
        do {
            _ = try await ClientBootstrap(group: loop)
                .channelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(KnockHandler(outcome)) }
                }
                .connect(host: "127.0.0.1", port: port).get()
        } catch {
            outcome.succeed(.refused)
        }
        return try await outcome.futureResult.get()
    }
}

private final class KnockHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let outcome: EventLoopPromise<Knock>

    init(_ outcome: EventLoopPromise<Knock>) {
        self.outcome = outcome
    }

    func channelActive(context: ChannelHandlerContext) {
        let request = ByteBuffer(string: "GET /v1/ping HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n")
        context.writeAndFlush(wrapOutboundOut(request), promise: nil)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        outcome.succeed(.answered)
    }

    func channelInactive(context: ChannelHandlerContext) {
        outcome.succeed(.turnedAway)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        context.close(promise: nil)
    }
}
