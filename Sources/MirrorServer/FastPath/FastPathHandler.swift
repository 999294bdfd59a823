import CoreMetrics
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import Synchronization

/// Answers hot redirects on the event loop, byte by byte as the slow path would, and hands everything else on.
///
/// Stands between the socket (or TLS) and the HTTP decoder. It answers only at a boundary between requests with nothing in flight behind
/// it, so that the order of pipelined answers is kept. Once it has handed on bytes that it does not understand as exactly one plain request,
/// it no longer knows where requests begin and hands on everything for the rest of the connection.
///
/// Who asks what somebody on the slow path asks at the moment waits here for the same answer (``Crowd``).
///
/// It also closes connections that are silent, because the handlers behind it do not see what it answers, and lets none be closed before
/// the socket has taken what was written.
final class FastPathHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let table: FastPathTable
    private let crowds: Crowds?
    private let uses: UseRecorder
    private let clock: any WallClock
    private let connection: ConnectionProgress
    private let idleTimeout: TimeAmount
    private let maxHeadLength: Int
    private var out = ByteBuffer()
    /// Whether bytes were handed on since the last end of a read.
    private var hasHandedOn = false
    private var lastRead = NIODeadline.now()
    private var date = (second: Int64.min, text: "")
    private var idleCheck: Scheduled<Void>?
    private var context: ChannelHandlerContext?
    private var wait: Wait?

    /// The one request that waits in a crowd.
    private struct Wait {
        let member: Crowd.Member
        /// For the slow path, when it must have it after all.
        let request: ByteBuffer
        /// Who wants to close once it is answered.
        var closes: [(mode: CloseMode, promise: EventLoopPromise<Void>?)] = []
    }

    /// - Parameter crowds: `nil` when nobody may join one.
    /// - Parameter maxHeadLength: Bytes of a head that the HTTP decoder takes.
    init(
        table: FastPathTable, crowds: Crowds?, uses: UseRecorder, clock: any WallClock, connection: ConnectionProgress,
        idleTimeout: TimeAmount,
        maxHeadLength: Int
    ) {
        self.table = table
        self.crowds = crowds
        self.uses = uses
        self.clock = clock
        self.connection = connection
        self.idleTimeout = idleTimeout
        self.maxHeadLength = maxHeadLength
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        scheduleIdleCheck(context, in: checkInterval)
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        idleCheck?.cancel()
        giveUpWaiting()
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        idleCheck?.cancel()
        giveUpWaiting()
        context.fireChannelInactive()
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        lastRead = .now()
        var input = unwrapInboundIn(data)
        if let wait {
            // Nobody would answer it.
            guard wait.closes.isEmpty else { return }
            // Who says more meanwhile is too much for a crowd.
            giveUpWaiting()
            handOn(wait.request, context)
        }
        // A client that does not read its answers gets the slow path, which stops reading its requests.
        if connection.isAtBoundary, context.channel.isWritable { answer(&input, context) }
        guard input.readableBytes > 0 else { return }
        flush(context)
        handOn(input, context)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        flush(context)
        // Whoever stands behind was not told of what was answered here, and need not be woken for it.
        guard hasHandedOn else { return }
        hasHandedOn = false
        context.fireChannelReadComplete()
    }

    /// Answers the requests at the front of `input` for as long as it can.
    private func answer(_ input: inout ByteBuffer, _ context: ChannelHandlerContext) {
        let now = clock.now
        while input.readableBytes > 0 {
            let answered = input.withUnsafeReadableBytes { bytes -> Int? in
                guard case .plain(let length, let target, let isHead) = RequestScanner.scan(bytes, limit: maxHeadLength) else {
                    return nil
                }
                let targetBytes = UnsafeRawBufferPointer(rebasing: bytes[target])
                if let entry = table.find(targetBytes, at: (now, lastRead)), entry.answersHead || !isHead {
                    write(entry, isHead: isHead, at: now)
                    return length
                }
                guard length == bytes.count, let crowds else { return nil }
                let userAgent = RequestScanner.userAgent(ofPlain: bytes).map { bytes[$0] }
                guard let member = crowds.join(targetBytes, isHead: isHead, userAgent: userAgent, self, on: context.eventLoop) else {
                    return nil
                }
                wait = Wait(member: member, request: ByteBuffer(bytes: bytes))
                return length
            }
            guard let answered else { return }
            input.moveReaderIndex(forwardBy: answered)
        }
    }

    private func write(_ entry: FastPathTable.Entry, isHead: Bool, at now: Timestamp) {
        if out.writerIndex == 0 { out.reserveCapacity(entry.head.count + entry.body.count + 64) }
        out.writeBytes(entry.head)
        out.writeString(httpDate(now))
        out.writeStaticString("\r\n\r\n")
        entry.hits.increment()
        if !isHead {
            out.writeBytes(entry.body)
            entry.egressAvoided.increment(by: entry.size)
        }
        let lastUsed = Timestamp(milliseconds: entry.lastUsed.load(ordering: .relaxed))
        if lastUsed.duration(to: now) >= uses.coarseness {
            entry.lastUsed.store(now.milliseconds, ordering: .relaxed)
            uses.record(entry.id, lastUsed: lastUsed)
        }
    }

    private func handOn(_ input: ByteBuffer, _ context: ChannelHandlerContext) {
        let isOnePlainRequest = input.withUnsafeReadableBytes { bytes in
            if case .plain(let length, _, _) = RequestScanner.scan(bytes, limit: maxHeadLength) { length == bytes.count } else { false }
        }
        connection.handedOn(isOnePlainRequest: isOnePlainRequest, at: lastRead)
        hasHandedOn = true
        context.fireChannelRead(wrapInboundOut(input))
    }

    private func flush(_ context: ChannelHandlerContext) {
        guard out.readableBytes > 0 else { return }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(out)), promise: nil)
        // The channel holds the old storage until it is on its way.
        out = ByteBuffer()
    }

    private func httpDate(_ now: Timestamp) -> String {
        let second = now.milliseconds / 1_000
        if second != date.second { date = (second, now.httpDate) }
        return date.text
    }

    // MARK: Waiting with others

    /// Called on the event loop.
    ///
    /// - Parameter member: Whom the answer is for, unless it has given up meanwhile.
    /// - Parameter response: All of its bytes.
    func answer(_ member: Crowd.Member, with response: ByteBuffer) {
        guard let wait, wait.member === member, let context else { return }
        self.wait = nil
        connection.responseEnded(at: .now())
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(response)), promise: nil)
        for end in wait.closes { close(context: context, mode: end.mode, promise: end.promise) }
    }

    private func giveUpWaiting() {
        guard let wait else { return }
        self.wait = nil
        crowds?.leave(wait.member)
        for end in wait.closes { end.promise?.fail(ChannelError.alreadyClosed) }
    }

    // MARK: The end

    /// Hummingbird closes right behind the last write when it shuts down or the client has said that it is done, which would drop what a
    /// slow client has not taken yet. One that takes nothing any more is closed for its silence. Before the connection is active nothing was
    /// written, and nothing would be.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input, context.channel.isActive else {
            context.close(mode: mode, promise: promise)
            return
        }
        if wait != nil {
            wait?.closes.append((mode, promise))
            return
        }
        let written = context.eventLoop.makePromise(of: Void.self)
        written.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: mode, promise: promise) }
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: written)
    }

    // MARK: Silence

    /// What a client takes is told by nothing else, so it is looked at several times before its time is over.
    private var checkInterval: TimeAmount { .nanoseconds(idleTimeout.nanoseconds / 4) }

    private func scheduleIdleCheck(_ context: ChannelHandlerContext, in delay: TimeAmount) {
        idleCheck = context.eventLoop.assumeIsolated().scheduleTask(in: delay) { self.checkIdle(context) }
    }

    private func checkIdle(_ context: ChannelHandlerContext) {
        ClientProgress.read(from: context.channel).assumeIsolated().whenComplete { result in
            guard self.context != nil else { return }
            let now = NIODeadline.now()
            self.connection.observe(try? result.get(), isFull: !context.channel.isWritable, at: now)
            guard self.wait == nil, let end = self.connection.endOfPatience(self.idleTimeout, lastRead: self.lastRead) else {
                return self.scheduleIdleCheck(context, in: self.checkInterval)
            }
            if end <= now {
                context.close(promise: nil)
            } else {
                self.scheduleIdleCheck(context, in: min(end - now, self.checkInterval))
            }
        }
    }
}
