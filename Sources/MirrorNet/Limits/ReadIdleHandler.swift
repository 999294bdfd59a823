import NIOCore

/// Fails a connection if nothing arrives although a reader is waiting.
///
/// AsyncHTTPClient's own read timeout also runs while the consumer of a body is slow. This one is next to the socket and runs
/// only while a read is outstanding, which is not the case under back-pressure.
final class ReadIdleHandler: ChannelDuplexHandler {
    typealias InboundIn = NIOAny
    typealias OutboundIn = NIOAny

    private let timeout: TimeAmount
    /// When the wait will have lasted too long; `nil` while no reader waits.
    private var deadline: NIODeadline?
    private var timer: Scheduled<Void>?

    init(timeout: TimeAmount) {
        self.timeout = timeout
    }

    func handlerAdded(context: ChannelHandlerContext) {
        // The connection is already set up and has requested its first read.
        if context.channel.isActive { wait(context) }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        timer?.cancel()
        timer = nil
    }

    func read(context: ChannelHandlerContext) {
        if deadline == nil { wait(context) }
        context.read()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        deadline = nil
        context.fireChannelRead(data)
    }

    func write(context: ChannelHandlerContext, data: NIOAny, promise: EventLoopPromise<Void>?) {
        // A request on a kept connection: its time begins now.
        if deadline != nil { deadline = context.eventLoop.now + timeout }
        context.write(data, promise: promise)
    }

    func channelInactive(context: ChannelHandlerContext) {
        deadline = nil
        timer?.cancel()
        timer = nil
        context.fireChannelInactive()
    }

    private func wait(_ context: ChannelHandlerContext) {
        let deadline = context.eventLoop.now + timeout
        self.deadline = deadline
        // One timer at a time, scheduled again when it fires: a timer for each read would cost more than the read.
        if timer == nil { schedule(at: deadline, context) }
    }

    private func schedule(at time: NIODeadline, _ context: ChannelHandlerContext) {
        timer = context.eventLoop.assumeIsolated().scheduleTask(deadline: time) {
            self.timer = nil
            guard let deadline = self.deadline else { return }
            if deadline > context.eventLoop.now {
                self.schedule(at: deadline, context)
            } else {
                self.deadline = nil
                context.fireErrorCaught(ReadIdleError())
                context.close(promise: nil)
            }
        }
    }
}

struct ReadIdleError: Error {}
