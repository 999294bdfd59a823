import MirrorCore
import NIOCore
import NIOPosix
import Synchronization
import Testing

/// A server that answers each request with the bytes that the test has for its target, and then closes the connection or not, as the test says.
final class RawServer: Sendable {
    struct Answer: Sendable {
        /// One write each.
        var pieces: [[UInt8]]
        var keepsConnection = false

        init(_ pieces: [[UInt8]], keepsConnection: Bool = false) {
            self.pieces = pieces
            self.keepsConnection = keepsConnection
        }

        init(_ text: String, keepsConnection: Bool = false) {
            self.init([Array(text.utf8)], keepsConnection: keepsConnection)
        }
    }

    private struct State {
        var answers: [String: Answer] = [:]
        var targets: [String] = []
    }

    private let state = Mutex(State())
    private let boundPort = Atomic(0)

    var port: Int { boundPort.load(ordering: .relaxed) }
    /// What was asked for, in the order in which it came.
    var targets: [String] { state.withLock { $0.targets } }

    func on(_ target: String, _ answer: Answer) {
        state.withLock { $0.answers[target] = answer }
    }

    func url(_ target: String) throws -> ArtifactURL { try ArtifactURL("http://127.0.0.1:\(port)\(target)") }

    static func run<Result>(
        isolation: isolated (any Actor)? = #isolation, _ body: (RawServer) async throws -> Result
    ) async throws -> Result {
        let server = RawServer()
        let channel = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 1_024)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Responder(server)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.boundPort.store(try #require(channel.localAddress?.port), ordering: .relaxed)
        do {
            let result = try await body(server)
            try await channel.close()
            return result
        } catch {
            try await channel.close()
            throw error
        }
    }

    private func answer(to target: String) -> Answer? {
        state.withLock { state in
            state.targets.append(target)
            return state.answers[target]
        }
    }

    private final class Responder: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let server: RawServer
        private var received = ByteBuffer()

        init(_ server: RawServer) {
            self.server = server
        }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var piece = unwrapInboundIn(data)
            received.writeBuffer(&piece)
            // Requests of these tests have no body.
            let text = String(buffer: received)
            guard text.utf8.suffix(4).elementsEqual("\r\n\r\n".utf8) else { return }
            received.clear()
            let words = text.split(separator: " ", maxSplits: 2)
            guard words.count == 3, let answer = server.answer(to: String(words[1])) else {
                context.close(promise: nil)
                return
            }
            for piece in answer.pieces { context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: piece)), promise: nil) }
            if !answer.keepsConnection { context.close(promise: nil) }
        }

        func errorCaught(context: ChannelHandlerContext, error: any Error) {
            // The client hung up, which is its right.
            context.close(promise: nil)
        }
    }
}
