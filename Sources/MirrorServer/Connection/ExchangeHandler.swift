import NIOCore
import NIOHTTP1

/// Handles the request of a connection that is being answered. Right behind the handler that reads requests.
///
/// It states in an answer whether the connection stays open, and ends it after the last one (RFC 9112 §9.3, §9.6). It sends `100 Continue` to
/// clients that wait for it, and sends files. It refuses a request without one valid host, and passes on only the fields that are read.
final class ExchangeHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    private let connection: ConnectionProgress
    /// Returns whether a request without a body has joined others, which this handler then does not see.
    private let join: (HTTPRequestHead) -> Bool
    private var hasJoined = false
    private var context: ChannelHandlerContext?
    /// The request that is not answered yet.
    private var exchange: Exchange?
    private var isReadingLast = false
    /// Whether the body is read.
    private var isBodyRead = false
    /// The body's bytes from one read; passing on pieces of a few bytes would cost far more.
    private var body: ByteBuffer?

    init(_ connection: ConnectionProgress, join: @escaping (HTTPRequestHead) -> Bool = { _ in false }) {
        self.connection = connection
        self.join = join
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        self.context = nil
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        // A request that was refused ends the connection.
        guard !connection.isInputOver else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            do {
                try begin(head, context)
            } catch {
                connection.endInput()
                context.fireErrorCaught(error)
            }
        case .body(var piece):
            guard isBodyRead else { return }
            if body == nil { body = piece } else { body?.writeBuffer(&piece) }
        case .end:
            passBody(context)
            connection.requestEnded(isLast: isReadingLast)
            if hasJoined { return }
            // Trailers are not read.
            context.fireChannelRead(wrapInboundOut(.end(nil)))
        }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        passBody(context)
        context.fireChannelReadComplete()
    }

    private func begin(_ head: HTTPRequestHead, _ context: ChannelHandlerContext) throws {
        let exchange = try Exchange(head)
        let bodyEnd = try BodyEnd(head)
        connection.requestBegan(bodyEnd)
        isReadingLast = exchange.isLast
        hasJoined = exchange.isPlain && bodyEnd.isReached && join(head)
        if hasJoined { return }
        self.exchange = exchange
        isBodyRead = head.method != .GET && head.method != .HEAD
        encourage(exchange, context)
        var head = head
        head.headers = RequestFields.kept(of: head)
        context.fireChannelRead(wrapInboundOut(.head(head)))
    }

    private func passBody(_ context: ChannelHandlerContext) {
        guard let piece = body.take() else { return }
        context.fireChannelRead(wrapInboundOut(.body(piece)))
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        switch unwrapOutboundIn(data) {
        case .head(var head):
            // An answer to unreadable input has no exchange.
            if exchange?.sayWhatFollows(in: &head) == true {
                return context.write(wrapOutboundOut(.head(head)), promise: promise)
            }
        case .body:
            connection.bodyProgressed()
        case .end:
            connection.answerEnded(at: .now())
            context.write(data, promise: promise)
            if exchange.take()?.isLast == true { context.close(mode: .output, promise: nil) }
            return
        }
        context.write(data, promise: promise)
    }

    /// Writes a piece of a file as part of the body in progress.
    ///
    /// - Returns: Succeeds once the kernel has taken all of it; `nil` if the handler has been removed.
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

/// What a request says about how its answer ends.
private struct Exchange {
    /// The connection ends after its answer.
    private(set) var isLast: Bool
    /// Sent with HTTP/1.0: such a client expects the connection to end unless told otherwise, and does not know chunks.
    private let isOld: Bool
    /// The client waits for `100 Continue` before it sends the body (RFC 9110 §10.1.1).
    let expectsContinue: Bool

    /// Its answer need not mention the connection.
    var isPlain: Bool { !isLast && !isOld }

    /// - Throws: If it does not have exactly one valid `Host` (RFC 9112 §3.2): two readers might take it for different hosts.
    init(_ head: HTTPRequestHead) throws(HTTPParserError) {
        func has(_ name: String, _ word: String) -> Bool {
            head.headers[canonicalForm: name].contains { $0.lowercased() == word }
        }
        isOld = head.version.major == 1 && head.version.minor == 0
        let hosts = head.headers["host"]
        guard hosts.count == 1 || (hosts.isEmpty && isOld), hosts.allSatisfy(HostField.isValid) else { throw .invalidHeaderToken }
        // Also if the parser says so, because it reads nothing after a request that it takes for the last. What follows CONNECT is not for us.
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
            // The end of the connection ends the body: NIO's encoder then sends no chunks.
            head.version = .http1_0
            isLast = true
        }
        head.headers.replaceOrAdd(name: "Connection", value: isLast ? "close" : "keep-alive")
        return true
    }
}
