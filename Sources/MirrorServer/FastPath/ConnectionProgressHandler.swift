import NIOCore
import NIOHTTP1

/// Counts what the slow path has in flight; sends files; stands right behind the HTTP decoder.
final class ConnectionProgressHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let connection: ConnectionProgress

    private var context: ChannelHandlerContext?

    init(_ connection: ConnectionProgress) {
        self.connection = connection
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        if case .head = unwrapInboundIn(data) { connection.requestBegan() }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head: break
        case .body: connection.bodyProgressed(at: .now())
        case .end: connection.responseEnded(at: .now())
        }
        context.write(data, promise: promise)
    }

    /// Writes a piece of a file as part of the body under way.
    ///
    /// - Returns: Done once the kernel has taken all of it.
    func write(_ region: FileRegion) -> EventLoopFuture<Void>? {
        guard let context else { return nil }
        connection.bodyProgressed(at: .now())
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.body(.fileRegion(region))), promise: written)
        return written.futureResult
    }
}
