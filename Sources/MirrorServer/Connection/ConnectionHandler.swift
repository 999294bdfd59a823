import CLibrary
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import NIOSSL

/// Gives each request of a connection to who answers it: the fast path, identical requests that it can join, or the slow path behind this.
///
/// Stands between the socket (or TLS) and everything that knows HTTP. One request at a time: what comes behind it stays here, as bytes, until
/// it is answered and the client takes what it is sent. While something stays here nothing more is read. So a connection holds no more than one
/// request, what was read with it, and some tens of KiB of answers, whatever its client sends.
///
/// Also lets no connection be closed before the socket has taken what was written.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let coalescing: CoalescingTable?
    private let client: ClientPresence
    private let connection: ConnectionProgress
    private let reader: RequestReader
    private let silence: SilenceCheck
    private var fastPath: FastPath
    /// What has come and is nobody's yet; `nil` rather than empty.
    private var input: ByteBuffer?
    private var isInputClosed = false
    /// Whether whoever stands behind was told that nothing more comes.
    private var isInputTold = false
    private var isReadAsked = false
    private var isProceeding = false
    /// Whether something was handed on since the last end of a read.
    private var hasHandedOn = false
    /// The request that has joined others and waits.
    private var member: CoalescedRequests.Member?
    /// Who wants to close, once that is answered.
    private var closes: [(mode: CloseMode, promise: EventLoopPromise<Void>?)] = []
    private var isClosing = false
    private var context: ChannelHandlerContext?

    /// - Parameter coalescing: `nil` when requests may not join others.
    init(
        fastPath: FastPath, coalescing: CoalescingTable?, client: ClientPresence, connection: ConnectionProgress, reader: RequestReader,
        silence: SilenceCheck
    ) {
        self.fastPath = fastPath
        self.coalescing = coalescing
        self.client = client
        self.connection = connection
        self.reader = reader
        self.silence = silence
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // Held until ``end()``, and not weakly: the counts of an object that has weak references are kept elsewhere, at a cost for each request.
        silence.begin(on: context.channel) { self.endSilence() }
    }

    func handlerRemoved(context: ChannelHandlerContext) {
        end()
        reader.stop(context)
        self.context = nil
    }

    func channelInactive(context: ChannelHandlerContext) {
        end()
        context.fireChannelInactive()
    }

    /// Nobody is there any more.
    private func end() {
        silence.end()
        input = nil
        client.leave()
        if let member {
            self.member = nil
            coalescing?.leave(member)
        }
        for close in closes { close.promise?.fail(ChannelError.alreadyClosed) }
        closes = []
    }

    /// The connection begins with the word of a trusted proxy for whom it is. Called before anything else of it is read.
    func begin(from peer: IPAddress?) {
        client.address = peer
        fastPath.chooser.peer = peer
    }

    // MARK: What comes

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        connection.bytesCame(at: .now())
        var bytes = unwrapInboundIn(data)
        guard bytes.readableBytes > 0 else { return }
        if input == nil { input = bytes } else { input?.writeBuffer(&bytes) }
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        proceed(context)
    }

    func read(context: ChannelHandlerContext) {
        if input == nil { context.read() } else { isReadAsked = true }
    }

    func channelWritabilityChanged(context: ChannelHandlerContext) {
        context.fireChannelWritabilityChanged()
        proceed(context)
    }

    /// A client that ends its side has most likely gone, and is not waited for. What it has asked for it gets all the same, in case it has not.
    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        guard case ChannelEvent.inputClosed = event else { return context.fireUserInboundEventTriggered(event) }
        isInputClosed = true
        client.leave()
        leaveCoalesced(context)
        proceed(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // A client that ends its side without TLS's word for it. That it has is told next.
        if case NIOSSLError.uncleanShutdown = error { return }
        context.fireErrorCaught(error)
    }

    /// Whoever answers writes its answer and then this: the next request's turn has come.
    func flush(context: ChannelHandlerContext) {
        context.flush()
        if input != nil { proceed(context) }
    }

    // MARK: Whose turn it is

    /// Deals out what has come, as far as its turn has come.
    private func proceed(_ context: ChannelHandlerContext) {
        guard !isProceeding else { return }
        isProceeding = true
        while let bytes = input, mayProceed(context) {
            input = nil
            input = step(bytes, context)
        }
        isProceeding = false
        // Whoever stands behind was not told of what was answered here, and need not be woken for it.
        if hasHandedOn {
            hasHandedOn = false
            context.fireChannelReadComplete()
        }
        guard input == nil else { return }
        if isInputClosed {
            isInputClosed = false
            closeInput(context)
        } else if isReadAsked {
            isReadAsked = false
            // Asked anew of whoever stands behind: what they were given meanwhile may be enough for them.
            context.channel.read()
        }
    }

    /// Whether the next byte's turn has come. It is dropped when nothing is read any more.
    private func mayProceed(_ context: ChannelHandlerContext) -> Bool {
        if isClosing || connection.isInputOver { return true }
        return context.channel.isWritable && (!connection.isAnswering || connection.isInBody)
    }

    /// - Returns: What is left for later.
    private func step(_ input: ByteBuffer, _ context: ChannelHandlerContext) -> ByteBuffer? {
        guard !isClosing, !connection.isInputOver else { return nil }
        var input = input
        if !connection.isAtBoundary || !answer(&input, context) {
            handOn(&input, context)
        }
        return input.readableBytes > 0 ? input : nil
    }

    /// - Returns: `false` when the next request is for the slow path.
    private func answer(_ input: inout ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        let next = fastPath.answer(&input)
        if let answers = fastPath.takeAnswers() { context.writeAndFlush(wrapOutboundOut(.byteBuffer(answers)), promise: nil) }
        switch next {
        case .pause: return true
        case .end:
            end(context)
            return true
        case .plain(let request): return join(request, &input, context)
        case .other: return false
        }
    }

    private func handOn(_ input: inout ByteBuffer, _ context: ChannelHandlerContext) {
        hasHandedOn = true
        do {
            try reader.read(&input, context)
        } catch {
            fail(error, context)
        }
    }

    /// The last request of the connection was answered here: ends it as the slow path does, for whom it looks as if the client had left.
    private func end(_ context: ChannelHandlerContext) {
        connection.requestEnded(isLast: true)
        close(context: context, mode: .output, promise: nil)
        closeInput(context)
    }

    private func closeInput(_ context: ChannelHandlerContext) {
        guard !isInputTold else { return }
        isInputTold = true
        do {
            if !connection.isInputOver { try reader.finish(context) }
        } catch {
            fail(error, context)
        }
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// What was sent is not HTTP: whoever stands behind says so, and the connection ends.
    private func fail(_ error: any Error, _ context: ChannelHandlerContext) {
        connection.endInput()
        reader.stop(context)
        context.fireErrorCaught(error)
    }

    // MARK: Waiting with others

    private func join(_ request: FastPath.Request, _ input: inout ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        guard let coalescing, !coalescing.isEmpty, !client.hasLeft else { return false }
        member = input.withUnsafeReadableBytes { bytes in
            let bytes = UnsafeRawBufferPointer(rebasing: bytes[..<request.length])
            return coalescing.join(
                UnsafeRawBufferPointer(rebasing: bytes[request.target]), request.choice, isHead: request.isHead,
                userAgent: RequestScanner.values(of: "user-agent", inPlain: bytes).first.map { bytes[$0] }, from: fastPath.chooser.peer,
                forwarded: { ForwardedFields.values(ofPlain: bytes, $0) }, self, on: context.eventLoop)
        }
        guard member != nil else { return false }
        input.moveReaderIndex(forwardBy: request.length)
        connection.waitBegan()
        return true
    }

    /// Lets a request wait with others before anybody behind is told of it: one that asks the same as they do, and is too large for the fast path.
    ///
    /// - Parameter head: Of a request that has no body and does not end the connection.
    func join(_ head: HTTPRequestHead) -> Bool {
        guard let context, let coalescing, !coalescing.isEmpty, !client.hasLeft, head.method == .GET || head.method == .HEAD else {
            return false
        }
        member = coalescing.join(
            head.uri.utf8, fastPath.chooser.choice(of: head), isHead: head.method == .HEAD,
            userAgent: head.headers.first(name: "user-agent")?.utf8, from: fastPath.chooser.peer,
            forwarded: { ForwardedFields.values(of: head.headers, $0) }, self, on: context.eventLoop)
        return member != nil
    }

    /// Called on the event loop.
    ///
    /// - Parameter member: Whom the answer is for, unless it has given up meanwhile.
    /// - Parameter response: All of its bytes.
    func answer(_ member: CoalescedRequests.Member, with response: ByteBuffer) {
        guard self.member === member, let context else { return }
        self.member = nil
        connection.answerEnded(at: .now())
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(response)), promise: nil)
        closeNow(context)
        proceed(context)
    }

    /// The slow path answers whoever leaves: at once, because nobody is waited for who has left.
    private func leaveCoalesced(_ context: ChannelHandlerContext) {
        guard let member else { return }
        self.member = nil
        coalescing?.leave(member)
        connection.answerEnded(at: .now())
        guard closes.isEmpty else { return closeNow(context) }
        var request = member.request
        handOn(&request, context)
    }

    // MARK: The end

    /// Hummingbird closes right behind the last write when it shuts down or the client has said that it is done, which would drop what a
    /// slow client has not taken yet. One that takes nothing any more is closed for its silence. Before the connection is active nothing was
    /// written, and nothing would be.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input, context.channel.isActive else { return context.close(mode: mode, promise: promise) }
        isClosing = true
        closes.append((mode, promise))
        if member == nil { closeNow(context) }
    }

    private func closeNow(_ context: ChannelHandlerContext) {
        for (mode, promise) in closes {
            let written = context.eventLoop.makePromise(of: Void.self)
            written.futureResult.assumeIsolated().whenComplete { _ in context.close(mode: mode, promise: promise) }
            context.writeAndFlush(wrapOutboundOut(.byteBuffer(ByteBuffer())), promise: written)
        }
        closes = []
    }

    private func endSilence() {
        guard connection.isStalled, let context else {
            context?.close(promise: nil)
            return
        }
        // Else the kernel would keep for minutes what nobody takes.
        _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        hangUp()
    }

    /// Ends the connection at once, whatever the client has not taken.
    func hangUp() {
        guard let context else { return }
        // Past TLS, which would wait for the client's goodbye.
        let end = (try? context.channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)) ?? context
        end.close(promise: nil)
    }
}
