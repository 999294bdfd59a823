import HTTPTypes
import MirrorCore
import NIOCore
import NIOHTTP1

/// Limits the size of a request's body, and the time that a client takes to send it. Right behind ``ExchangeHandler``.
///
/// Only one route reads a body, but a client can send one to any route, and unwanted bodies are read and dropped: that has to end, too. A body
/// that is too long or too slow ends the connection; if the request has no answer yet, it gets one that says why.
final class BodyLimitHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = HTTPServerRequestPart
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = HTTPServerResponsePart
    typealias OutboundOut = HTTPServerResponsePart

    /// Bytes of a body that give the client another second.
    private static let bytesPerSecond = 16 << 10
    /// How long input is still read and dropped after the last answer: a connection that is closed with unread bytes is reset, and the answer may
    /// be lost.
    private static let linger = TimeAmount.seconds(1)

    private let connection: ConnectionProgress
    private let timeout: TimeAmount
    private let clock: any WallClock
    /// The request whose body is being received.
    private var head: HTTPRequestHead?
    private var received = 0
    private var since = NIODeadline.now()
    /// Whether the answer's head has been written, but not its end.
    private var isAnswering = false
    private var timer: Scheduled<Void>?
    /// Why the connection is to end; no further input is accepted.
    private var refusal: (error: RequestError, head: HTTPRequestHead)?
    /// The reason has been sent, and nothing else will be.
    private var isOver = false

    /// - Parameter timeout: For a body, plus a second for each ``bytesPerSecond``.
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

    // MARK: Input

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        guard refusal == nil else { return }
        switch unwrapInboundIn(data) {
        case .head(let head):
            self.head = head
            (received, since) = (0, .now())
            // The field itself is not passed on to this handler.
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

    // MARK: Answers

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

    // MARK: Limits

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

    /// Ends the connection after the answer in progress.
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
