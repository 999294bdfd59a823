import NIOCore
import NIOHTTP1

/// Keeps the requests of a connection and their answers in order: stands right behind the HTTP decoder.
///
/// Says in an answer whether the connection stays open, and ends it behind the last one (RFC 9112 §9.3, §9.6). Tells a client to go on that
/// waits for it, and sends files.
final class ExchangeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let connection: ConnectionProgress
    private var context: ChannelHandlerContext?
    /// Those without a whole answer, in order.
    private var exchanges: CircularBuffer<Exchange> = []
    private var isReadingLast = false

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
        // What stands behind the last request is not processed.
        guard !connection.isInputOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            let exchange = Exchange(head)
            exchanges.append(exchange)
            isReadingLast = exchange.isLast
            connection.requestBegan(offersProtocol: head.headers.contains(name: "upgrade"))
            if exchanges.count == 1 { encourage(exchange, context) }
        case .body:
            break
        case .end:
            connection.requestEnded(isLast: isReadingLast)
        }
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            // An answer to what could not be read has no exchange.
            if !exchanges.isEmpty, exchanges[exchanges.startIndex].sayWhatFollows(in: &head) {
                return context.write(wrapOutboundOut(.head(head)), promise: promise)
            }
        case .body:
            connection.bodyProgressed()
        case .end:
            connection.responseEnded(at: .now())
            context.write(data, promise: promise)
            guard let exchange = exchanges.popFirst() else { return }
            if exchange.isLast {
                context.close(mode: .output, promise: nil)
            } else if let next = exchanges.first {
                encourage(next, context)
            }
            return
        }
        context.write(data, promise: promise)
    }

    /// Writes a piece of a file as part of the body under way.
    ///
    /// - Returns: Done once the kernel has taken all of it.
    func write(_ region: FileRegion) -> EventLoopFuture<Void>? {
        guard let context else { return nil }
        connection.bodyProgressed()
        let written = context.eventLoop.makePromise(of: Void.self)
        context.writeAndFlush(wrapOutboundOut(.body(.fileRegion(region))), promise: written)
        return written.futureResult
    }

    private func encourage(_ exchange: Exchange, _ context: ChannelHandlerContext) {
        guard exchange.expectsContinue else { return }
        context.writeAndFlush(wrapOutboundOut(.head(HTTPResponseHead(version: .http1_1, status: .continue))), promise: nil)
    }
}

/// What a request says of how its answer ends.
private struct Exchange {
    /// The connection ends behind its answer.
    private(set) var isLast: Bool
    /// Asked in HTTP/1.0: such a client takes the connection to end unless it is told otherwise, and knows no chunks.
    private let isOld: Bool
    /// The client waits for a word before it sends the body (RFC 9110 §10.1.1).
    let expectsContinue: Bool

    init(_ head: HTTPRequestHead) {
        func has(_ name: String, _ word: String) -> Bool {
            head.headers[canonicalForm: name].contains { $0.lowercased() == word }
        }
        isOld = head.version.major == 1 && head.version.minor == 0
        // The parser's word counts too, because it reads nothing behind a request that it takes for the last. What follows CONNECT is not for us.
        isLast =
            has("connection", "close") || (isOld && !has("connection", "keep-alive")) || !head.isKeepAlive || head.method == .CONNECT
        let hasBody =
            head.headers.contains(name: "transfer-encoding") || head.headers.first(name: "content-length").map { $0 != "0" } ?? false
        expectsContinue = hasBody && !isOld && has("expect", "100-continue")
    }

    /// - Returns: Whether the answer's head was changed.
    mutating func sayWhatFollows(in head: inout HTTPResponseHead) -> Bool {
        guard head.status.code >= 200, isLast || isOld else { return false }
        if isOld, head.status.mayHaveResponseBody, !head.headers.contains(name: "content-length") {
            // The end of the connection is the end of the body: NIO's encoder sends no chunks then.
            head.version = .http1_0
            isLast = true
        }
        head.headers.replaceOrAdd(name: "Connection", value: isLast ? "close" : "keep-alive")
        return true
    }
}
