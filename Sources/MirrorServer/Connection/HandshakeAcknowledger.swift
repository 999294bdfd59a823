import NIOCore
import NIOTLS

/// Acknowledges the end of a client's TLS handshake at once.
///
/// The server sends nothing before the first answer: BoringSSL sends session tickets together with it. So the kernel would delay the acknowledgement by
/// some 40 ms, and a client with Nagle's algorithm, such as GNU Wget, would hold its first request back until then.
final class HandshakeAcknowledger: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        context.fireUserInboundEventTriggered(event)
        if case TLSUserEvent.handshakeCompleted = event {
            #if os(Linux)
                // TCP_QUICKACK of linux/tcp.h. The client may have gone; then there is nothing to acknowledge.
                try? context.channel.syncOptions?.setOption(.tcpOption(.init(rawValue: 12)), value: 1)
            #endif
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }
}
