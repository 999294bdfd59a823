import CLibrary
import MirrorCore
import MirrorEngine
import NIOCore
import NIOHTTP1
import NIOSSL

/// Passes each request of a connection to what answers it: the fast path, identical requests that it can join, or the slow path behind this handler.
///
/// Between the socket (or TLS) and everything that knows HTTP. It handles one request at a time: later ones stay here, as bytes, until that one is
/// answered and the client reads what it is sent. Meanwhile nothing more is read. So a connection holds no more than one request, what was read
/// with it, and some tens of KiB of answers, whatever its client sends.
///
/// It also keeps the connection open until the socket has taken everything that was written.
final class ConnectionHandler: ChannelDuplexHandler, RemovableChannelHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = HTTPServerRequestPart
    typealias OutboundIn = IOData
    typealias OutboundOut = IOData

    private let coalescing: CoalescingTable?
    private let lookups: StateLookups?
    private let client: ClientPresence
    private let connection: ConnectionProgress
    private let reader: RequestReader
    private let silence: SilenceCheck
    /// `nil` once it has begun: then its handlers are behind this one.
    private var slowPath: SlowPath?
    private var fastPath: FastPath
    /// Bytes that have not been passed on yet; `nil` instead of empty.
    private var input: ByteBuffer?
    private var isInputClosed = false
    /// Whether the handlers behind this one know that the input has ended.
    private var isInputTold = false
    private var isReadAsked = false
    private var isProceeding = false
    /// Whether something was passed on since the last end of a read.
    private var hasHandedOn = false
    /// The request that has joined others and waits.
    private var member: CoalescedRequests.Member?
    /// The request that is being looked up in the state.
    private var look: StateLookups.Request?
    /// Whether the next request has been looked up: if it is still not in memory, it is for the slow path.
    private var hasLooked = false
    /// Closes to carry out once the current request is answered.
    private var closes: [(mode: CloseMode, promise: EventLoopPromise<Void>?)] = []
    private var isClosing = false
    private var context: ChannelHandlerContext?

    /// - Parameter coalescing: `nil` if requests may not join others.
    /// - Parameter lookups: `nil` if only the slow path looks into the state.
    init(
        fastPath: FastPath, coalescing: CoalescingTable?, lookups: StateLookups?, slowPath: SlowPath, client: ClientPresence,
        connection: ConnectionProgress, reader: RequestReader, silence: SilenceCheck
    ) {
        self.fastPath = fastPath
        self.coalescing = coalescing
        self.lookups = lookups
        self.slowPath = slowPath
        self.client = client
        self.connection = connection
        self.reader = reader
        self.silence = silence
    }

    func handlerAdded(context: ChannelHandlerContext) {
        self.context = context
        // Held until ``end()``, and strongly: an object with weak references keeps its counts elsewhere, at a cost for each request.
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

    /// The connection has ended.
    private func end() {
        silence.end()
        input = nil
        client.leave()
        if let member {
            self.member = nil
            coalescing?.leave(member)
        }
        look = nil
        for close in closes { close.promise?.fail(ChannelError.alreadyClosed) }
        closes = []
    }

    /// A trusted proxy has named the connection's client. Called before anything else is read.
    func begin(from peer: IPAddress?) {
        client.address = peer
        fastPath.chooser.peer = peer
    }

    // MARK: Input

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

    func userInboundEventTriggered(context: ChannelHandlerContext, event: Any) {
        switch event {
        case ChannelEvent.inputClosed: noteLeaving(context)
        case is ChannelShouldQuiesceEvent: quiesce(event, context)
        default: context.fireUserInboundEventTriggered(event)
        }
    }

    /// At shutdown. The slow path closes the connection when it has nothing to answer, so it answers the request that is being looked up.
    private func quiesce(_ event: Any, _ context: ChannelHandlerContext) {
        leaveLook(context)
        proceed(context)
        if slowPath == nil { context.fireUserInboundEventTriggered(event) } else { close(context: context, mode: .all, promise: nil) }
    }

    /// A client that ends its side has most likely left, and its waits end. It still gets its answers, in case it has not left.
    private func noteLeaving(_ context: ChannelHandlerContext) {
        isInputClosed = true
        client.leave()
        leaveCoalesced(context)
        leaveLook(context)
        proceed(context)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        // The client ended its side without TLS's close notification. The end itself is reported next.
        if case NIOSSLError.uncleanShutdown = error { return }
        // The slow path ends the connection.
        if slowPath == nil { context.fireErrorCaught(error) } else { close(context: context, mode: .all, promise: nil) }
    }

    /// Called after each answer: now the next request can be handled.
    func flush(context: ChannelHandlerContext) {
        context.flush()
        if input != nil { proceed(context) }
    }

    // MARK: Passing requests on

    /// Passes on as much of the input as may be handled now.
    private func proceed(_ context: ChannelHandlerContext) {
        guard !isProceeding else { return }
        isProceeding = true
        // Moved rather than copied: each copy would count its references.
        while input != nil, mayProceed(context), var bytes = input.take() {
            step(&bytes, context)
            input = bytes.readableBytes > 0 ? consume bytes : nil
        }
        isProceeding = false
        // The handlers behind were not told of what was answered here, and need not be woken for it.
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
            // Read again through all handlers: those behind may have received enough meanwhile.
            context.channel.read()
        }
    }

    /// Whether the next byte may be handled now. If the input is no longer read, it is dropped at once.
    private func mayProceed(_ context: ChannelHandlerContext) -> Bool {
        if isClosing || connection.isInputOver { return true }
        return context.channel.isWritable && (!connection.isAnswering || connection.isInBody)
    }

    /// Removes what has been handled from the input.
    private func step(_ input: inout ByteBuffer, _ context: ChannelHandlerContext) {
        guard !isClosing, !connection.isInputOver else { return input.moveReaderIndex(to: input.writerIndex) }
        if !connection.isAtBoundary || !answer(&input, context) {
            handOn(&input, context)
        }
    }

    /// - Returns: `false` if the next request is for the slow path.
    private func answer(_ input: inout ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        let (length, hadLooked) = (input.readableBytes, hasLooked)
        hasLooked = false
        let next = fastPath.answer(&input)
        if let answers = fastPath.takeAnswers() { context.writeAndFlush(wrapOutboundOut(.byteBuffer(answers)), promise: nil) }
        let isLooked = hadLooked && input.readableBytes == length
        switch next {
        case .pause: return true
        case .end:
            end(context)
            return true
        case .plain(let request):
            if join(request, &input, context) { return true }
            if !isLooked, look(for: request, &input, context) { return true }
        case .other: break
        }
        if !isLooked { client.note(nil) }
        return false
    }

    private func handOn(_ input: inout ByteBuffer, _ context: ChannelHandlerContext) {
        hasHandedOn = true
        do {
            try slowPath.take()?.begin(behind: self, on: context.channel, of: client, connection)
            try reader.read(&input, context)
        } catch {
            fail(error, context)
        }
    }

    /// The connection's last request was answered here: ends the connection as the slow path does. To the slow path the client seems to have left.
    private func end(_ context: ChannelHandlerContext) {
        connection.requestEnded(isLast: true)
        close(context: context, mode: .output, promise: nil)
        closeInput(context)
    }

    private func closeInput(_ context: ChannelHandlerContext) {
        guard !isInputTold else { return }
        isInputTold = true
        // The slow path closes a connection that has ended without a request for it.
        guard slowPath == nil else { return close(context: context, mode: .all, promise: nil) }
        do {
            if !connection.isInputOver { try reader.finish(context) }
        } catch {
            fail(error, context)
        }
        context.fireUserInboundEventTriggered(ChannelEvent.inputClosed)
    }

    /// The input is not HTTP: the handlers behind say so, and the connection ends.
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

    /// Lets a request join others before the handlers behind see it: an identical request that is too large for the fast path.
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
    /// - Parameter member: The request that the answer is for, unless it has given up meanwhile.
    /// - Parameter response: All of its bytes.
    func answer(_ member: CoalescedRequests.Member, with response: ByteBuffer) {
        guard self.member === member, let context else { return }
        self.member = nil
        connection.answerEnded(at: .now())
        context.writeAndFlush(wrapOutboundOut(.byteBuffer(response)), promise: nil)
        closeNow(context)
        proceed(context)
    }

    /// If the client leaves, the slow path answers at once, because it does not wait for clients that have left.
    private func leaveCoalesced(_ context: ChannelHandlerContext) {
        guard let member else { return }
        self.member = nil
        coalescing?.leave(member)
        connection.answerEnded(at: .now())
        guard closes.isEmpty else { return closeNow(context) }
        client.note(nil)
        var request = member.request
        handOn(&request, context)
    }

    // MARK: Looking into the state

    /// Lets a request wait for a look into the state.
    private func look(for request: FastPath.Request, _ input: inout ByteBuffer, _ context: ChannelHandlerContext) -> Bool {
        guard let lookups, !client.hasLeft, let choice = request.choice,
            let bytes = input.getSlice(at: input.readerIndex, length: request.length)
        else { return false }
        look = input.withUnsafeReadableBytes { all in
            lookups.begin(UnsafeRawBufferPointer(rebasing: all[request.target]), choice, bytes, self, on: context.eventLoop)
        }
        guard look != nil else { return false }
        input.moveReaderIndex(forwardBy: request.length)
        connection.waitBegan()
        return true
    }

    /// Called on the event loop when the replica is in memory, or could not be remembered.
    ///
    /// - Parameter look: The look that ended; ignored if it was given up meanwhile.
    /// - Parameter found: What the slow path is to know of the look.
    func proceed(after look: StateLookups.Request, _ found: StateLook?) {
        guard self.look === look, let context else { return }
        self.look = nil
        connection.answerEnded(at: .now())
        var request = look.bytes
        guard closes.isEmpty else {
            // The handlers behind have gone.
            _ = fastPath.answer(&request)
            if let answers = fastPath.takeAnswers() { context.writeAndFlush(wrapOutboundOut(.byteBuffer(answers)), promise: nil) }
            return closeNow(context)
        }
        if var rest = input { request.writeBuffer(&rest) }
        input = request
        hasLooked = true
        client.note(found)
        proceed(context)
    }

    /// If the client leaves, the slow path answers, as for requests that wait with others; and at shutdown.
    private func leaveLook(_ context: ChannelHandlerContext) {
        guard let look else { return }
        self.look = nil
        connection.answerEnded(at: .now())
        guard closes.isEmpty else { return closeNow(context) }
        client.note(nil)
        var request = look.bytes
        handOn(&request, context)
    }

    // MARK: Closing

    /// At shutdown, and after a client's last request, Hummingbird closes right after the last write, which would drop what a slow client has not
    /// read yet. A client that reads nothing more is closed by ``SilenceCheck``. Before the connection is active there is nothing to wait for.
    func close(context: ChannelHandlerContext, mode: CloseMode, promise: EventLoopPromise<Void>?) {
        guard mode != .input, context.channel.isActive else { return context.close(mode: mode, promise: promise) }
        isClosing = true
        closes.append((mode, promise))
        if member == nil, look == nil { closeNow(context) }
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
        // Otherwise the kernel would keep the unread bytes for minutes.
        _ = (context.channel as? any SocketOptionProvider)?.setSoLinger(linger(l_onoff: 1, l_linger: 0))
        hangUp()
    }

    /// Ends the connection at once, even if the client has not read everything.
    func hangUp() {
        guard let context else { return }
        // Bypasses TLS, which would wait for the client's close notification.
        let end = (try? context.channel.pipeline.syncOperations.context(handlerType: NIOSSLServerHandler.self)) ?? context
        end.close(promise: nil)
    }
}
