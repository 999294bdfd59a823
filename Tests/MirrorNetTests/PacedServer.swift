import MirrorCore
import NIOCore
import NIOPosix
import Testing

@testable import MirrorNet

/// Sends the same pieces of an answer over every connection, with a pause between two of them.
///
/// From a thread of its own: other than a ``FakeOrigin``, whose tasks take turns with those of all tests, it is not late on a busy machine.
struct PacedServer {
    let url: ArtifactURL

    /// Runs `body` with a server of a body of these pieces.
    static func run(
        _ pieces: [ByteBuffer], every pause: TimeAmount = .zero, isolation: isolated (any Actor)? = #isolation,
        _ body: (PacedServer) async throws -> Void
    ) async throws {
        let group = MultiThreadedEventLoopGroup(numberOfThreads: 1)
        let length = pieces.reduce(0) { $0 + $1.readableBytes }
        let answer = [ByteBuffer(string: "HTTP/1.1 200 OK\r\nContent-Length: \(length)\r\n\r\n")] + pieces
        let result: Result<Void, any Error>
        do {
            let channel = try await ServerBootstrap(group: group)
                .childChannelInitializer { channel in
                    channel.eventLoop.makeCompletedFuture {
                        try channel.pipeline.syncOperations.addHandler(Sender(answer: answer[...], pause: pause))
                    }
                }
                .bind(host: "127.0.0.1", port: 0).get()
            let port = try #require(channel.localAddress?.port)
            try await body(PacedServer(url: try ArtifactURL("http://127.0.0.1:\(port)/")))
            result = .success(())
        } catch {
            result = .failure(error)
        }
        try await group.shutdownGracefully()
        try result.get()
    }

    private final class Sender: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private var answer: ArraySlice<ByteBuffer>
        private let pause: TimeAmount
        private var isAsked = false

        init(answer: ArraySlice<ByteBuffer>, pause: TimeAmount) {
            self.answer = answer
            self.pause = pause
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            // The request comes in one piece or more; what it says does not matter.
            if !isAsked { send(context) }
            isAsked = true
        }

        private func send(_ context: ChannelHandlerContext) {
            while let piece = answer.popFirst() {
                context.writeAndFlush(wrapOutboundOut(piece), promise: nil)
                guard pause == .zero else {
                    context.eventLoop.assumeIsolated().scheduleTask(in: pause) { self.send(context) }
                    return
                }
            }
        }
    }
}
