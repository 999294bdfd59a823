#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#else
    import Darwin
#endif
import Foundation
import NIOCore
import NIOPosix
import NIOSSL
import Synchronization
import TestServers

/// A server on 127.0.0.1 for one client at a time, which answers every request as the exchange says that is set.
final class AnswerServer: Sendable {
    private struct State {
        var exchange = Exchange([])
        var listener: (any Channel)?
    }

    private let state = Mutex(State())

    /// - Parameter tls: What connections are greeted with; `nil` for none.
    /// - Parameter isMangled: Whether something below TLS is damaged in each.
    static func start(tls: NIOSSLContext? = nil, isMangled: Bool = false) async throws -> AnswerServer {
        let server = AnswerServer()
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .serverChannelOption(.backlog, value: 256)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture {
                    if isMangled {
                        let seed = server.state.withLock { $0.exchange }.seed
                        try channel.pipeline.syncOperations.addHandler(RecordMangler(seed: seed))
                    }
                    if let tls { try channel.pipeline.syncOperations.addHandler(NIOSSLServerHandler(context: tls)) }
                    try channel.pipeline.syncOperations.addHandler(AnswerHandler { server.state.withLock { $0.exchange } })
                }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        server.state.withLock { $0.listener = listener }
        return server
    }

    var port: Int { state.withLock { $0.listener?.localAddress?.port } ?? 0 }

    func set(_ exchange: Exchange) {
        state.withLock { $0.exchange = exchange }
    }

    func stop() async throws {
        try await state.withLock { $0.listener }?.close()
    }
}

private final class AnswerHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    /// For how long a connection is kept on which nothing comes.
    private static let patience = TimeAmount.milliseconds(10)

    private let exchange: () -> Exchange
    /// The request that is being read.
    private var request = ByteBuffer()
    private var isAnswering = false
    private var idle: Scheduled<Void>?

    init(_ exchange: @escaping () -> Exchange) {
        self.exchange = exchange
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        idle?.cancel()
        let exchange = exchange()
        var piece = unwrapInboundIn(data)
        request.writeBuffer(&piece)
        let isWhole = isRequestWhole
        if isWhole { request.clear() }
        if isWhole || exchange.isEarly { answer(exchange, context) }
    }

    /// Looks at few bytes, for a loop over all of them would be the most of a run that is not optimised.
    private var isRequestWhole: Bool {
        guard request.getInteger(at: request.readerIndex, as: UInt8.self) == UInt8(ascii: "P") else {
            return request.getInteger(at: request.writerIndex - 4, as: UInt32.self) == 0x0D0A_0D0A
        }
        // With a body, whose length the head tells.
        let parts = String(buffer: request).components(separatedBy: "\r\n\r\n")
        let field = parts[0].lowercased().components(separatedBy: "content-length: ").last?.components(separatedBy: "\r\n").first
        return parts.count > 1 && parts[1].utf8.count >= field.flatMap { Int($0) } ?? 0
    }

    private func answer(_ exchange: Exchange, _ context: ChannelHandlerContext) {
        // An early answer is one, however many bytes come behind the first.
        if isAnswering { return }
        isAnswering = true
        send(exchange.pieces[...], then: exchange.end, context)
    }

    private func send(_ pieces: ArraySlice<[UInt8]>, then end: Exchange.End, _ context: ChannelHandlerContext) {
        guard let piece = pieces.first else { return finish(end, context) }
        context.writeAndFlush(wrapOutboundOut(ByteBuffer(bytes: piece)), promise: nil)
        if pieces.count == 1 { return finish(end, context) }
        // In a later turn of the loop, so that the client sees one without the next.
        let bound = NIOLoopBound((self, context), eventLoop: context.eventLoop)
        context.eventLoop.execute {
            let (handler, context) = bound.value
            handler.send(pieces.dropFirst(), then: end, context)
        }
    }

    private func finish(_ end: Exchange.End, _ context: ChannelHandlerContext) {
        switch end {
        case .close:
            context.close(promise: nil)
        case .reset:
            let channel = context.channel
            if let options = channel as? any SocketOptionProvider {
                let done = options.setSoLinger(linger(l_onoff: 1, l_linger: 0))
                done.whenComplete { _ in channel.close(promise: nil) }
            } else {
                channel.close(promise: nil)
            }
        case .keep:
            isAnswering = false
            idle = context.eventLoop.scheduleTask(in: Self.patience) { [channel = context.channel] in channel.close(promise: nil) }
        case .wait:
            // Somebody who has lost patience hangs up; this is for who never does.
            idle = context.eventLoop.scheduleTask(in: .seconds(2)) { [channel = context.channel] in channel.close(promise: nil) }
        }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        idle?.cancel()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client hung up, which is its right.
        context.close(promise: nil)
    }
}
