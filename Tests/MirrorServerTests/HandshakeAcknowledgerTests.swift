import NIOCore
import NIOEmbedded
import NIOTLS
import Testing

@testable import MirrorServer

@Suite struct HandshakeAcknowledgerTests {
    /// Forwards nothing, and counts handshakes.
    private final class Counter: ChannelInboundHandler {
        typealias InboundIn = Never
        var count = 0

        func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
            if case TLSUserEvent.handshakeCompleted = event { count += 1 }
        }
    }

    @Test func `the end of a handshake is acknowledged at once, and only that`() throws {
        let (channel, counter) = (EmbeddedChannel(), Counter())
        let pipeline = channel.pipeline.syncOperations
        try pipeline.addHandlers([HandshakeAcknowledger(), counter])
        #expect(!acknowledges(channel))
        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.shutdownCompleted)
        #expect(!acknowledges(channel))

        channel.pipeline.fireUserInboundEventTriggered(TLSUserEvent.handshakeCompleted(negotiatedProtocol: nil))
        #if os(Linux)
            #expect(acknowledges(channel))
        #endif
        #expect(counter.count == 1)
        #expect(throws: ChannelPipelineError.notFound) { try pipeline.context(handlerType: HandshakeAcknowledger.self) }
        _ = try channel.finish(acceptAlreadyClosed: true)
    }

    /// Whether TCP_QUICKACK was set.
    private func acknowledges(_ channel: EmbeddedChannel) -> Bool {
        channel.options.contains { option, value in
            guard let option = option as? ChannelOptions.Types.SocketOption else { return false }
            return option == .tcpOption(.init(rawValue: 12)) && value as? SocketOptionValue == 1
        }
    }
}
