import NIOCore

/// Reads the PROXY protocol header at the beginning of a connection, and leaves the pipeline. A connection that begins with anything else, or whose
/// header does not arrive in time, is closed.
///
/// First in the pipeline, before TLS. The other end has been found to be a trusted proxy.
final class ProxyProtocolHandler: ChannelInboundHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    /// A proxy sends the header at once. This leaves time for a lost packet.
    static let patience = TimeAmount.seconds(5)

    private let metrics: ConnectionMetrics
    private let onHeader: (ProxyConnectionHeader, any Channel) -> Bool
    private var input = ByteBuffer()
    private var timer: Scheduled<Void>?
    private var isOver = false

    /// - Parameter onHeader: Returns `false` if the connection is to be closed.
    init(metrics: ConnectionMetrics, onHeader: @escaping (ProxyConnectionHeader, any Channel) -> Bool) {
        self.metrics = metrics
        self.onHeader = onHeader
    }

    func handlerAdded(context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(in: Self.patience) { self.refuse(.late, context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard !isOver else { return }
        var bytes = unwrapInboundIn(data)
        input.writeBuffer(&bytes)
        switch ProxyHeaderReader.read(input.readableBytesView) {
        case .incomplete: break
        case .garbage: refuse(.malformed, context)
        case .header(let header):
            isOver = true
            input.moveReaderIndex(forwardBy: header.length)
            guard onHeader(header, context.channel) else { return context.close(promise: nil) }
            let rest = input
            input = ByteBuffer()
            if rest.readableBytes > 0 { context.fireChannelRead(wrapInboundOut(rest)) }
            context.pipeline.syncOperations.removeHandler(context: context, promise: nil)
        }
    }

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        // A load balancer's health check connects and sends nothing.
        if input.readableBytes > 0 { refuse(.malformed, context) } else { context.close(promise: nil) }
    }

    private func refuse(_ flaw: ConnectionMetrics.ProxyFlaw, _ context: ChannelHandlerContext) {
        guard !isOver else { return }
        isOver = true
        input = ByteBuffer()
        metrics.countProxyHeader(flaw)
        context.close(promise: nil)
    }
}
