import HTTPTypes
import MirrorCore
import NIOCore
import NIOHTTP1

/// Bounds what a request's body may take: bytes, and time of the client's. Stands right behind ``ExchangeHandler``.
///
/// One route alone reads a body, but a client can send one to each, and what nobody wants is read and dropped: that has to end, too. A body that
/// is too long or too slow ends the connection, with an answer that says why where the request has none yet.
final class BodyLimitHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Bytes of a body for which a client has another second.
    private static let bytesPerSecond = 16 << 10
    /// How long what a client still sends is read and dropped behind the last answer: a connection that is closed on bytes which nobody has read
    /// is reset, and the answer may be lost.
    private static let linger = TimeAmount.seconds(1)

    private let connection: ConnectionProgress
    private let timeout: TimeAmount
    private let clock: any WallClock
    /// Of the request whose body is being received.
    private var head: HTTPRequestHead?
    private var received = 0
    private var since = NIODeadline.now()
    /// Whether the answer's head was written, and its end was not.
    private var isAnswering = false
    private var timer: Scheduled<Void>?
    /// Why the connection is to end; nothing more of the client is taken.
    private var refusal: (error: RequestError, head: HTTPRequestHead)?
    /// It was said why, and nothing else will be.
    private var isOver = false

    /// - Parameter timeout: For a body, besides a second for each ``bytesPerSecond``.
    init(_ connection: ConnectionProgress, timeout: TimeAmount, clock: any WallClock) {
        self.connection = connection
        self.timeout = timeout
        self.clock = clock
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
    }

    func channelInactive(context: ChannelHandlerContext) {
        timer?.cancel()
        context.fireChannelInactive()
    }

    // MARK: What the client sends

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard refusal == nil else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            (received, since) = (0, .now())
            // The field is not passed on to here.
            if case .length(let stated) = connection.bodyEnd, stated > WarmCall.maxBody { return refuse(Self.tooLong, head, context) }
        case .body(let bytes):
            received += bytes.readableBytes
            if received > WarmCall.maxBody, let head { return refuse(Self.tooLong, head, context) }
        case .end:
            head = nil
            timer?.cancel()
            timer = nil
        }
        context.fireChannelRead(data)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if refusal != nil {
            context.read()
        } else if head != nil, timer == nil {
            schedule(at: end, context)
        }
        context.fireChannelReadComplete()
    }

    // MARK: What it is answered

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        guard !isOver else {
            promise?.fail(ChannelError.ioOnClosedChannel)
            return
        }
        context.write(data, promise: promise)
        switch unwrapOutboundIn(data) {
        case .head(let head): if head.status.code >= 200 { isAnswering = true }
        case .body: break
        case .end:
            isAnswering = false
            if refusal != nil { endIfDue(context) }
        }
    }

    // MARK: Too much

    private static let tooLong = RequestError(.tooLarge, "the request's body is too large; at most \(WarmCall.maxBody) bytes")
    private static let tooSlow = RequestError(.tooSlow, "the request's body did not arrive in time")

    private var end: NIODeadline { since + timeout + .seconds(Int64(received / Self.bytesPerSecond)) }

    private func schedule(at time: NIODeadline, _ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) { self.checkTime(context) }
    }

    private func checkTime(_ context: ChannelHandlerContext) {
        timer = nil
        guard let head, refusal == nil else { return }
        guard end <= .now() else { return schedule(at: end, context) }
        refuse(Self.tooSlow, head, context)
    }

    private func refuse(_ error: RequestError, _ head: HTTPRequestHead, _ context: ChannelHandlerContext) {
        refusal = (error, head)
        timer?.cancel()
        timer = nil
        endIfDue(context)
    }

    /// Ends the connection, behind the answer that is under way.
    private func endIfDue(_ context: ChannelHandlerContext) {
        guard let refusal, !isOver, !isAnswering else { return }
        isOver = true
        if connection.isAnswering { answer(refusal.error, to: refusal.head, context) }
        context.close(mode: .output, promise: nil)
        context.read()
        context.eventLoop.assumeIsolated().scheduleTask(in: Self.linger) { context.close(promise: nil) }
    }

    private func answer(_ error: RequestError, to request: HTTPRequestHead, _ context: ChannelHandlerContext) {
        let now = clock.now
        let path = Substring(request.uri.utf8.prefix { $0 != UInt8(ascii: "?") })
        let response = error.response(to: HTTPRequest.Method(request.method.rawValue) ?? .get, path, at: now)
        var head = HTTPResponseHead(version: .http1_1, status: .init(statusCode: response.status.code))
        for field in response.fields { head.headers.add(name: field.name.rawName, value: field.value) }
        head.headers.add(name: "Date", value: now.httpDate)
        head.headers.replaceOrAdd(name: "Connection", value: "close")
        context.write(wrapOutboundOut(.head(head)), promise: nil)
        if request.method != .HEAD { context.write(wrapOutboundOut(.body(.byteBuffer(ByteBuffer(bytes: response.body)))), promise: nil) }
        context.writeAndFlush(wrapOutboundOut(.end(nil)), promise: nil)
    }
}
