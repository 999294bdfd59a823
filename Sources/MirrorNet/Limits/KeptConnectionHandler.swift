import NIOCore
import NIOHTTP1

/// Reports a kept connection that ended before any byte of an answer came: the service most likely closed it before the request arrived.
///
/// On a new connection, this proves nothing: a service that accepts a connection and then closes it may have read the request.
final class KeptConnectionHandler: ChannelDuplexHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundIn = HTTPClientRequestPart

    private var requests = 0
    /// Whether a request was sent and nothing has arrived since.
    private var isUnanswered = false
    private var wasKept: Bool { requests > 1 }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        if case .head = unwrapOutboundIn(data) {
            requests += 1
            isUnanswered = true
        }
        context.write(data, promise: promise)
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isUnanswered = false
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard wasKept, isUnanswered, OutboundError.isClosedConnection(error) else { return context.fireErrorCaught(error) }
        fail(context)
    }

    func channelInactive(context: ChannelHandlerContext) {
        if wasKept, isUnanswered { fail(context) }
        context.fireChannelInactive()
    }

    private func fail(_ context: ChannelHandlerContext) {
        isUnanswered = false
        context.fireErrorCaught(KeptConnectionClosed())
    }
}

@available(*, unavailable)
extension KeptConnectionHandler: Sendable {}

struct KeptConnectionClosed: Error {}
